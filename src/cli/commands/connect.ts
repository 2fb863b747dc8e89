// `millrace connect`: connectors are listed and described, made from files, paused and gone on with, moved, and deleted; or a worker is
// started here. The life of a change: the command asks Connect's REST, and tells what has become of it.
import type { Command } from 'commander';
import { readPropertiesFile } from '../../platform/index.ts';
import { MillraceError } from '../../util/index.ts';
import { addressOf } from '../connect.ts';
import { ConnectClient, type ConnectorOffset, type ConnectorStatus, pathOf } from '../connect-client.ts';
import { connectorIn, jsonIn } from '../connector-file.ts';
import { runWorker } from '../connect-worker.ts';
import type { CommandIo } from './io.ts';
import { collect, type OutputOptions, withOutput } from './options.ts';
import { column, type Column, printDetails, printRows, section } from './output.ts';

interface Common extends OutputOptions {
  readonly url: string;
  readonly user?: string;
  readonly ca?: string;
}

const DEFAULT_URL = 'http://127.0.0.1:8083';

export function connect(command: Command, io: CommandIo): void {
  const verb = (words: string, description: string): Command =>
    withOutput(command.command(words).description(description))
      .option('--url <url>', 'where Connect is', process.env['MILLRACE_CONNECT_URL'] ?? DEFAULT_URL)
      .option('--user <name:password>', 'for basic authentication')
      .option('--ca <file>', 'certificates (PEM) of the authorities to trust');

  verb('list', 'connectors with their states').action((options: Common) => list(io, options));
  verb('describe <connector...>', 'tasks, config and topics; what went wrong').action(
    (names: string[], options: Common) => describe(io, names, options),
  );
  verb('create <file...>', 'make connectors, or change them, as files (JSON, properties) say')
    .option('-p, --property <key=value>', 'in force instead of what the file says; may be repeated', collect)
    .action((files: string[], options: Common & { property?: string[] }) => create(io, files, options));
  for (const [word, done] of [
    ['pause', 'paused'],
    ['resume', 'going on'],
    ['stop', 'stopped'],
  ] as const)
    verb(`${word} <connector...>`, TEXTS[word]).action((names: string[], options: Common) =>
      each(io, names, options, async (client, name) => {
        await client.ask('PUT', pathOf(name, `/${word}`));
        return `${name}: ${done}`;
      }),
    );
  verb('restart <connector...>', 'start a connector anew, with its tasks')
    .option('--only-failed', 'what has failed only')
    .action((names: string[], options: Common & { onlyFailed?: boolean }) =>
      each(io, names, options, async (client, name) => {
        await client.ask('POST', pathOf(name, `/restart?includeTasks=true&onlyFailed=${options.onlyFailed === true}`));
        return `${name}: started anew`;
      }),
    );
  verb('delete <connector...>', 'end connectors, and forget them').action((names: string[], options: Common) =>
    each(io, names, options, async (client, name) => {
      await client.ask('DELETE', pathOf(name));
      return `${name}: deleted`;
    }),
  );
  verb('offsets <connector>', 'how far it is; of a connector that is stopped, set or forgotten')
    .option('--set <file>', 'to what a file says, in the form in which -o json tells them')
    .option('--reset', 'as if it had never run')
    .action((name: string, options: Common & { set?: string; reset?: boolean }) => offsets(io, name, options));
  verb('plugins', 'what connectors, converters and transformations there are').action((options: Common) =>
    plugins(io, options),
  );
  command
    .command('worker <file> [connectors...]')
    .description('a worker in this process, as its file of properties says; with files of connectors it is alone')
    .action((file: string, connectors: string[]) => worker(io, file, connectors));
}

const TEXTS = {
  pause: 'let connectors rest, keeping what they have',
  resume: 'let them go on',
  stop: 'end their tasks; their offsets can be set then',
} as const;

async function using<T>({ url, user, ca }: Common, work: (client: ConnectClient) => Promise<T>): Promise<T> {
  const options = { ...(user === undefined ? {} : { user }), ...(ca === undefined ? {} : { ca }) };
  const client = new ConnectClient(addressOf(url, options));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

// ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function list(io: CommandIo, options: Common): Promise<void> {
  await using(options, async (client) => {
    const found = (await client.all()).toSorted((a, b) => (a.info.name < b.info.name ? -1 : 1));
    printRows(
      io,
      options.output,
      [
        { name: 'connector', value: ({ info }) => info.name },
        { name: 'type', value: ({ info }) => info.type },
        { name: 'class', value: ({ info }) => info.config['connector.class'] },
        { name: 'state', value: ({ status }) => status.connector.state },
        { name: 'tasks', value: ({ status }) => tasksText(status) },
      ] satisfies Column<(typeof found)[number]>[],
      found,
    );
  });
}

