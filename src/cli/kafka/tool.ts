/**
 * One of Kafka's tools: its flags, and what it does. It is started as `bin/kafka-topics …` (and `kafka-topics.sh`); it says what
 * the original says, so that scripts that read it go on working, and starts in a fraction of the time.
 */
import { type Admin, type Client, createClient } from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { codeOf, messageOf } from '../../util/index.ts';
import { Arguments, type Flags, UsageError, usageOf } from './arguments.ts';

export interface Tool {
  readonly summary: string;
  readonly flags: Flags;
  /** How the original begins what it says about an error, behind which the error comes. */
  readonly onError?: string;
  /** The exit code where an error was told of: 1, as a rule. */
  readonly errorCode?: number;
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

/** How the original ends early: with these words, and no others. */
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
    if (words.length === 0 || words.includes('--help')) {
      io.err(`${tool.summary}\n${usageOf(tool.flags)}`);
      return words.length === 0 ? 1 : 0;
    }
    const args = new Arguments(tool.flags, words);
    for (const notice of args.notices) io.err(`${notice}\n`);
    await tool.run(args, io);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${error.message}\n${error.showsUsage ? usageOf(tool.flags) : ''}`);
      return 1;
    }
    if (codeOf(error) === 'EPIPE') return 0;
    const text = messageOf(error);
    if (error instanceof ToolError || tool.onError === undefined) io.err(`${text}\n`);
    else io.out(`${tool.onError}${text}\n`);
    return error instanceof ToolError ? 1 : (tool.errorCode ?? 1);
  }
}

/** A client by the flags that all tools have. */
export function clientOf(args: Arguments, configFlag = 'command-config'): Client {
  const file = args.get(configFlag);
  const settings = file === undefined ? {} : readPropertiesFile(file);
  const clientId = settings['client.id'];
  return createClient({
    bootstrapServers: args.get('bootstrap-server') ?? settings['bootstrap.servers'] ?? 'localhost:9092',
    ...(clientId === undefined ? {} : { clientId }),
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
