// kafka-configs: settings of topics, brokers, groups and client metrics; of users, clients and addresses in user-configs.ts.
import { existsSync } from 'node:fs';
import type { Admin, ConfigDetails, ConfigResource } from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { codeOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { alterUsers, describeUsers, USER_KINDS, userEntityOf } from './user-configs.ts';
import { BOOTSTRAP_FLAGS, type Tool, ToolError, type ToolIo, withAdmin } from './tool.ts';

/** By the names that entities have in Kafka's tools. */
const KINDS = {
  topics: { type: 'topic', short: 'topic' },
  brokers: { type: 'broker', short: 'broker' },
  'broker-loggers': { type: 'broker-logger', short: 'broker-logger' },
  groups: { type: 'group', short: 'group' },
  'client-metrics': { type: 'client-metrics', short: 'client-metrics' },
} as const satisfies Readonly<Record<string, { readonly type: ConfigResource['type']; readonly short: string }>>;
type Kind = keyof typeof KINDS;

const shortFlags = [...Object.values(KINDS), ...Object.values(USER_KINDS)].map(({ short }) => short);
const defaultFlags = Object.values(USER_KINDS).map(({ short }) => `${short}-defaults`);

export const configs: Tool = {
  summary: 'Change and describe configs of topics, brokers, groups and client metrics, quotas, and SCRAM credentials.',
  onError: (words) => `Error while executing config command with args '${words.join(' ')}'\n`,
  flags: {
    ...BOOTSTRAP_FLAGS,
    'bootstrap-controller': { takes: 'controller', now: 'bootstrap-server', text: '' },
    describe: { text: 'List the configs that were set.' },
    alter: { text: 'Change them.' },
    all: { text: 'With --describe: those as well that were not set.' },
    'entity-type': {
      takes: 'type',
      text: `What they belong to: ${[...Object.keys(KINDS), ...Object.keys(USER_KINDS)].join(', ')}.`,
    },
    'entity-name': { takes: 'name', text: 'Its name: of a topic, or the id of a broker.' },
    'entity-default': { text: 'The default of all brokers.' },
    ...Object.fromEntries(
      shortFlags.map((name) => [name, { takes: 'name', text: `The same as --entity-type and --entity-name.` }]),
    ),
    'broker-defaults': { text: 'The default of all brokers.' },
    ...Object.fromEntries(
      defaultFlags.map((name) => [name, { text: 'The default of all that have none of their own.' }]),
    ),
    'add-config': { takes: 'k=v,…', text: 'What is set: k1=v1,k2=[v1,v2].' },
    'add-config-file': { takes: 'file', text: 'A file of what is set.' },
    'delete-config': { takes: 'k,…', text: 'What is taken back.' },
    force: { text: '', ignored: 'nothing is asked.' },
  },
  async run(args, io) {
    const action = args.action(['describe', 'alter'], 'Command must include exactly one action: --describe, --alter');
    const users = userEntityOf(args);
    if (users !== undefined) {
      const changes = action === 'alter' ? changesOf(args) : {};
      await withAdmin(args, (admin) =>
        action === 'describe' ? describeUsers(admin, users, io) : alterUsers(admin, users, changes, io),
      );
      return;
    }
    const { kind, name } = entityOf(args);
    const set = action === 'alter' ? changesOf(args) : {};
    if (action === 'alter' && name === undefined) {
      throw new ToolError(
        `At least one of --entity-name, ${kind === 'brokers' ? '--entity-default, ' : ''}--${KINDS[kind].short} must be specified with --alter`,
      );
    }
    await withAdmin(args, (admin) =>
      action === 'describe'
        ? describe(admin, { kind, name, all: args.has('all') }, io)
        : alter(admin, { kind, name: name!, set }, io),
    );
  },
};

interface Entity {
  readonly kind: Kind;
  /** Empty for the default of all brokers; undefined for all that there are. */
  readonly name: string | undefined;
}

function entityOf(args: Arguments): Entity {
  const kinds = Object.keys(KINDS) as Kind[];
  const short = kinds.find((kind) => args.has(KINDS[kind].short));
  const type = args.get('entity-type');
  if (type !== undefined && (short !== undefined || args.has('broker-defaults'))) {
    throw new UsageError('--entity-{type,name,default} should not be used in conjunction with specific entity flags');
  }
  if (args.has('broker-defaults')) return { kind: 'brokers', name: '' };
  if (short !== undefined) return { kind: short, name: args.get(KINDS[short].short)! };
  if (type === undefined) throw new UsageError('At least one entity type must be specified');
  if (!Object.hasOwn(KINDS, type)) {
    throw new ToolError(
      `Invalid entity type ${type}, the entity type must be one of ${[...kinds, ...Object.keys(USER_KINDS)].join(', ')}`,
    );
  }
  if (args.has('entity-default')) return { kind: type as Kind, name: '' };
  return { kind: type as Kind, name: args.get('entity-name') };
}

/** `k=v,k2=[a,b]`: commas within brackets belong to the value. */
function changesOf(args: Arguments): Record<string, string | null> {
  const file = args.get('add-config-file');
  const [added, deleted] = [args.get('add-config'), args.get('delete-config')];
  if (file === undefined && added === undefined && deleted === undefined) {
    throw new ToolError(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter',
    );
  }
  if (file !== undefined && added !== undefined) {
    throw new ToolError('Only one of --add-config or --add-config-file must be specified.');
  }
  if (file !== undefined && !existsSync(file)) throw new ToolError(`There is no file ${file}.`);
  const set: Record<string, string | null> = { ...(file === undefined ? {} : readPropertiesFile(file)) };
  for (const text of added?.split(/,(?![^[]*\])/) ?? []) {
    const equals = text.indexOf('=');
    if (equals <= 0)
      throw new ToolError(`Invalid entity config: all configs to be added must be in the format "key=val".`);
    set[text.slice(0, equals).trim()] = text
      .slice(equals + 1)
      .trim()
      .replace(/^\[(.*)\]$/, '$1');
  }
  for (const name of deleted?.split(',') ?? []) set[name.trim()] = null;
  return set;
}

// ── Describing ────────────────────────────────────────────────────────────────────────────────────────────────────

async function describe(
  admin: Admin,
  { kind, name, all }: Entity & { readonly all: boolean },
  io: ToolIo,
): Promise<void> {
  for (const each of name === undefined ? await namesOf(admin, kind) : [name]) {
    if (kind === 'topics' && !(await admin.listTopics()).includes(each)) {
      io.out(`The topic '${each}' doesn't exist and doesn't have dynamic config.\n`);
      continue;
    }
    const what = each === '' && kind === 'brokers' ? 'brokers in the cluster' : `${KINDS[kind].short} ${each}`;
    io.out(`${each === '' ? 'Default' : all ? 'All' : 'Dynamic'} configs for ${what} are:\n`);
    const found = await admin.describeConfigs({ type: KINDS[kind].type, name: each });
    for (const config of [...found].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (all || isDynamic(config, each === '')) io.out(`  ${lineOf(config)}\n`);
    }
  }
}

async function namesOf(admin: Admin, kind: Kind): Promise<string[]> {
  if (kind === 'topics') return (await admin.listTopics()).sort();
  if (kind === 'brokers' || kind === 'broker-loggers') {
    const ids = (await admin.brokers()).map(({ id }) => String(id));
    return kind === 'brokers' ? [...ids, ''] : ids;
  }
  if (kind === 'groups') return (await admin.listGroups()).map(({ groupId }) => groupId).sort();
  throw new ToolError('The name is to be said with --entity-name.');
}

function isDynamic({ source }: ConfigDetails, isDefault: boolean): boolean {
  return isDefault
    ? source === 'DYNAMIC_DEFAULT_BROKER_CONFIG'
    : source !== 'DEFAULT_CONFIG' && source !== 'STATIC_BROKER_CONFIG' && source !== 'UNKNOWN';
}

function lineOf({ name, value, isSensitive, synonyms }: ConfigDetails): string {
  const texts = synonyms.map((each) => `${each.source}:${each.name}=${isSensitive ? null : each.value}`);
  return `${name}=${isSensitive ? null : value} sensitive=${isSensitive} synonyms={${texts.join(', ')}}`;
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function alter(
  admin: Admin,
  { kind, name, set }: { readonly kind: Kind; readonly name: string; readonly set: Record<string, string | null> },
  io: ToolIo,
): Promise<void> {
  const resource = { type: KINDS[kind].type, name };
  const deleted = Object.keys(set).filter((key) => set[key] === null);
  if (deleted.length > 0) {
    const own = (await existing(admin, resource))
      .filter((config) => isDynamic(config, name === ''))
      .map((each) => each.name);
    const invalid = deleted.filter((key) => !own.includes(key));
    if (invalid.length > 0) throw new ToolError(`Invalid config(s): ${invalid.join(',')}`);
  }
  await admin.alterConfigs(resource, set);
  io.out(
    name === ''
      ? `Completed updating default config for ${kind} in the cluster.\n`
      : `Completed updating config for ${KINDS[kind].short} ${name}.\n`,
  );
}

async function existing(admin: Admin, resource: ConfigResource): Promise<ConfigDetails[]> {
  try {
    return await admin.describeConfigs(resource);
  } catch (error) {
    if (codeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') throw new ToolError(`There is no topic ${resource.name}.`);
    throw error;
  }
}
