import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform } from '../../src/platform/index.ts';

const V1 = 'application/vnd.ksql.v1+json';

export type Entity = Record<string, unknown> & { '@type': string };

export interface SqlOverHttp {
  readonly url: string;
  /** The entities of some statements; throws what they are refused with. */
  ksql(text: string, streamsProperties?: object, sessionVariables?: object): Promise<Entity[]>;
  /** The rows of a query, to its end. */
  rows(text: string, streamsProperties?: object): Promise<unknown[][]>;
  stop(): Promise<void>;
}

export interface SqlService extends SqlOverHttp {
  /** The same service, stopped and started again. */
  restarted(): Promise<SqlService>;
}

/** Where queries may run, and the settings that say so: they do the same everywhere. */
export const PLACES: readonly [string, Record<string, string | number | boolean>][] = [
  ['in one thread', {}],
  ['in threads of their own', { 'service.threads': true, 'ksql.streams.num.stream.threads': 2 }],
];

/** The SQL service, with a broker and a registry of its own in a folder that goes away with it. */
export function startSql(settings: Record<string, string | number | boolean> = {}): Promise<SqlService> {
  return startIn(mkdtempSync(join(tmpdir(), 'millrace-sql-')), settings);
}

async function startIn(dataDir: string, settings: Record<string, string | number | boolean>): Promise<SqlService> {
  const platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'ksql.streams.auto.offset.reset': 'earliest',
      'ksql.streams.commit.interval.ms': 20,
      ...settings,
    },
  });
  const sql = overHttp(platform.url('sql'), async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const restarted = async (): Promise<SqlService> => {
    await platform.stop();
    return startIn(dataDir, settings);
  };
  return { ...sql, restarted };
}

/** The SQL service at an address. */
export function overHttp(url: string, stop: () => Promise<void>): SqlOverHttp {
  async function post<T>(path: string, body: object): Promise<T> {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': V1, accept: V1 },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { message?: string };
    if (!response.ok) throw new Error(answer.message);
    return answer;
  }

  return {
    url,
    ksql: (ksql, streamsProperties = {}, sessionVariables = {}) =>
      post('/ksql', { ksql, streamsProperties, sessionVariables }),
    async rows(ksql, streamsProperties = {}) {
      const answer = await post<{ row?: { columns: unknown[] } }[]>('/query', { ksql, streamsProperties });
      return answer.flatMap(({ row }) => (row === undefined ? [] : [row.columns]));
    },
    stop,
  };
}

/** The statements of the example in a section of `docs/reference/sql-extensions.md`. */
export function examplesOf(section: string): string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/sql-extensions.md'), 'utf8');
  const [, text = ''] = page.split(`## ${section}\n`);
  const [, example = ''] = /```sql\n([^]*?)```/.exec(text) ?? [];
  return example.split(/(?<=;)\n/).filter((statement) => statement !== '');
}
