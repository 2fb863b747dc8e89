// What a command has to do with the outside: what comes in and goes out, and what kind of terminal there is, if any.

/** Where a command reads and writes. Tests hand in their own; `processIo` is the process. */
export interface CommandIo {
  readonly input: NodeJS.ReadableStream;
  /** Standard output: results, and nothing else. */
  out(text: string | Uint8Array): void;
  /** Standard error: progress, notices, errors. */
  err(text: string): void;
  /** Resolves when what was written has gone out, as far as it has to before more comes. */
  drained(): Promise<void>;
  /** Resolves when somebody wants the command to end (SIGINT, SIGTERM). Until it is asked for, a signal ends the process. */
  readonly interrupted: Promise<void>;
  /** Columns of the terminal that the output goes to; infinite where it is none. */
  readonly width: number;
  /** Lines of that terminal. */
  readonly height: number;
  /** Whether the output is a terminal that can be drawn on. */
  readonly isLive: boolean;
  /** Whether standard error is a terminal: who waits there may see how far a command is. */
  readonly showsProgress: boolean;
  /** Whether the output may have colours (https://no-color.org). */
  readonly colours: boolean;
  /** Ends the process, also where something is still waited for that nobody needs any more. */
  leave(): void;
}

/** The process's own. Whoever reads what is written may have enough (`| head`): that ends the process, without an error. */
export function processIo(): CommandIo {
  const { stdin, stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  let interrupted: Promise<void> | undefined;
  return {
    input: stdin,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    drained: () =>
      stdout.writableNeedDrain
        ? new Promise((resolve) => {
            stdout.once('drain', () => resolve());
          })
        : Promise.resolve(),
    get interrupted() {
      interrupted ??= new Promise((resolve) => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
      });
      return interrupted;
    },
    // A terminal may not know its size: then it says 0.
    width: stdout.isTTY === true ? stdout.columns || 80 : Number.POSITIVE_INFINITY,
    height: stdout.isTTY === true ? stdout.rows || 24 : Number.POSITIVE_INFINITY,
    isLive: stdout.isTTY === true,
    showsProgress: stderr.isTTY === true,
    colours: stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '',
    leave: () => process.exit(),
  };
}
