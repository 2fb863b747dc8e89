// `millrace configs`: settings of topics, brokers and groups that the cluster keeps.
import type { Command } from 'commander';
import { Argument } from 'commander';
import type { ConfigDetails, ConfigResource } from '../../client/index.ts';
import { alterConfigs, CONFIG_CHANGE } from './config-changes.ts';
import type { CommandIo } from './io.ts';
import { type ClusterOptions, onCluster, type OutputOptions, pairs, withAdmin, withOutput } from './options.ts';
import { column, printRows } from './output.ts';

type Common = ClusterOptions & OutputOptions;
type Type = 'topic' | 'broker' | 'group';

export function configs(configsCommand: Command, io: CommandIo): void {
  const verb = (name: string, description: string): Command =>
    withOutput(onCluster(configsCommand.command(name).description(description)))
      .addArgument(new Argument('<type>', 'what has them').choices(['topic', 'broker', 'group']))
      .argument('<name>', 'its name, or the broker’s id; "default" for all brokers');

  verb('get', 'print configs')
    .argument('[config...]', 'only these')
    .option('-a, --all', 'those that have their default, too')
    .action((type: Type, name: string, wanted: string[], options: Common & { all?: boolean }) =>
      get(io, resourceOf(type, name), wanted, options),
    );
  verb('set', 'set configs')
    .argument('<name=value...>')
    .option('--dry-run', 'only check')
    .action((type: Type, name: string, given: string[], options: Common & { dryRun?: boolean }) =>
      change(io, resourceOf(type, name), pairs(given), options),
    );
  verb('unset', 'give configs their defaults again')
    .argument('<config...>')
    .option('--dry-run', 'only check')
    .action((type: Type, name: string, given: string[], options: Common & { dryRun?: boolean }) =>
      change(io, resourceOf(type, name), Object.fromEntries(given.map((config) => [config, null])), options),
    );
}

/** The default of all brokers has no name. */
function resourceOf(type: Type, name: string): ConfigResource {
  return { type, name: type === 'broker' && name === 'default' ? '' : name };
}

const DEFAULTS: readonly ConfigDetails['source'][] = ['DEFAULT_CONFIG', 'STATIC_BROKER_CONFIG'];

async function get(
  io: CommandIo,
  resource: ConfigResource,
  wanted: readonly string[],
  options: Common & { readonly all?: boolean },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const all = await admin.describeConfigs(resource);
    const shown = all.filter(({ name, source }) =>
      wanted.length > 0 ? wanted.includes(name) : options.all === true || !DEFAULTS.includes(source),
    );
    printRows(io, options.output, [column<ConfigDetails>('name'), column('value'), column('source')], shown);
  });
}

async function change(
  io: CommandIo,
  resource: ConfigResource,
  set: Readonly<Record<string, string | null>>,
  options: Common & { readonly dryRun?: boolean },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    printRows(io, options.output, CONFIG_CHANGE, await alterConfigs(admin, resource, set, options.dryRun === true));
  });
}
