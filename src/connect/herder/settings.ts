// What a worker is told, under Kafka's names: the same file of properties starts Kafka's `connect-distributed` or
// `connect-standalone`. What has a name and no meaning here is passed over and told; what would have to mean something is refused.
import { isSecuritySetting, type SecurityOptions, securityOptionsOf, securitySettings } from '../../client/settings.ts';
import { rimSettingsOf, type RimSettings } from '../../rim/index.ts';
import {
  booleanSetting,
  type GivenSettings,
  intSetting,
  longSetting,
  parseSetting,
  settingNamed,
  type SettingTable,
  stringSetting,
  type ValuesOf,
} from '../../util/index.ts';
import { type RawConfig, withPrefix } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';
import { keyLength, SIGNATURE_ALGORITHMS } from './signatures.ts';
import { type ConnectListener, listenersOf } from './listeners.ts';

/** What all workers are told. An empty text: not set. */
const commonSettings = {
  'bootstrap.servers': stringSetting('localhost:9092', 'Brokers to begin with: `host:port`, separated by commas.'),
  'client.id': stringSetting('', 'What the worker calls itself to brokers.'),
  'metadata.max.age.ms': longSetting(300_000, 'How old what is known of topics may become.', 0),
  ...securitySettings,
  'key.converter': stringSetting('', 'The class that makes bytes of keys, of connectors that name none.'),
  'value.converter': stringSetting('', 'The class that makes bytes of values, of connectors that name none.'),
  'header.converter': stringSetting(
    'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    'The class that makes bytes of headers, of connectors that name none.',
  ),
  'task.shutdown.graceful.timeout.ms': longSetting(5000, 'How long a task may take to stop before it is given up.', 0),
  'offset.flush.interval.ms': longSetting(60_000, 'How often the offsets of tasks are stored.', 1),
  'offset.flush.timeout.ms': longSetting(5000, 'How long storing offsets may take.', 1),
  'plugin.path': stringSetting('', 'Files and folders with plugins, separated by commas.'),
  'plugin.discovery': stringSetting('hybrid_warn', 'How Java finds plugins; all are found here.', [
    ...['only_scan', 'hybrid_warn', 'hybrid_fail', 'service_load'],
  ]),
  'config.providers': stringSetting(
    '',
    'Names of what may stand in configs as `${name:path:key}`, separated by commas.',
  ),
  'connector.client.config.override.policy': stringSetting(
    'All',
    'Which settings of clients connectors may override.',
    ['All', 'None', 'Principal'],
  ),
  'topic.creation.enable': booleanSetting(true, 'Whether topics of sources are made as `topic.creation.…` says.'),
  'topic.tracking.enable': booleanSetting(true, 'Whether it is remembered which topics a connector uses.'),
  'topic.tracking.allow.reset': booleanSetting(true, 'Whether users may have that forgotten.'),
  listeners: stringSetting('http://:8083', 'Where REST listens: `http://host:port`, `https://…`, separated by commas.'),
  'admin.listeners': stringSetting(
    'listeners',
    'Where `/admin` listens; `listeners`: where REST does; empty: nowhere.',
  ),
  'rest.advertised.host.name': stringSetting('', 'The host under which other workers reach this one.'),
  'rest.advertised.port': intSetting(
    0,
    'The port under which other workers reach this one; 0: the one it listens on.',
    0,
    65_535,
  ),
  'rest.advertised.listener': stringSetting('', 'Which listener other workers use: `http` or `https`.'),
  'rest.extension.classes': stringSetting('', 'Java classes; refused: there are no extensions of REST here.', ['']),
  'response.http.headers.config': stringSetting('', 'Refused: headers of answers are not set here.', ['']),
  ...rimSettingsOf(''),
} as const satisfies SettingTable;

const standaloneSettings = {
  ...commonSettings,
  'offset.storage.file.filename': stringSetting('', 'The file that the offsets of sources are stored in.'),
} as const satisfies SettingTable;

