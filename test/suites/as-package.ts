// Programs that import the package, as its users' do, run on the sources that it is made of.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const sources = pathToFileURL(join(import.meta.dirname, '../../src')).href;
/** The package is what a build makes of the sources: here they are taken as they are. */
const hook = `import { registerHooks } from 'node:module';
  registerHooks({ resolve: (name, context, next) => {
    const part = /^millrace(?:\\/(.+))?$/.exec(name);
    return next(part === null ? name : '${sources}/' + (part[1] ?? 'platform') + '/index.ts', context);
  } });`;

/** What Node is given in front of the program. */
export const asPackage: readonly string[] = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];

/** A program of a user, in a process of its own. */
export class Program {
  output = '';
  readonly child: ChildProcess;
  /** The exit code. */
  readonly ended: Promise<number | null>;

  readonly #waiting = new Set<() => void>();

  constructor(file: string, args: readonly string[] = [], options: { readonly cwd?: string } = {}) {
    this.child = spawn(process.execPath, [...asPackage, file, ...args], options);
    const tell = (): void => {
      for (const look of this.#waiting) look();
    };
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        tell();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => {
        resolve(code);
        tell();
      });
    });
  }

  /** Resolves once it has said a line; rejects when it ends before. */
  says(line: string | RegExp): Promise<string> {
    const isIt = (said: string): boolean => (typeof line === 'string' ? said === line : line.test(said));
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const said = this.output.split('\n').find(isIt);
        const hasEnded = this.child.exitCode !== null;
        if (said === undefined && !hasEnded) return;
        this.#waiting.delete(look);
        if (said !== undefined) resolve(said);
        else reject(new Error(`it ended before saying ${line}: ${this.output}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  type(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** Asks it to end; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}
