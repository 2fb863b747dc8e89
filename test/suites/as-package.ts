// Programs that import the package, as its users' do, run on the sources that it is made of.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..', '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string> };
const sources = Object.entries(exports)
  .filter(([, file]) => file.startsWith('./dist/'))
  .map(([name, file]) => {
    const source = file.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
    return [name.replace('.', 'millrace'), pathToFileURL(join(root, source)).href];
  });

/** The package is what a build makes of the sources: here they are taken as they are. */
const hook = `import { registerHooks } from 'node:module';
  const sources = ${JSON.stringify(Object.fromEntries(sources))};
  registerHooks({ resolve: (name, context, next) => next(sources[name] ?? name, context) });`;

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
