/**
 * One of Kafka's tools: its flags, and what it does. It is started as `bin/kafka-topics …` (and `kafka-topics.sh`); it says what
 * the original says, so that scripts that read it go on working, and starts in a fraction of the time.
 */
import { type Admin, type Client, clientOptionsOf, createClient } from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import { Arguments, type Flags, UsageError, usageOf } from './arguments.ts';

export interface Tool {
  readonly summary: string;
  readonly flags: Flags;
  /** How the original begins what it says about an error, behind which the error comes; it may name the words of the call. */
  readonly onError?: (words: readonly string[]) => string;
  /** It needs nothing behind its name: else that is taken for a question what there is. */
  readonly standsAlone?: boolean;
  /** All words behind its name are its own, flags as well: it hands them on. */
  readonly takesAll?: boolean;
  run(args: Arguments, io: ToolIo): Promise<void>;
}

export interface ToolIo {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  out(text: string): void;
  err(text: string): void;
  /** Resolves when what was written has gone out, as far as it has to before more comes. */
  drained(): Promise<void>;
  /** Resolves when somebody wants the tool to end. */
  readonly interrupted: Promise<void>;
}

/** How the original ends early: with these words, and no others; with none where all has been said. */
export class ToolError extends Error {}

export const BOOTSTRAP_FLAGS = {
  'bootstrap-server': {
    takes: 'server to connect to',
    text: 'The brokers to ask first, host:port. Default: localhost:9092.',
  },
  'broker-list': { takes: 'server', now: 'bootstrap-server', text: '' },
  'command-config': { takes: 'property file', text: 'A file of settings for the client.' },
  zookeeper: {
    takes: 'host:port',
    text: '',
    ignored: 'there is no ZooKeeper; the brokers of --bootstrap-server are asked (default: localhost:9092).',
  },
  help: { text: 'Print what can be said.' },
  version: { text: 'Print the version.' },
} as const satisfies Flags;

/** Runs a tool with the words behind its name. Returns the exit code. */
export async function runTool(tool: Tool, words: readonly string[], io: ToolIo): Promise<number> {
  try {
    const isQuestion = words.length === 0 && tool.standsAlone !== true;
    if (isQuestion || (words.includes('--help') && tool.takesAll !== true)) {
      io.err(`${tool.summary}\n${usageOf(tool.flags)}`);
      return isQuestion ? 1 : 0;
    }
    const args = new Arguments(tool.flags, tool.takesAll === true ? ['--', ...words] : words);
    for (const notice of args.notices) io.err(`${notice}\n`);
    await tool.run(args, io);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${error.message}\n${error.showsUsage ? usageOf(tool.flags) : ''}`);
      return 1;
    }
    if (codeOf(error) === 'EPIPE') return 0;
    // What the broker says is what the original says.
    const text = (error instanceof MillraceError ? error.detail : undefined) ?? messageOf(error);
    // Where the original tells of errors among its results, this does, too.
    if (!(error instanceof ToolError) && tool.onError !== undefined) io.out(`${tool.onError(words)}${text}\n`);
    else if (text === '') return 1;
    else if (text.startsWith('\nError: ')) io.out(`${text}\n`);
    else io.err(`${text}\n`);
    return 1;
  }
}

/** The settings in the files that flags name; what later flags say is in force. */
export function settingsIn(args: Arguments, ...flags: readonly string[]): Record<string, string> {
  const files = flags.map((flag) => args.get(flag)).filter((file) => file !== undefined);
  return Object.assign({}, ...files.map(readPropertiesFile)) as Record<string, string>;
}

/** A client by the flags that all tools have; settings that the tool has read otherwise are in force before those of the file. */
export function clientOf(args: Arguments, settings: Readonly<Record<string, string>> = {}): Client {
  const options = clientOptionsOf({ ...settingsIn(args, 'command-config'), ...settings });
  return createClient({
    ...options,
    bootstrapServers: args.get('bootstrap-server') ?? options.bootstrapServers ?? 'localhost:9092',
  });
}

export async function withAdmin(args: Arguments, work: (admin: Admin) => Promise<void>): Promise<void> {
  const client = clientOf(args);
  try {
    await work(client.admin());
  } finally {
    await client.close();
  }
}

/** Columns as wide as the original makes them; wider where what stands in them needs it. */
export function columns(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(' ');
}
