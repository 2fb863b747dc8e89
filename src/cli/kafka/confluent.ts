/**
 * The verbs of Confluent's command line for a machine of one's own: `confluent start`, `confluent local services kafka start`, and
 * so on. All services are one process behind, which a directory remembers: its data, its log, its id. Connectors are asked for over
 * Connect's REST.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { version } from '../../platform/index.ts';
import { codeOf, messageOf, nearestName, packageRoot } from '../../util/index.ts';
import { ConnectClient, pathOf } from '../connect-client.ts';
import { connectorIn } from '../connector-file.ts';
import { UsageError } from './arguments.ts';
import { consoleConsumer } from './console-consumer.ts';
import { consoleProducer } from './console-producer.ts';
import { schemaConsumer, schemaProducer } from './schema-consoles.ts';
import { runTool, type Tool, ToolError, type ToolIo } from './tool.ts';

/** In the order in which they need each other, with what the platform calls them when they are ready. */
const SERVICES: Readonly<Record<string, RegExp | undefined>> = {
  // A broker has what ZooKeeper, or KRaft, was for.
  zookeeper: /^Broker ready +(\S+)/m,
  kraft: /^Broker ready +(\S+)/m,
  kafka: /^Broker ready +(\S+)/m,
  'schema-registry': /^Schema Registry ready +(\S+)/m,
  'kafka-rest': /^REST Proxy ready +(\S+)/im,
  connect: /^Connect ready +(\S+)/m,
  'ksql-server': /^SQL ready +(\S+)/m,
  'control-center': undefined,
};
/** KRaft is what took ZooKeeper's place: one of them is enough in a list. */
const LISTED = Object.keys(SERVICES).filter((name) => name !== 'kraft');

const FORMATS = {
  avro: 'AVRO',
  json: 'JSON',
  'json-schema': 'JSON',
  jsonschema: 'JSON',
  protobuf: 'PROTOBUF',
} as const;

const START_MS = 60_000;
const STOP_MS = 30_000;
const POLL_MS = 50;

type Verb = (rest: readonly string[], io: ToolIo) => Promise<void>;

const VERBS: Readonly<Record<string, readonly [text: string, run: Verb]>> = {
  list: ['list [services | connectors | plugins]: what there is', list],
  start: ['start [service]: start all services, which are one process', start],
  stop: ['stop [service]: stop them', stop],
  status: ['status [service]: which services are up', status],
  top: ['top [service]: what the process needs', top],
  log: ['log [service] [-f]: what the process has said; -f goes on', log],
  current: ['current: the directory of this run', current],
  destroy: ['destroy: stop, and delete the directory with all data', destroy],
  produce: ['produce <topic> [--value-format avro|json|protobuf] [flags of the console]', produce],
  consume: ['consume <topic> [--value-format avro|json|protobuf] [flags of the console]', consume],
  config: [
    'config <connector> [-d <file>]: what a connector is told; with a file, what it is told from now on',
    config,
  ],
  load: ['load <connector> -d <file>: make a connector, as a file (JSON, properties) says', load],
  unload: ['unload <connector>: end a connector, and forget it', unload],
  version: ['version [service]', showVersion],
  help: ['help [command]', help],
};

export const confluent: Tool = {
  summary: 'confluent <command>: the services on this machine.',
  standsAlone: true,
  takesAll: true,
  flags: {},
  async run({ words }, io) {
    const [verb = 'help', ...rest] = plain(words);
    const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (known === undefined) {
      const near = nearestName(verb, Object.keys(VERBS));
      const hint = near === undefined ? 'confluent help lists them.' : `Did you mean "${near}"?`;
      throw new UsageError(`There is no command "${verb}". ${hint}`, false);
    }
    await known[1](rest, io);
  },
};

/** `local services kafka start`, `local start kafka` and `start kafka` are the same; so is what stands behind `--`. */
function plain(words: readonly string[]): string[] {
  const given = words
    .filter((word) => word !== '--')
    .map((word) => (word === '--help' || word === '-h' ? 'help' : word));
  const from = given[0] === 'local' ? 1 : 0;
  const [first, second, ...rest] = given.slice(given[from] === 'services' ? from + 1 : from);
  if (first === undefined) return [];
  if (!Object.hasOwn(SERVICES, first) || second === undefined)
    return [first, ...(second === undefined ? [] : [second]), ...rest];
  // `connect connector load NAME`, `connect plugin list`: what stands behind them are verbs of their own.
  if (second === 'connector') return connectorVerb(rest);
  if (second === 'plugin') return ['list', 'plugins'];
  return second === 'produce' || second === 'consume' ? [second, ...rest] : [second, first, ...rest];
}

