// One bash for a whole page of documentation, in a network of its own: all ports are free there, so a page is typed as it
// stands, with the ports that it names.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { type Block, compare, onlyLooks, shownBehind } from './pages.ts';

/** What a block may take whoever follows the page, without the time to read it. */
const BLOCK_MS = 60_000;

/** False, or why there is no network of its own here; then the pages that need one are left out, and that is told. */
export const withoutNetwork: string | false =
  spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up']).status === 0
    ? false
    : 'a network of its own (unshare, ip) is not to be had here';
if (withoutNetwork !== false) console.warn(`skipped: pages that are typed into a shell: ${withoutNetwork}`);

export class Shell {
  readonly #bash: ChildProcess;
  readonly #folder: string;
  #said = '';
  #blocks = 0;

  /** A shell in a folder that finds commands in `bins` first. */
  constructor(folder: string, bins: string, env: Readonly<Record<string, string>> = {}) {
    this.#folder = folder;
    const path = `${bins}:${dirname(process.execPath)}:${process.env['PATH']}`;
    this.#bash = spawn('unshare', ['-rn', 'bash'], {
      detached: true,
      cwd: folder,
      env: { ...process.env, ...env, PATH: path, HOME: folder, NO_COLOR: '1', npm_config_offline: 'true' },
    });
    for (const stream of [this.#bash.stdout!, this.#bash.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.#bash.stdin!.write('ip link set lo up\n');
  }

  /** Does what a section says, block by block; throws where something fails, or shows something else. */
  async follow(blocks: readonly Block[]): Promise<void> {
    for (const [i, block] of blocks.entries()) {
      const { kind, mark, text } = block;
      if (kind === '' || mark === 'install') continue;
      const shown = shownBehind(blocks, i);
      if (mark === 'stays') await this.#stays(text, shown);
      else if (kind === 'sh') compare(text, await this.#run(text), shown);
      else if (kind === 'sql' && mark === '') await this.#query(text, shown);
      else writeFileSync(join(this.#folder, mark), text);
    }
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#bash.once('close', resolve));
    // With all that it has started.
    process.kill(-this.#bash.pid!, 'SIGTERM');
    await ended;
  }

  /** Resolves with all that the commands have said when they have ended. */
  async #run(commands: string): Promise<string> {
    const file = this.#nextFile();
    writeFileSync(file, commands);
    const mark = `--- ${file} ended with `;
    this.#said = '';
    this.#bash.stdin!.write(`(set -e; source ${file}) < /dev/null; echo "${mark}$?"\n`);
    await vi.waitFor(() => {
      if (!this.#said.includes(mark)) throw new Error(`not ended: ${this.#said}`);
    }, BLOCK_MS);
    if (!this.#said.includes(`${mark}0`)) throw new Error(`${commands} failed: ${this.#said}`);
    return this.#said;
  }

  /** Runs a command in the background; resolves when it has said what the page shows. */
  async #stays(command: string, shown: string): Promise<void> {
    const file = this.#nextFile();
    this.#bash.stdin!.write(`${command.trim()} > ${file} 2>&1 &\n`);
    await vi.waitFor(() => compare(command, existsSync(file) ? readFileSync(file, 'utf8') : '', shown), BLOCK_MS);
  }

  /** Statements of the SQL prompt; a page may show with what they are refused. */
  async #query(text: string, shown: string): Promise<void> {
    const file = this.#nextFile();
    writeFileSync(file, text);
    const command = `millrace sql -f ${file}${shown === '' ? '' : ' || true'}\n`;
    const ask = async (): Promise<void> => compare(text, await this.#run(command), shown);
    await (onlyLooks(text) ? vi.waitFor(ask, BLOCK_MS) : ask());
  }

  #nextFile(): string {
    return join(this.#folder, `block-${++this.#blocks}`);
  }
}
