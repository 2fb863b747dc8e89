/**
 * Sends requests to the registry's and SQL's services whose bodies and paths are nearly right, over a broker in memory: each
 * is answered, in time, and never with a fault of the server.
 */
import { Agent, request as httpRequest } from 'node:http';
import { Broker } from '../../src/broker/index.ts';
import { createClient } from '../../src/client/index.ts';
import { registryServer, registrySettings, registrySource, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { openSqlService, sqlRestSettings, sqlServer } from '../../src/sql/index.ts';
import { readSettings, systemEnvironment } from '../../src/util/index.ts';
import { Chance } from './chance.ts';
import { SCHEMAS } from './corpus/schemas.ts';
import { SOURCES, STATEMENTS } from './corpus/sql.ts';
import { MemoryDisk, ROOT } from './memory-disk.ts';
import { mutated, mutatedJson } from './mutations.ts';
import { attempt, complain, type FuzzOptions, newOutcome, note, type Outcome, PROBLEMS_MAX } from './outcome.ts';

/** The services are replaced after so many requests: what these have made must not pile up. */
const REQUESTS_PER_HOUSE = 500;
/** How long an answer is waited for, ms: statements may wait for something to come about, and queries for rows. */
const PATIENCE_MS = 1000;
const LONG_PATIENCE_MS = 30_000;

const SETTINGS = {
  durability: 'os',
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': 'false',
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
};

interface Request {
  readonly service: 'registry' | 'sql';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

const AVRO = { schema: SCHEMAS.AVRO[0] };
const JSON_SCHEMA = { schema: SCHEMAS.JSON[0], schemaType: 'JSON' };
const PROTOBUF = { schema: SCHEMAS.PROTOBUF[0], schemaType: 'PROTOBUF' };
const DECORATED = {
  schema: SCHEMAS.PROTOBUF[1],
  schemaType: 'PROTOBUF',
  references: [{ name: 'a.proto', subject: 'p-value', version: 1 }],
  metadata: { tags: { '**.a': ['PII'] }, properties: { owner: 'me' }, sensitive: ['owner'] },
  ruleSet: { domainRules: [{ name: 'r', kind: 'CONDITION', type: 'CEL', mode: 'WRITE', expr: 'true' }] },
};

const REQUESTS: readonly Request[] = [
  ...[AVRO, JSON_SCHEMA, PROTOBUF, DECORATED].flatMap((body): Request[] => [
    { service: 'registry', method: 'POST', path: '/subjects/s-value/versions?normalize=true', body },
    { service: 'registry', method: 'POST', path: '/subjects/p-value/versions', body },
    { service: 'registry', method: 'POST', path: '/subjects/s-value?deleted=true', body },
    { service: 'registry', method: 'POST', path: '/compatibility/subjects/s-value/versions/latest?verbose=true', body },
    { service: 'registry', method: 'POST', path: '/compatibility/subjects/p-value/versions', body },
  ]),
  { service: 'registry', method: 'GET', path: '/subjects?subjectPrefix=s&deleted=true&offset=0&limit=5' },
  { service: 'registry', method: 'GET', path: '/subjects/s-value/versions/latest' },
  { service: 'registry', method: 'GET', path: '/subjects/s-value/versions/1/schema?format=serialized' },
  { service: 'registry', method: 'GET', path: '/subjects/s-value/versions/1/referencedby' },
  { service: 'registry', method: 'GET', path: '/schemas/ids/1?subject=s-value&fetchMaxId=true' },
  { service: 'registry', method: 'GET', path: '/schemas/ids/1/versions' },
  { service: 'registry', method: 'GET', path: '/schemas?latestOnly=true&offset=1' },
  { service: 'registry', method: 'GET', path: '/schemas/guids/00000000-0000-0000-0000-000000000000' },
  { service: 'registry', method: 'GET', path: '/contexts' },
  {
    service: 'registry',
    method: 'PUT',
    path: '/config/s-value',
    body: {
      compatibility: 'FULL',
      normalize: true,
      alias: 'x',
      compatibilityGroup: 'g',
      defaultMetadata: { properties: { a: 'b' } },
    },
  },
  { service: 'registry', method: 'PUT', path: '/config', body: { compatibility: 'NONE' } },
  { service: 'registry', method: 'GET', path: '/config/s-value?defaultToGlobal=true' },
  { service: 'registry', method: 'DELETE', path: '/config/s-value' },
  { service: 'registry', method: 'PUT', path: '/mode/:.ctx:?force=true', body: { mode: 'IMPORT' } },
  { service: 'registry', method: 'PUT', path: '/mode', body: { mode: 'READWRITE' } },
  { service: 'registry', method: 'DELETE', path: '/subjects/p-value?permanent=true' },
  { service: 'registry', method: 'DELETE', path: '/subjects/s-value/versions/1' },
  {
    service: 'sql',
    method: 'POST',
    path: '/ksql',
    body: {
      ksql: 'SHOW STREAMS;',
      streamsProperties: { 'auto.offset.reset': 'earliest' },
      sessionVariables: { x: 'y' },
      commandSequenceNumber: 1,
    },
  },
  { service: 'sql', method: 'POST', path: '/ksql', body: { ksql: 'DESCRIBE s EXTENDED;', streamsProperties: {} } },
  { service: 'sql', method: 'POST', path: '/query', body: { ksql: 'SELECT * FROM s;', streamsProperties: {} } },
  {
    service: 'sql',
    method: 'POST',
    path: '/query-stream',
    body: { sql: "SELECT k, i + 1 AS x FROM s WHERE k = 'a';", properties: {} },
  },
  { service: 'sql', method: 'POST', path: '/close-query', body: { queryId: 'q' } },
  { service: 'sql', method: 'POST', path: '/inserts-stream', body: { target: 'o' } },
  { service: 'sql', method: 'POST', path: '/ksql/terminate', body: { deleteTopicList: ['a'] } },
  { service: 'sql', method: 'GET', path: '/info' },
  { service: 'sql', method: 'GET', path: '/status/stream/S/create' },
  { service: 'sql', method: 'GET', path: '/v1/metadata/id' },
];

const MEDIA_TYPES = ['application/json', 'application/vnd.ksql.v1+json', 'application/octet-stream', 'text/plain'];

export async function fuzzHttp(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const chance = new Chance(options.random);
  while (outcome.tries < options.tries && outcome.problems.length < PROBLEMS_MAX) {
    const house = await House.open((message) => {
      // Only what nobody foresaw comes with its stack.
      if (/\n\s+at /.test(message)) complain(outcome, message, 'told in the log');
    });
    for (let i = 0; i < REQUESTS_PER_HOUSE && outcome.tries < options.tries; i++) {
      const request = chance.pick(REQUESTS);
      await house.send(request.service, nearly(request, chance), outcome);
    }
    await house.checkLives(outcome);
    await house.close();
    options.progress?.(outcome);
  }
  return outcome;
}

interface Sent {
  readonly method: Request['method'];
  readonly path: string;
  readonly type: string;
  readonly payload: string | undefined;
}

/** A request with its path or its body changed, or the text within its body. */
function nearly({ method, path, body }: Request, chance: Chance): Sent {
  const paths = REQUESTS.map((each) => each.path);
  const bodies = REQUESTS.flatMap((each) => (each.body === undefined ? [] : [each.body]));
  const where = chance.oneIn(3) ? encoded(mutated(path, paths, chance)) : path;
  const type = chance.oneIn(20) ? chance.pick(MEDIA_TYPES) : MEDIA_TYPES[0]!;
  if (body === undefined && !chance.oneIn(10)) return { method, path: where, type, payload: undefined };
  const given = body ?? chance.pick(bodies);
  const changed = chance.oneIn(3) ? withOtherText(given, chance) : mutatedJson(given, bodies, chance);
  const text = JSON.stringify(changed) ?? '';
  return { method, path: where, type, payload: chance.oneIn(10) ? mutated(text, [text, '[{"a":1}]'], chance) : text };
}

/** What a client can send as a path at all. */
function encoded(path: string): string {
  return `/${path
    .toWellFormed()
    .replace(/^\/*/, '')
    .replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent)}`;
}

function withOtherText(body: unknown, chance: Chance): unknown {
  const changed = structuredClone(body) as Record<string, unknown>;
  const language = chance.pick(['AVRO', 'JSON', 'PROTOBUF'] as const);
  if ('schema' in changed) {
    changed['schema'] = mutated(chance.pick(SCHEMAS[language]), SCHEMAS[language], chance);
    changed['schemaType'] = language;
  }
  for (const key of ['ksql', 'sql']) {
    if (key in changed) changed[key] = mutated(chance.pick([...STATEMENTS, String(changed[key])]), STATEMENTS, chance);
  }
  return changed;
}

/** A broker, a registry and an SQL service, and where they listen. */
class House {
  readonly #ports: Readonly<Record<Request['service'], number>>;
  readonly #closes: readonly (() => Promise<unknown>)[];
  readonly #agent = new Agent({ keepAlive: false });

  private constructor(
    ports: Readonly<Record<Request['service'], number>>,
    closes: readonly (() => Promise<unknown>)[],
  ) {
    this.#ports = ports;
    this.#closes = closes;
  }

  static async open(log: (message: string) => void): Promise<House> {
    const broker = await Broker.open({ dataDir: ROOT, settings: SETTINGS, disk: new MemoryDisk(), log });
    const client = createClient({ dial: async () => broker.connect() });
    const registry = await SchemaRegistry.open(client, { log });
    const schemas = registrySource(registry);
    const sql = await openSqlService({ client, schemas, stateDir: '', version: 'fuzzed', log });
    await sql.execute(SOURCES.join('\n'));
    const about = { isTls: false, environment: systemEnvironment, log };
    const registryApp = registryServer(registry, {
      clusterId: 'fuzzed',
      version: 'fuzzed',
      settings: readSettings(registrySettings, {}),
      ...about,
    });
    const sqlApp = sqlServer(sql, { settings: readSettings(sqlRestSettings, {}), ...about });
    const ports = { registry: await portOf(registryApp), sql: await portOf(sqlApp) };
    return new House(
      ports,
      [sqlApp, registryApp, sql, registry, client, broker].map((each) => async () => each.close()),
    );
  }

  async send(service: Request['service'], sent: Sent, outcome: Outcome): Promise<void> {
    const input = `${service} ${sent.method} ${sent.path} ${sent.payload ?? ''}`;
    await attempt(outcome, input, async () => {
      const answer = await this.#answer(service, sent, PATIENCE_MS);
      note(outcome, `${service}: ${answer?.status ?? 'waits'}`);
      if (answer !== undefined && answer.status >= 500)
        complain(outcome, `answered with ${answer.status} ${answer.text}`, input);
    });
  }

  /** Whether both services still answer. */
  async checkLives(outcome: Outcome): Promise<void> {
    for (const [service, path] of [
      ['sql', '/info'],
      ['registry', '/subjects'],
    ] as const) {
      const answer = await this.#answer(
        service,
        { method: 'GET', path, type: '', payload: undefined },
        LONG_PATIENCE_MS,
      );
      if (answer?.status !== 200) complain(outcome, `${service} is not there any more`, '');
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    for (const close of this.#closes) await close();
  }

  /** The status and the beginning of the answer; undefined when there is none yet. */
  #answer(
    service: Request['service'],
    { method, path, type, payload }: Sent,
    patienceMs: number,
  ): Promise<{ status: number; text: string } | undefined> {
    return new Promise((resolve, reject) => {
      const options = {
        port: this.#ports[service],
        host: '127.0.0.1',
        agent: this.#agent,
        method,
        path,
        headers: payload === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(payload) },
      };
      const sent = httpRequest(options, (response) => {
        const status = response.statusCode!;
        response.once('data', (chunk: Buffer) => {
          resolve({ status, text: chunk.toString().slice(0, 1000) });
          // Queries go on until their client leaves.
          if (status === 200 && /query/.test(path)) sent.destroy();
        });
        response.on('end', () => resolve({ status, text: '' }));
        response.on('error', () => resolve({ status, text: '' }));
      });
      sent.setTimeout(patienceMs, () => {
        resolve(undefined);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.end(payload);
    });
  }
}

async function portOf(app: ReturnType<typeof sqlServer>): Promise<number> {
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
}