function connectorVerb([verb = 'list', ...rest]: readonly string[]): string[] {
  return verb === 'list'
    ? ['list', 'connectors']
    : verb === 'status' && rest.length === 0
      ? ['status', 'connectors']
      : [verb, ...rest];
}

// ── The process behind ────────────────────────────────────────────────────────────────────────────────────────────

interface Run {
  readonly directory: string;
  /** Undefined where none runs. */
  readonly pid: number | undefined;
  /** What it has said. */
  readonly log: string;
}

/** Where runs lie, and which is the current one. */
const home = (): string => process.env['CONFLUENT_CURRENT'] ?? tmpdir();
const pointer = (): string => join(home(), 'confluent.current');
const logOf = (directory: string): string => join(directory, 'millrace.log');
const pidOf = (directory: string): string => join(directory, 'millrace.pid');

/** The run that there is; undefined before the first. */
function known(): Run | undefined {
  const directory = textIn(pointer())?.trim();
  if (directory === undefined || !existsSync(directory)) return undefined;
  const pid = Number(textIn(pidOf(directory)));
  return { directory, pid: isRunning(pid, directory) ? pid : undefined, log: textIn(logOf(directory)) ?? '' };
}

/** The run that there is, or a new directory for one. */
function made(): Run {
  const found = known();
  if (found !== undefined) return found;
  mkdirSync(home(), { recursive: true });
  const directory = mkdtempSync(join(home(), 'confluent.'));
  writeFileSync(pointer(), `${directory}\n`);
  return { directory, pid: undefined, log: '' };
}

function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** An id may have become another process's: where the system tells what runs under it, that is looked at. */
function isRunning(pid: number, directory: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync('/proc/self/cmdline')) return true;
  const words = textIn(`/proc/${pid}/cmdline`) ?? '';
  return words.includes(directory);
}

function addressOf(service: string, run: Run | undefined): string | undefined {
  const pattern = SERVICES[service];
  return run?.pid === undefined || pattern === undefined ? undefined : pattern.exec(run.log)?.[1];
}

const pause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, POLL_MS);
  });

// ── The verbs ─────────────────────────────────────────────────────────────────────────────────────────────────────

function serviceIn([name]: readonly string[]): string | undefined {
  if (name === undefined) return undefined;
  if (!Object.hasOwn(SERVICES, name)) {
    throw new UsageError(`There is no service "${name}": use ${LISTED.join(', ')}.`, false);
  }
  if (SERVICES[name] !== undefined) return name;
  throw new ToolError('Control Center is not there yet.');
}

async function list([what = 'services']: readonly string[], io: ToolIo): Promise<void> {
  if (what === 'connectors') {
    const names = (await onConnect((client) => client.all())).map(({ info }) => info.name);
    io.out(`${JSON.stringify(names.sort(), null, 2)}\n`);
    return;
  }
  if (what === 'plugins') {
    const plugins = (await onConnect((client) => client.plugins())).filter(
      ({ type }) => type === 'source' || type === 'sink',
    );
    io.out(`Available Connect Plugins:\n${JSON.stringify(plugins, null, 2)}\n`);
    return;
  }
  if (what !== 'services') throw new UsageError(`list services, connectors or plugins, not "${what}"`, false);
  io.out(`Available services:\n${LISTED.map((name) => `  ${name}\n`).join('')}`);
}

async function start(rest: readonly string[], io: ToolIo): Promise<void> {
  const wanted = serviceIn(rest);
  const run = made();
  io.out(`Using CONFLUENT_CURRENT: ${run.directory}\n`);
  if (run.pid === undefined) await spawned(run.directory);
  const now = known();
  for (const service of LISTED.filter((name) => addressOf(name, now) !== undefined)) {
    io.out(`Starting ${service}\n${service} is [UP]\n`);
  }
  if (wanted !== undefined && addressOf(wanted, now) === undefined) throw new ToolError(`${wanted} is [DOWN]`);
}

