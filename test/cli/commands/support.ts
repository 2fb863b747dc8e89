// Commands as their users type them, in this process: words as a shell takes them apart go in, what is printed comes out.
import { Command } from 'commander';
import { Readable } from 'node:stream';
import { addCommands } from '../../../src/cli/commands/index.ts';
import type { CommandIo } from '../../../src/cli/commands/io.ts';
import { codeOf, messageOf } from '../../../src/util/index.ts';

export interface Said {
  readonly out: string;
  readonly err: string;
  /** What it failed with, as the process would print it; undefined: it did not. */
  readonly error?: string;
  readonly code?: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly io?: Partial<CommandIo>;
}

/** Quotes are those of a shell; `$B` is the flag that names the broker. */
export function wordsOf(line: string, server: string): string[] {
  return line
    .match(/(?:'[^']*'|[^\s'])+/g)!
    .flatMap((word) => (word === '$B' ? ['-b', server] : [word.replaceAll("'", '')]));
}

export function commandsOn(server: () => string) {
  return async (line: string, { input = '', io = {} }: RunOptions = {}): Promise<Said> => {
    const words = wordsOf(line, server());
    let out = '';
    let err = '';
    const program = new Command('millrace')
      .exitOverride()
      .configureOutput({ outputError: () => {}, writeOut: (text) => (out += text), writeErr: (text) => (err += text) })
      .enablePositionalOptions();
    await addCommands(program, words, {
      input: Readable.from([input]),
      out: (text) => (out += typeof text === 'string' ? text : Buffer.from(text).toString('latin1')),
      err: (text) => (err += text),
      drained: () => Promise.resolve(),
      interrupted: new Promise(() => {}),
      width: Number.POSITIVE_INFINITY,
      height: Number.POSITIVE_INFINITY,
      isLive: false,
      showsProgress: false,
      colours: false,
      leave: () => {},
      ...io,
    });
    try {
      await program.parseAsync(words, { from: 'user' });
      return { out, err };
    } catch (error) {
      return { out, err, error: messageOf(error), code: codeOf(error) ?? '' };
    }
  };
}
