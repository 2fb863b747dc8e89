// Somebody who follows pages of documentation: types their statements at the SQL prompt and their commands into a shell, saves
// their files, and looks whether what comes out is what the page shows. All pages of a reader are read on one platform.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { Session } from '../../src/cli/session.ts';
import { Platform } from '../../src/platform/index.ts';
import { asPackage } from '../suites/as-package.ts';
import { type Block, compare, onlyLooks, type Section, sectionsOf, shownBehind } from '../suites/pages.ts';

const root = join(import.meta.dirname, '..', '..');

/** The sections of a page of docs/ that have code. */
export function readPage(name: string): Section[] {
  return sectionsOf(readFileSync(join(root, 'docs', name), 'utf8')).filter(({ blocks }) => blocks.length > 0);
}

/** How long a table may take to follow its source. */
const ANSWER_MS = 60_000;

/** The addresses that pages name, by the service that has them. */
const NAMED = {
  broker: 'localhost:9092',
  'schema-registry': 'localhost:8081',
  'rest-proxy': 'localhost:8082',
  sql: 'localhost:8088',
  connect: 'localhost:8083',
};

export class Reader {
  readonly folder: string;
  readonly #platform: Platform;

  private constructor(folder: string, platform: Platform) {
    this.folder = folder;
    this.#platform = platform;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Reader> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-reader-'));
    const platform = await Platform.start({
      settings: {
        'log.dirs': join(folder, 'millrace-data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'kafka.rest.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'connect.listeners': 'http://127.0.0.1:0',
        'group.initial.rebalance.delay.ms': '0',
        ...settings,
      },
    });
    return new Reader(folder, platform);
  }

  async stop(): Promise<void> {
    await this.#platform.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Does what a section says, block by block, and compares what comes out with the plain block behind. */
  async follow({ blocks }: Section): Promise<void> {
    for (const [i, block] of blocks.entries()) {
      const shown = shownBehind(blocks, i);
      if (block.kind === 'sql' && block.mark === '') await this.#query(block.text, shown);
      else if (block.kind === 'sh') compare(block.text, await this.#shell(block.text), shown);
      else if (block.kind !== '') this.#save(block);
    }
  }

  #save({ kind, mark, text }: Block): void {
    if (mark === '') throw new Error(`a block of ${kind} that nobody saves: ${text}`);
    const file = join(this.folder, mark);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, this.#here(text));
  }

  /** What only looks is asked again until it shows what the page shows: tables follow their sources. */
  async #query(text: string, shown: string): Promise<void> {
    const ask = async (): Promise<void> => compare(text, await this.#prompt(text, shown !== ''), shown);
    await (onlyLooks(text) ? vi.waitFor(ask, ANSWER_MS) : ask());
  }

  /** The answers of the SQL prompt, the last of them what a refusal is told with, if the page may show one. */
  async #prompt(text: string, mayRefuse: boolean): Promise<string> {
    let said = '';
    const write = (answer: string): void => {
      said += `${answer}\n`;
    };
    const session = new Session(this.#platform.sql, { write, show: write, width: 160 });
    try {
      await session.run(text, new AbortController().signal);
    } catch (error) {
      if (!mayRefuse) throw error;
      write(session.explain(error));
    }
    return said;
  }

  /** What commands say, on standard error too. */
  async #shell(commands: string): Promise<string> {
    const script = `exec 2>&1\n${this.#here(commands)}`;
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: this.folder,
      env: {
        ...process.env,
        PATH: `${join(root, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}`,
        MILLRACE_BOOTSTRAP_SERVER: this.#address('broker'),
        SCHEMA_REGISTRY_URL: this.#platform.url('schema-registry'),
        NODE_OPTIONS: asPackage.join(' '),
        NO_COLOR: '1',
      },
    });
    return stdout;
  }

  #address(service: keyof typeof NAMED): string {
    return this.#platform.url(service).replace(/^.*:\/\//, '');
  }

  /** A text of a page with the addresses of this platform. */
  #here(text: string): string {
    const services = Object.keys(NAMED) as (keyof typeof NAMED)[];
    return services.reduce((said, service) => said.replaceAll(NAMED[service], this.#address(service)), text);
  }
}