/** Resolves when it is up. */
async function spawned(directory: string): Promise<void> {
  const log = openSync(logOf(directory), 'w');
  const words = [join(packageRoot, 'bin', 'millrace'), 'start', '--data-dir', join(directory, 'data')];
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  writeFileSync(pidOf(directory), `${child.pid}\n`);
  const deadline = Date.now() + START_MS;
  while (!/^Millrace \S+ is up/m.test(textIn(logOf(directory)) ?? '')) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new ToolError(`The services did not come up:\n${(textIn(logOf(directory)) ?? '').trimEnd()}`);
    }
    await pause();
  }
}

async function stop(rest: readonly string[], io: ToolIo): Promise<void> {
  const wanted = serviceIn(rest);
  const run = known();
  io.out(`Using CONFLUENT_CURRENT: ${run?.directory ?? '(none)'}\n`);
  const running = LISTED.filter((name) => addressOf(name, run) !== undefined).toReversed();
  if (run?.pid !== undefined) {
    process.kill(run.pid, 'SIGTERM');
    const deadline = Date.now() + STOP_MS;
    while (isRunning(run.pid, run.directory)) {
      if (Date.now() > deadline) throw new ToolError(`The process ${run.pid} has not ended within ${STOP_MS} ms.`);
      await pause();
    }
    rmSync(pidOf(run.directory), { force: true });
  }
  for (const service of running) io.out(`Stopping ${service}\n${service} is [DOWN]\n`);
  if (running.length === 0) io.out(`${wanted ?? 'kafka'} is [DOWN]\n`);
}

async function status(rest: readonly string[], io: ToolIo): Promise<void> {
  const [name] = rest;
  // What is no service is taken for a connector, as the original does.
  if (name === 'connectors') return list(['connectors'], io);
  if (name !== undefined && !Object.hasOwn(SERVICES, name)) {
    io.out(`${JSON.stringify(await onConnect((client) => client.status(name)), null, 2)}\n`);
    return;
  }
  const run = known();
  const wanted = name === undefined ? LISTED : [name];
  for (const service of wanted) io.out(`${service} is [${addressOf(service, run) === undefined ? 'DOWN' : 'UP'}]\n`);
}

// ── Connectors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The Connect of the run that there is, or the one on the usual port. */
async function onConnect<T>(work: (client: ConnectClient) => Promise<T>): Promise<T> {
  const client = new ConnectClient({ url: addressOf('connect', known()) ?? 'http://127.0.0.1:8083' });
  try {
    return await work(client);
  } catch (error) {
    throw new ToolError(messageOf(error));
  } finally {
    client.close();
  }
}

/** A name, and the file behind `-d`, `-c` or `--config`. */
function connectorWords(rest: readonly string[]): { readonly name: string; readonly file: string | undefined } {
  const at = rest.findIndex((word) => ['-d', '-c', '--config'].includes(word));
  const file = at < 0 ? undefined : rest[at + 1];
  const [name] = rest.filter((_word, i) => at < 0 || (i !== at && i !== at + 1));
  if (name === undefined || (at >= 0 && file === undefined))
    throw new UsageError('Say which connector, and behind -d the file that says what it is.', false);
  return { name, file };
}

async function config(rest: readonly string[], io: ToolIo): Promise<void> {
  const { name, file } = connectorWords(rest);
  if (file !== undefined) return load(rest, io);
  const info = await onConnect((client) => client.info(name));
  io.out(`Current configuration of '${name}' connector:\n${JSON.stringify(info, null, 2)}\n`);
}

async function load(rest: readonly string[], io: ToolIo): Promise<void> {
  const { name, file } = connectorWords(rest);
  if (file === undefined) throw new UsageError(`Say what ${name} is: confluent load ${name} -d <file>.`, false);
  const info = await onConnect(async (client) => client.put(name, connectorIn(file, { name }).config));
  io.out(`${JSON.stringify(info, null, 2)}\n`);
}

async function unload(rest: readonly string[], io: ToolIo): Promise<void> {
  const { name } = connectorWords(rest);
  await onConnect((client) => client.ask('DELETE', pathOf(name)));
  io.out(`Success.\n`);
}