/** `2 RUNNING, 1 FAILED` */
function tasksText({ tasks }: ConnectorStatus): string {
  const states = [...new Set(tasks.map(({ state }) => state))];
  return states.map((state) => `${tasks.filter((task) => task.state === state).length} ${state}`).join(', ');
}

async function describe(io: CommandIo, names: readonly string[], options: Common): Promise<void> {
  await using(options, async (client) => {
    const all = await Promise.all(
      names.map(async (name) => {
        const [info, status] = [await client.info(name), await client.status(name)];
        const topics = (await client.ask('GET', pathOf(name, '/topics')).catch(() => ({}))) as Record<
          string,
          { topics: string[] }
        >;
        const { connector, tasks, type } = status;
        return { name, type, ...connector, tasks, topics: topics[name]?.topics ?? [], config: info.config };
      }),
    );
    printDetails(io, options.output, all, ({ name, type, state, worker_id: at, trace, tasks, topics, config }) => [
      section(
        `${name}: ${type}, ${state} at ${at}${topics.length === 0 ? '' : `, topics ${topics.join(', ')}`}${trace === undefined ? '' : `\n${trace}`}`,
        [
          { name: 'task', value: ({ id }) => id },
          column('state'),
          { name: 'worker', value: ({ worker_id: worker }) => worker },
          { name: 'trace', value: ({ trace: fault }) => fault?.split('\n')[0] ?? null },
        ] satisfies Column<(typeof tasks)[number]>[],
        tasks,
      ),
      section(
        `${name}: config`,
        [
          { name: 'setting', value: ([setting]) => setting },
          { name: 'value', value: ([, value]) => value },
        ] satisfies Column<[string, string]>[],
        Object.entries(config),
      ),
    ]);
  });
}

async function plugins(io: CommandIo, options: Common): Promise<void> {
  await using(options, async (client) =>
    printRows(io, options.output, [column('class'), column('type'), column('version')], await client.plugins()),
  );
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function each(
  io: CommandIo,
  names: readonly string[],
  options: Common,
  work: (client: ConnectClient, name: string) => Promise<string>,
): Promise<void> {
  await using(options, async (client) => {
    for (const name of names) io.out(`${await work(client, name)}\n`);
  });
}

async function create(
  io: CommandIo,
  files: readonly string[],
  options: Common & { readonly property?: readonly string[] },
): Promise<void> {
  const overrides = Object.fromEntries((options.property ?? []).map(pair));
  const connectors = files.map((file) => connectorIn(file, overrides));
  await using(options, async (client) => {
    for (const { name, config } of connectors) {
      const { tasks } = await client.put(name, config);
      io.out(`${name}: made, with ${tasks.length} tasks so far\n`);
    }
  });
}

async function offsets(
  io: CommandIo,
  name: string,
  options: Common & { readonly set?: string; readonly reset?: boolean },
): Promise<void> {
  await using(options, async (client) => {
    if (options.reset === true || options.set !== undefined) {
      const answer =
        options.set === undefined
          ? await client.ask('DELETE', pathOf(name, '/offsets'))
          : await client.ask('PATCH', pathOf(name, '/offsets'), { offsets: jsonIn(options.set) });
      io.out(`${(answer as { message: string }).message}\n`);
      return;
    }
    printRows(
      io,
      options.output,
      [
        {
          name: 'partition',
          value: ({ partition }) => (options.output === 'json' ? partition : JSON.stringify(partition)),
        },
        { name: 'offset', value: ({ offset }) => (options.output === 'json' ? offset : JSON.stringify(offset)) },
      ] satisfies Column<ConnectorOffset>[],
      await client.offsets(name),
    );
  });
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new MillraceError('INVALID_OPTION', `"${text}" is no setting: write key=value.`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

// ── A worker ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function worker(io: CommandIo, file: string, connectors: readonly string[]): Promise<void> {
  const settings = readPropertiesFile(file);
  const isAlone = connectors.length > 0 || settings['group.id'] === undefined;
  await runWorker(isAlone ? 'standalone' : 'distributed', settings, connectors, io);
}
