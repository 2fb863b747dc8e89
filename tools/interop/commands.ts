// Programs that suites run: with a time that they may take, and what they print.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Run {
  /** Null: it was ended, or could not be started. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs: number;
  /** Called with each line of standard output, instead of keeping it. */
  readonly onLine?: (line: string) => void;
}

/** Resolves whatever becomes of it. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const { cwd, env, input = '', timeoutMs, onLine } = options;
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let out = '';
  let err = '';
  const lines = onLine === undefined ? undefined : createInterface({ input: child.stdout }).on('line', onLine);
  const hasRead = lines === undefined ? undefined : new Promise((resolve) => lines.once('close', resolve));
  if (lines === undefined) child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      err += String(error);
      resolve(null);
    });
    child.once('close', resolve);
  });
  await hasRead;
  return { code, out, err };
}

/** Whether a program is on this machine. */
export async function has(command: string, ...args: readonly string[]): Promise<boolean> {
  return (await run(command, args, { timeoutMs: 20_000 })).code === 0;
}

/** The last line that says something. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