async function top(rest: readonly string[], io: ToolIo): Promise<void> {
  serviceIn(rest);
  const { pid } = up();
  const columns = 'pid,pcpu,pmem,rss,etime,args';
  const { stdout } = await promisify(execFile)('ps', ['-o', columns, '-p', String(pid)]);
  io.out(stdout);
}

function up(): Run {
  const run = known();
  if (run?.pid === undefined) throw new ToolError('No services run: confluent start starts them.');
  return run;
}

async function log(rest: readonly string[], io: ToolIo): Promise<void> {
  serviceIn(rest.filter((word) => !word.startsWith('-')));
  const run = known();
  if (run === undefined) throw new ToolError('There is no log: nothing was started yet.');
  io.out(run.log);
  if (!rest.some((word) => word === '-f' || word === '--follow')) return;
  let isOver = false;
  void io.interrupted.then(() => (isOver = true));
  for (let written = run.log.length; !isOver; ) {
    const text = textIn(logOf(run.directory)) ?? '';
    if (text.length > written) io.out(text.slice(written));
    written = text.length;
    await pause();
  }
}

async function current(_rest: readonly string[], io: ToolIo): Promise<void> {
  io.out(`${made().directory}\n`);
}

async function destroy(_rest: readonly string[], io: ToolIo): Promise<void> {
  const run = known();
  if (run === undefined) throw new ToolError('There is nothing to destroy.');
  await stop([], io);
  rmSync(run.directory, { recursive: true, force: true });
  rmSync(pointer(), { force: true });
  io.out(`Deleting: ${run.directory}\n`);
}

function produce(rest: readonly string[], io: ToolIo): Promise<void> {
  return handOn(rest, io, { plain: consoleProducer, withSchema: schemaProducer });
}

function consume(rest: readonly string[], io: ToolIo): Promise<void> {
  return handOn(rest, io, { plain: consoleConsumer, withSchema: schemaConsumer });
}

/** To a console, with the addresses of what runs. */
async function handOn(
  [topic, ...rest]: readonly string[],
  io: ToolIo,
  consoles: { readonly plain: Tool; readonly withSchema: typeof schemaProducer },
): Promise<void> {
  if (topic === undefined || topic.startsWith('-'))
    throw new UsageError('Name a topic: confluent consume <topic>', false);
  const run = known();
  const { format, others } = withoutFormat(rest);
  const isToldBroker = others.some((word) => /^--(bootstrap-server|broker-list)\b/.test(word));
  const broker = addressOf('kafka', run);
  const registry = addressOf('schema-registry', run);
  const words = [
    ...(isToldBroker || broker === undefined ? [] : ['--bootstrap-server', broker]),
    ...(format === undefined || registry === undefined ? [] : ['--property', `schema.registry.url=${registry}`]),
    '--topic',
    topic,
    ...others,
  ];
  const tool = format === undefined ? consoles.plain : consoles.withSchema(FORMATS[format]);
  if ((await runTool(tool, words, io)) !== 0) throw new ToolError('');
}

function withoutFormat(words: readonly string[]): {
  readonly format: keyof typeof FORMATS | undefined;
  readonly others: readonly string[];
} {
  const at = words.findIndex((word) => /^--value-format(=|$)/.test(word));
  if (at < 0) return { format: undefined, others: words };
  const isOne = words[at]!.includes('=');
  const given = isOne ? words[at]!.slice('--value-format='.length) : words[at + 1];
  const others = words.toSpliced(at, isOne ? 1 : 2);
  if (given === 'string') return { format: undefined, others };
  if (given === undefined || !Object.hasOwn(FORMATS, given)) {
    throw new UsageError(
      `--value-format: use ${Object.keys(FORMATS).join(', ')} or string, not "${given ?? ''}"`,
      false,
    );
  }
  return { format: given as keyof typeof FORMATS, others };
}

async function showVersion(rest: readonly string[], io: ToolIo): Promise<void> {
  serviceIn(rest);
  io.out(`Millrace ${version}\n`);
}

async function help([name]: readonly string[], io: ToolIo): Promise<void> {
  const wanted = name !== undefined && Object.hasOwn(VERBS, name) ? [VERBS[name]!] : Object.values(VERBS);
  io.out(`confluent <command>, confluent local <command>, confluent local services [service] <command>:\n`);
  for (const [text] of wanted) io.out(`  ${text}\n`);
}
