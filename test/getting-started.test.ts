// docs/getting-started.md as a newcomer follows it: the package in an empty directory, every block typed into one shell, on
// the ports that the page names. For that the shell has a network of its own, in which all ports are free.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { unpackInto } from '../tools/build/unpacked.ts';
import { patternOf, sectionsOf } from './suites/pages.ts';

const root = join(import.meta.dirname, '..');
/** What a door may take whoever follows the page, without the time to read it. */
const DOOR_MS = 60_000;

const english = sectionsOf(readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8'));
const portuguese = sectionsOf(readFileSync(join(root, 'docs', 'pt', 'primeiros-passos.md'), 'utf8'));

test('the Portuguese page has the same blocks', () => {
  expect(portuguese.map(({ blocks }) => blocks)).toEqual(english.map(({ blocks }) => blocks));
});

const withoutNetwork =
  spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up']).status === 0
    ? false
    : 'a network of its own (unshare, ip) is not to be had here';
if (withoutNetwork !== false) console.warn(`skipped: the getting-started page: ${withoutNetwork}`);

describe.skipIf(withoutNetwork !== false)('getting started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-newcomer-'));
  let shell: Shell;

  beforeAll(() => {
    const own = unpackInto(folder);
    const { bin } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const bins = join(folder, 'node_modules', '.bin');
    mkdirSync(bins, { recursive: true });
    for (const [name, file] of Object.entries(bin)) symlinkSync(join(own, file), join(bins, name));
    shell = new Shell(folder);
  }, 120_000);
  afterAll(async () => {
    await shell.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(english.filter(({ blocks }) => blocks.length > 0))(
    '$title',
    async ({ blocks }) => {
      for (const [i, block] of blocks.entries()) {
        if (block.kind === '' || block.mark === 'install') continue;
        if (block.kind !== 'sh') {
          writeFileSync(join(folder, block.mark), block.text);
          continue;
        }
        const shown = blocks[i + 1]?.kind === '' ? blocks[i + 1]!.text : '';
        if (block.mark === 'stays') await shell.stays(block.text, shown);
        else expect(await shell.run(block.text)).toMatch(patternOf(shown));
      }
    },
    DOOR_MS,
  );
});

/** One bash for the whole page. */
class Shell {
  readonly #bash: ChildProcess;
  readonly #folder: string;
  #said = '';
  #commands = 0;

  constructor(folder: string) {
    this.#folder = folder;
    const path = `${join(folder, 'node_modules', '.bin')}:${dirname(process.execPath)}:${process.env['PATH']}`;
    this.#bash = spawn('unshare', ['-rn', 'bash'], {
      detached: true,
      cwd: folder,
      env: { ...process.env, PATH: path, HOME: folder, NO_COLOR: '1', npm_config_offline: 'true' },
    });
    for (const stream of [this.#bash.stdout!, this.#bash.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.#bash.stdin!.write('ip link set lo up\n');
  }

  /** Resolves with all that the commands have said when they have ended. */
  async run(commands: string): Promise<string> {
    const mark = `--- ${++this.#commands} ended with `;
    this.#said = '';
    const block = join(this.#folder, `block-${this.#commands}`);
    writeFileSync(block, commands);
    this.#bash.stdin!.write(`source ${block} < /dev/null; echo "${mark}$?"\n`);
    await vi.waitFor(() => {
      if (!this.#said.includes(mark)) throw new Error(`not ended: ${this.#said}`);
    }, DOOR_MS);
    if (!this.#said.includes(`${mark}0`)) throw new Error(`${commands} failed: ${this.#said}`);
    return this.#said;
  }

  /** Runs a command in the background; resolves when it has said what the page shows. */
  async stays(command: string, shown: string): Promise<void> {
    const file = join(this.#folder, `said-${++this.#commands}`);
    this.#bash.stdin!.write(`${command.trim()} > ${file} 2>&1 &\n`);
    await vi.waitFor(() => {
      const said = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (!patternOf(shown).test(said)) throw new Error(`it doesn't show ${shown}: ${said}`);
    }, DOOR_MS);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#bash.once('close', resolve));
    // With all that it has started.
    process.kill(-this.#bash.pid!, 'SIGTERM');
    await ended;
  }
}
