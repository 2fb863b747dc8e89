// The command line as its users have it: a process of its own, started by the script that npm installs.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'millrace');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Millrace {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;

  constructor(
    args: readonly string[],
    options: { env?: Record<string, string>; input?: string; keepsInput?: boolean; bin?: string; cwd?: string } = {},
  ) {
    this.child = spawn(process.execPath, [options.bin ?? BIN, ...args], {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    if (options.keepsInput !== true) this.child.stdin!.end(options.input ?? '');
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves with the match once the output has it; rejects when the process ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      const outcome = await Promise.race([
        this.ended,
        new Promise<undefined>((resolve) => {
          this.child.stdout!.once('data', () => resolve(undefined));
        }),
      ]);
      if (outcome === undefined) continue;
      const last = pattern.exec(this.stdout);
      if (last !== null) return last;
      throw new Error(`it ended with ${outcome.code} before saying ${pattern}: ${this.stdout}${this.stderr}`);
    }
  }

  async kill(signal: NodeJS.Signals): Promise<Outcome> {
    this.child.kill(signal);
    return this.ended;
  }
}

export const ANY_PORTS = [
  '--port',
  '0',
  '--registry-port',
  '0',
  '--sql-port',
  '0',
  '--rest-port',
  '0',
  '--connect-port',
  '0',
];
