// The services of a platform, as they look from outside: who answers, as what, and how soon.
import { ConnectionFailure, type HttpAnswer, HttpConnection } from '../../http-client/index.ts';
import { messageOf } from '../../util/index.ts';
import { type ClusterOptions, registryAddress, type RegistryOptions, withAdmin } from './options.ts';

export interface ServiceOptions extends ClusterOptions, RegistryOptions {
  readonly sql: string;
  readonly rest: string;
  readonly connect: string;
}

export interface Service {
  readonly service: 'broker' | 'schema-registry' | 'sql' | 'rest-proxy' | 'connect';
  readonly address: string;
  /** `unwell`: it answers, and says what is wrong. `strange`: what answers is something else. */
  readonly state: 'up' | 'unwell' | 'strange' | 'down';
  readonly version: string | null;
  /** How long its answer took. */
  readonly ms: number | null;
  readonly detail: string | null;
  /** How far its clock is ahead of ours, ms, as far as HTTP tells; null: not known. */
  readonly clockAheadMs: number | null;
}

/** What is said where nobody listens; anything else comes from somebody. */
const NOBODY: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ABORT_ERR',
]);

/** How long an answer may take. */
const PATIENCE_MS = 5000;

export function servicesOf(options: ServiceOptions): Promise<Service[]> {
  return Promise.all([brokerOf(options), registryOf(options), sqlOf(options), proxyOf(options), connectOf(options)]);
}

async function brokerOf(options: ServiceOptions): Promise<Service> {
  const { bootstrapServer: address } = options;
  const known = { service: 'broker', address, version: null, clockAheadMs: null } as const;
  const begun = performance.now();
  try {
    const [id, brokers] = await inTime(
      withAdmin(options, (admin) => Promise.all([admin.clusterId(), admin.brokers()])),
    );
    const ms = Math.round(performance.now() - begun);
    return { ...known, state: 'up', ms, detail: `cluster ${id}, ${brokers.length} brokers` };
  } catch (error) {
    return { ...known, state: 'down', ms: null, detail: messageOf(error) };
  }
}

function registryOf(options: ServiceOptions): Promise<Service> {
  const connection = new HttpConnection(registryAddress(options));
  return httpService('schema-registry', connection, '/v1/metadata/version', ({ version }) => version);
}

function sqlOf(options: ServiceOptions): Promise<Service> {
  const connection = new HttpConnection(registryAddress(options, options.sql));
  return httpService('sql', connection, '/info', ({ KsqlServerInfo: info }) => (info as Json | undefined)?.['version']);
}

/** It has no version of its own to tell. */
function proxyOf(options: ServiceOptions): Promise<Service> {
  const connection = new HttpConnection(registryAddress(options, options.rest));
  return httpService('rest-proxy', connection, '/v3/clusters', ({ kind }) =>
    kind === 'KafkaClusterList' ? null : undefined,
  );
}

function connectOf(options: ServiceOptions): Promise<Service> {
  const connection = new HttpConnection(registryAddress(options, options.connect));
  return httpService('connect', connection, '/', ({ version }) => version);
}

type Json = Readonly<Record<string, unknown>>;

/** `versionIn`: undefined where the answer is none of this service. */
async function httpService(
  service: Service['service'],
  connection: HttpConnection,
  path: string,
  versionIn: (answer: Json) => unknown,
): Promise<Service> {
  const known = { service, address: connection.url, version: null, ms: null, clockAheadMs: null } as const;
  const begun = performance.now();
  try {
    const answer = await get(connection, path);
    const ms = Math.round(performance.now() - begun);
    const version = versionIn(objectIn(await answer.text()));
    const date = Date.parse(answer.header('date') ?? '');
    const timed = { ms, clockAheadMs: Number.isNaN(date) ? null : date - Date.now() };
    if (answer.status === 401) return { ...known, ...timed, state: 'up', detail: 'it wants a login: --user' };
    if (typeof version !== 'string' && version !== null) {
      return { ...known, ...timed, state: 'strange', detail: `HTTP ${answer.status}, but not as this service answers` };
    }
    const unwell = await complaintOf(connection);
    return { ...known, ...timed, version, state: unwell === null ? 'up' : 'unwell', detail: unwell };
  } catch (error) {
    const isTaken = error instanceof ConnectionFailure && !NOBODY.has(error.reason);
    return { ...known, state: isTaken ? 'strange' : 'down', detail: messageOf(error) };
  }
}

/** What the service says is wrong with it. Registries and SQL services of others do not tell: then nothing is. */
async function complaintOf(connection: HttpConnection): Promise<string | null> {
  const answer = await get(connection, '/health/ready');
  const { isHealthy, checks } = objectIn(await answer.text());
  if (isHealthy !== false) return null;
  const red = Object.entries((checks ?? {}) as Record<string, { isHealthy?: boolean; reason?: string }>);
  return red
    .filter(([, check]) => check.isHealthy === false)
    .map(([name, { reason }]) => `${name}: ${reason}`)
    .join('; ');
}

function get(connection: HttpConnection, path: string): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return connection.ask({ method: 'GET', path, headers: { accept: 'application/json' }, signal });
}

/** An object without members where the text is none. */
function objectIn(text: string): Json {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Json) : {};
  } catch {
    return {};
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