const distributedSettings = {
  ...commonSettings,
  'group.id': stringSetting('', 'The cluster that the worker belongs to.'),
  'session.timeout.ms': intSetting(10_000, 'A worker that is not heard of for so long is taken for gone.', 1),
  'heartbeat.interval.ms': intSetting(3000, 'How often a worker is heard of.', 1),
  'rebalance.timeout.ms': intSetting(60_000, 'How long workers may take to stop what others are to get.', 1),
  'connect.protocol': stringSetting('sessioned', 'How workers share out what there is.', [
    ...['eager', 'compatible', 'sessioned'],
  ]),
  'scheduled.rebalance.max.delay.ms': intSetting(
    300_000,
    'How long what a worker had is kept for it when it is gone.',
    0,
  ),
  'worker.sync.timeout.ms': intSetting(3000, 'How long reading the config topic to its end may take.', 1),
  'worker.unsync.backoff.ms': intSetting(300_000, 'How long a worker stays away that could not read it.', 1),
  'exactly.once.source.support': stringSetting('disabled', 'Whether records of sources are written exactly once.', [
    ...['disabled', 'preparing', 'enabled'],
  ]),
  'config.storage.topic': stringSetting('', 'The topic of configs.'),
  'config.storage.replication.factor': intSetting(
    3,
    'Of the topic, where it has to be made; -1: the broker’s.',
    -1,
    32_767,
  ),
  'offset.storage.topic': stringSetting('', 'The topic of sources’ offsets.'),
  'offset.storage.partitions': intSetting(25, 'Of the topic, where it has to be made; -1: the broker’s.', -1),
  'offset.storage.replication.factor': intSetting(
    3,
    'Of the topic, where it has to be made; -1: the broker’s.',
    -1,
    32_767,
  ),
  'status.storage.topic': stringSetting('', 'The topic of states.'),
  'status.storage.partitions': intSetting(5, 'Of the topic, where it has to be made; -1: the broker’s.', -1),
  'status.storage.replication.factor': intSetting(
    3,
    'Of the topic, where it has to be made; -1: the broker’s.',
    -1,
    32_767,
  ),
  'inter.worker.key.generation.algorithm': stringSetting(
    'HmacSHA256',
    'What keys of requests between workers are made for.',
    SIGNATURE_ALGORITHMS,
  ),
  'inter.worker.key.size': intSetting(0, 'Their length in bits; 0: as the algorithm has it.', 0),
  'inter.worker.key.ttl.ms': intSetting(3_600_000, 'How long a key is used.', 0),
  'inter.worker.signature.algorithm': stringSetting(
    'HmacSHA256',
    'What requests between workers are signed with.',
    SIGNATURE_ALGORITHMS,
  ),
  'inter.worker.verification.algorithms': stringSetting(
    'HmacSHA256',
    'What they may be signed with, separated by commas.',
  ),
} as const satisfies SettingTable;

/** The declarations, for reference pages. */
export const workerSettings = { standalone: standaloneSettings, distributed: distributedSettings } as const;

export type WorkerMode = keyof typeof workerSettings;

/** What a worker was told. */
export interface WorkerConfig {
  readonly mode: WorkerMode;
  readonly values: ValuesOf<typeof standaloneSettings> & ValuesOf<typeof distributedSettings>;
  /** All that was given, as it was given. */
  readonly raw: RawConfig;
  readonly listeners: readonly ConnectListener[];
  /** Undefined: `/admin` is where REST is; empty: nowhere. */
  readonly adminListeners: readonly ConnectListener[] | undefined;
  /** Who may talk to REST, and how. */
  readonly rim: RimSettings;
  readonly adminRim: RimSettings;
  /** Further configs of the topics that a worker makes. */
  readonly topicConfigs: Readonly<Record<'config' | 'offset' | 'status', Readonly<Record<string, string>>>>;
  /** In bytes. */
  readonly keyLength: number;
  readonly verificationAlgorithms: readonly string[];
  /** How the worker gets in to its cluster. */
  readonly access: SecurityOptions;
  /** Names that mean nothing here. */
  readonly passedOver: readonly string[];
}

/** What is handed on, by what a name begins with: to converters, providers, clients, TLS. */
const HANDED_ON = /^(key\.converter|value\.converter|header\.converter|config\.providers|producer|consumer|admin)\./;
const TLS = /^(listeners|admin\.listeners)\.https\./;
/** Names of Kafka's that are about its clients or its metrics. */
const PASSED_OVER =
  /^(metrics?\.|metric\.reporters$|client\.dns\.lookup$|(send|receive)\.buffer\.bytes$|(reconnect|retry)\.backoff\.|request\.timeout\.ms$|connections\.max\.idle\.ms$|socket\.connection\.|metadata\.recovery\.|access\.control\.allow\.methods$|auto\.include\.jmx\.reporter$)/;
const STORED = ['config', 'offset', 'status'] as const;

