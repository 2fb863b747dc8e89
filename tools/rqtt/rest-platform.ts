// A platform of a case's own, and what a case asks of it over HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, TopicPartition } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import type { SchemaSource } from '../../src/serde/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { isObject, parseSpec, type Spec, type SpecObject } from '../qtt/spec-json.ts';

/** As the cases' own runner has its server, but for a commit interval that does not keep anybody waiting. */
const SETTINGS = {
  'ksql.streams.auto.offset.reset': 'earliest',
  'ksql.streams.commit.interval.ms': 20,
  'ksql.streams.cache.max.bytes.buffering': 0,
  'ksql.query.pull.table.scan.enabled': true,
  'ksql.headers.columns.enabled': true,
  // What only we can say is refused there.
  'ksql.query.extensions.enabled': false,
} as const;
const V1 = 'application/vnd.ksql.v1+json';
const PROTOBUF = 'application/vnd.ksql.v1+protobuf';
const SETTLE_MS = 30_000;
/** A push query that does not come to its limit has an answer too few. */
const ANSWER_MS = 30_000;
/** How often what has been read is asked for, and must be everything. */
const TIMES_STILL = 3;

export interface Answer {
  readonly status: number;
  readonly body: Spec;
}

export class RestPlatform {
  readonly #dataDir: string;
  readonly #platform: Platform;

  private constructor(dataDir: string, platform: Platform) {
    this.#dataDir = dataDir;
    this.#platform = platform;
  }

  static async open(): Promise<RestPlatform> {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-rqtt-'));
    const settings = {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      ...SETTINGS,
    };
    return new RestPlatform(dataDir, await Platform.start({ settings }));
  }

  async close(): Promise<void> {
    await this.#platform.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  get client(): Client {
    return this.#platform.client;
  }

  get schemas(): SchemaSource {
    return this.#platform.schemas;
  }

  statements(ksql: string, streamsProperties: SpecObject): Promise<Answer> {
    return post(`${this.#platform.url('sql')}/ksql`, V1, { ksql, streamsProperties });
  }

  query(ksql: string, streamsProperties: SpecObject): Promise<Answer> {
    return post(`${this.#platform.url('sql')}/query`, V1, { ksql, streamsProperties });
  }

  /** Resolves when a push query has begun to answer, with what it will have answered in the end. */
  async activeQuery(ksql: string, streamsProperties: SpecObject): Promise<{ readonly answer: Promise<Answer> }> {
    const headers = { 'content-type': V1, accept: V1 };
    const body = JSON.stringify({ ksql, streamsProperties });
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${this.#platform.url('sql')}/query`, { method: 'POST', headers, body, signal });
    const { status } = response;
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader.read();
    const rest = async (): Promise<Answer> => {
      let text = first.value ?? '';
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      return { status, body: parseSpec(text) };
    };
    return { answer: rest() };
  }

  /** The same rows as Protobuf messages. */
  protobufQuery(sql: string, properties: SpecObject): Promise<Answer> {
    return post(`${this.#platform.url('sql')}/query-stream`, PROTOBUF, { sql, properties });
  }

  /** Registers a schema under an id that the case gives. */
  async registerWithId(subject: string, schema: SpecObject): Promise<void> {
    const registry = this.#platform.url('schema-registry');
    const call = async (method: string, path: string, body: object): Promise<void> => {
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
      const response = await fetch(registry + path, { method, headers, body: JSON.stringify(body) });
      if (!response.ok) throw new MillraceError('RQTT_SCHEMA', `${method} ${path}: ${await response.text()}`);
    };
    const mode = `/mode/${encodeURIComponent(subject)}?force=true`;
    await call('PUT', mode, { mode: 'IMPORT' });
    await call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { ...schema, version: 1 });
    await call('PUT', mode, { mode: 'READWRITE' });
  }

  /** Waits until every persistent query has read, and committed, all that there is for it. */
  async settled(inputs: ReadonlySet<string>): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (let still = 0; still < TIMES_STILL; ) {
      still = (await this.#isRead(inputs)) ? still + 1 : 0;
      if (performance.now() > deadline) throw new MillraceError('RQTT_SETTLE', 'the queries do not come to an end');
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }

  async #isRead(inputs: ReadonlySet<string>): Promise<boolean> {
    const admin = this.client.admin();
    const groups = (await admin.listGroups()).map(({ groupId }) => groupId);
    for (const { state, members, groupId } of await admin.describeGroups(
      groups.filter((id) => id.includes('query_')),
    )) {
      const read = members.flatMap(({ assignment }) => assignment);
      if (state !== 'Stable' || read.length === 0) return false;
      const committed = new Map((await admin.committedOffsets(groupId)).map((each) => [nameOf(each), each.offset]));
      const ends = await admin.listOffsets(
        read.map((place) => ({ ...place, timestamp: -1 })),
        'read_committed',
      );
      for (const end of ends) {
        const at = committed.get(nameOf(end));
        // Behind the last record that a query wrote there is its transaction's marker.
        const markers = at === undefined || inputs.has(end.topic) ? 0 : 1;
        if (end.offset - (at ?? 0) > markers) return false;
      }
    }
    return true;
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic} ${partition}`;
}

async function post(url: string, accept: string, body: object): Promise<Answer> {
  const headers = { 'content-type': V1, accept };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
  const text = await response.text();
  return { status: response.status, body: parseSpec(text) };
}

/** What an answer says went wrong, wherever it says it: in place of the answer, or among its rows. */
export function errorOf({ status, body }: Answer): SpecObject | undefined {
  if (status !== 200) return isObject(body) ? body : {};
  if (!Array.isArray(body)) return undefined;
  const failed = (body as readonly Spec[]).find((row) => isObject(row) && isObject(row['errorMessage']));
  return isObject(failed) ? (failed['errorMessage'] as SpecObject) : undefined;
}
