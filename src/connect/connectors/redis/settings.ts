// The settings that the sink and the source have in common, under the names of Jeremy Custenborder's connector.
import { atLeast, type ConfigOf, defineConfig, oneOfTexts } from '../../api/index.ts';

const GROUP = 'Connection';
const DEFAULT_PORT = 6379;

/** Declares what is refused unless it is left as it is. */
function only(value: string, why: string): (given: string | null) => string | undefined {
  return (given) => (given === null || given === value ? undefined : why);
}

export const redisConfig = defineConfig({
  'redis.hosts': {
    type: 'LIST',
    default: 'localhost:6379',
    importance: 'HIGH',
    doc: 'The server: one host:port.',
    group: GROUP,
    validator: hostsProblem,
  },
  'redis.client.mode': {
    type: 'STRING',
    default: 'Standalone',
    importance: 'MEDIUM',
    doc: 'What the server is. Only Standalone: clusters are not supported.',
    group: GROUP,
    validator: oneOfTexts('Standalone'),
  },
  'redis.database': {
    type: 'INT',
    default: 1,
    importance: 'MEDIUM',
    doc: 'The number of the database.',
    group: GROUP,
    validator: atLeast(0),
  },
  'millrace.redis.username': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The user, of servers that have several (ACL).',
    group: GROUP,
  },
  'redis.password': { type: 'PASSWORD', default: '', importance: 'MEDIUM', doc: 'The password.', group: GROUP },
  'redis.ssl.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: "Whether the connection is encrypted; the server's certificate is checked against Node's authorities.",
    group: GROUP,
  },
  'redis.ssl.keystore.path': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: Java key stores cannot be read here.',
    group: GROUP,
    validator: only('', 'Key stores of Java are not supported; leave it out'),
  },
  'redis.ssl.truststore.path': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: give Node the authority with NODE_EXTRA_CA_CERTS.',
    group: GROUP,
    validator: only('', 'Trust stores of Java are not supported; give Node the authority with NODE_EXTRA_CA_CERTS'),
  },
  'redis.socket.connect.timeout.ms': {
    type: 'INT',
    default: 10_000,
    importance: 'LOW',
    doc: 'How long is waited for a connection.',
    group: GROUP,
    validator: atLeast(1),
  },
  'redis.socket.tcp.no.delay.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether small packets are sent at once.',
    group: GROUP,
  },
  'redis.socket.keep.alive.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether an idle connection is probed.',
    group: GROUP,
  },
  'redis.operation.timeout.ms': {
    type: 'LONG',
    default: 10_000,
    importance: 'LOW',
    doc: 'How long an answer is waited for.',
    group: GROUP,
    validator: atLeast(1),
  },
  'redis.connection.attempts': {
    type: 'INT',
    default: 3,
    importance: 'MEDIUM',
    doc: 'How often it is tried to connect, before the batch is put off.',
    group: GROUP,
    validator: atLeast(1),
  },
  'redis.connection.retry.delay.ms': {
    type: 'INT',
    default: 2000,
    importance: 'MEDIUM',
    doc: 'How long is waited between these attempts.',
    group: GROUP,
    validator: atLeast(100),
  },
});
export type RedisConfig = ConfigOf<typeof redisConfig>;

/** The server that settings name. */
export function serverOf(config: RedisConfig): { readonly host: string; readonly port: number } {
  const [, host, port] = HOST.exec(config['redis.hosts'][0]!)!;
  return { host: host!.replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) };
}

const HOST = /^(\[[\da-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/;

function hostsProblem(hosts: readonly string[] | null): string | undefined {
  const [host, ...others] = hosts ?? [];
  if (host === undefined || !HOST.test(host)) return 'It must be host:port';
  return others.length > 0 ? 'Several hosts are those of a cluster, which is not supported: name one' : undefined;
}