/** Reads what was given. Throws for what is unknown, wrong, missing, or asks for what there is not here. */
export function readWorkerSettings(mode: WorkerMode, given: GivenSettings): WorkerConfig {
  const table: SettingTable = workerSettings[mode];
  const raw = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries({ ...distributedSettings, ...standaloneSettings }))
    values[name] = setting.default;
  const passedOver: string[] = [];
  for (const [name, text] of Object.entries(raw)) {
    if (Object.hasOwn(table, name)) values[name] = parseSetting(name, settingNamed(table, name), text);
    else if (isSecuritySetting(name)) continue;
    else if (HANDED_ON.test(name) || TLS.test(name) || isTopicConfig(mode, name)) continue;
    else if (PASSED_OVER.test(name) || isOfOtherMode(mode, name)) passedOver.push(name);
    else settingNamed(table, name, 'setting of a worker');
  }
  // What is REST's alone has names that begin in the same way.
  const access = Object.entries(raw).filter(
    ([name]) => !Object.hasOwn(table, name) || Object.hasOwn(securitySettings, name),
  );
  const read = values as WorkerConfig['values'];
  checkRequired(mode, read);
  const admin = read['admin.listeners'];
  return {
    mode,
    values: read,
    raw,
    access: securityOptionsOf(Object.fromEntries(access)),
    listeners: listenersOf('listeners', read.listeners),
    adminListeners: admin === 'listeners' ? undefined : listenersOf('admin.listeners', admin),
    rim: rimOf('listeners.https.', read, raw),
    adminRim: rimOf('admin.listeners.https.', read, raw),
    topicConfigs: topicConfigsOf(raw),
    keyLength: keyLengthOf(read),
    verificationAlgorithms: verificationOf(read),
    passedOver,
  };
}

/** Names of the other kind of worker's are in many people's files. */
function isOfOtherMode(mode: WorkerMode, name: string): boolean {
  return Object.hasOwn(workerSettings[mode === 'standalone' ? 'distributed' : 'standalone'], name);
}

/** `config.storage.min.insync.replicas`: a config of the topic that a worker makes. */
function isTopicConfig(mode: WorkerMode, name: string): boolean {
  return (
    mode === 'distributed' && /^(config|offset|status)\.storage\./.test(name) && name !== 'offset.storage.file.filename'
  );
}

function checkRequired(mode: WorkerMode, values: WorkerConfig['values']): void {
  const names = ['key.converter', 'value.converter'] as const;
  const own =
    mode === 'standalone'
      ? (['offset.storage.file.filename'] as const)
      : (['group.id', 'config.storage.topic', 'offset.storage.topic', 'status.storage.topic'] as const);
  for (const name of [...names, ...own]) {
    if (values[name] === '')
      throw new ConfigError(`Missing required configuration "${name}" which has no default value.`);
  }
}

function keyLengthOf(values: WorkerConfig['values']): number {
  const bits = values['inter.worker.key.size'];
  return keyLength(values['inter.worker.key.generation.algorithm'], bits === 0 ? undefined : bits);
}

function verificationOf(values: WorkerConfig['values']): string[] {
  const name = 'inter.worker.verification.algorithms';
  const all = values[name].split(',').map((each) => each.trim());
  const unknown = all.find((each) => !SIGNATURE_ALGORITHMS.includes(each));
  if (unknown !== undefined)
    throw new ConfigError(
      `Invalid value ${unknown} for configuration ${name}: it is none of ${SIGNATURE_ALGORITHMS.join(', ')}`,
    );
  const signs = values['inter.worker.signature.algorithm'];
  if (!all.includes(signs))
    throw new ConfigError(
      `Invalid value ${values[name]} for configuration ${name}: it must have ${signs}, which this worker signs with`,
    );
  return all;
}

function topicConfigsOf(raw: RawConfig): WorkerConfig['topicConfigs'] {
  const own = ['topic', 'partitions', 'replication.factor', 'file.filename'];
  const entries = STORED.map((what) => {
    const all = Object.entries(withPrefix(`${what}.storage.`, raw)).filter(([name]) => !own.includes(name));
    return [what, Object.fromEntries(all)] as const;
  });
  return Object.fromEntries(entries) as WorkerConfig['topicConfigs'];
}

/** REST's certificates are those below a prefix of their own, or, where there are none, the ones of the worker's clients. */
function rimOf(prefix: string, values: WorkerConfig['values'], raw: RawConfig): RimSettings {
  const own = withPrefix(prefix, raw);
  const table: SettingTable = rimSettingsOf('');
  const hasOwn = Object.keys(own).length > 0;
  const given = Object.entries(table).map(([name, setting]) => {
    if (!hasOwn || !name.startsWith('ssl.')) return [name, String(values[name as keyof typeof values])];
    // Kafka has its own names for who must have a certificate.
    const text = name === 'ssl.client.authentication' ? clientAuthOf(own) : own[name];
    return [name, String(text === undefined ? setting.default : parseSetting(prefix + name, setting, text))];
  });
  return {
    values: Object.fromEntries(given) as RimSettings['values'],
    nameOf: (name) => (hasOwn && name.startsWith('ssl.') ? prefix + name : name),
  };
}

function clientAuthOf(own: RawConfig): string | undefined {
  const text = own['ssl.client.authentication'] ?? own['ssl.client.auth'];
  return text === undefined ? undefined : text.toUpperCase();
}
