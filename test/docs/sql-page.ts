// A page of docs/sql as its reader types it: each on a platform of its own, all its blocks in one session.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from '../../src/cli/session.ts';
import { Platform } from '../../src/platform/index.ts';
import { createSqlClient } from '../../src/sql-api/index.ts';

/** As wide as the tables of the pages may be. */
const WIDTH = 100;

export class Reader {
  readonly #platform: Platform;
  readonly #directory: string;
  readonly #session: Session;
  #lines: string[] = [];

  private constructor(platform: Platform, directory: string) {
    const write = (text: string): void => void this.#lines.push(text);
    this.#platform = platform;
    this.#directory = directory;
    this.#session = new Session(createSqlClient(platform.url('sql')), { write, show: write, width: WIDTH });
  }

  /** `properties` are what the page has the service started with besides, as in a file. */
  static async start(properties = ''): Promise<Reader> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-sql-page-'));
    const platform = await Platform.start({
      settings: {
        'log.dirs': directory,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'group.initial.rebalance.delay.ms': '0',
        ...Object.fromEntries([...properties.matchAll(/^(.+?)=(.*)$/gm)].map(([, name, value]) => [name!, value!])),
      },
    });
    return new Reader(platform, directory);
  }

  /** What is shown for some statements; throws what is refused. */
  async types(statements: string): Promise<string> {
    this.#lines = [];
    await this.#session.run(statements, new AbortController().signal);
    return this.#said();
  }

  /** What has been shown, with the refusal that ended it. */
  refusal(error: unknown): string {
    this.#lines.push(this.#session.explain(error));
    return this.#said();
  }

  #said(): string {
    const text = this.#lines.map((line) => `${line}\n`).join('');
    // Where Connect is on a page is where it usually is.
    return text.replaceAll(/ +$/gm, '').replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:8083');
  }

  async end(): Promise<void> {
    await this.#platform.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
