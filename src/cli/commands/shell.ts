/**
 * `millrace shell`: a prompt for these commands and for Kafka's tools. Tab completes and tells what things do, Ctrl-R finds earlier
 * lines with what was typed, `use host:port` goes to another cluster, Ctrl-C ends a command.
 */
import { createInterface, type Interface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { messageOf, MillraceError } from '../../util/index.ts';
import { History, HISTORY_MAX } from '../history.ts';
import { KAFKA_TOOLS } from '../kafka/index.ts';
import { type Candidate, candidatesOf, valuesOf, wordsIn } from './completion.ts';
import type { CommandIo } from './io.ts';
import { type ClusterOptions, onCluster, usage } from './options.ts';

type AddCommands = (program: Command, words: readonly string[], io?: CommandIo) => Promise<void>;

/** What the prompt itself understands. */
const OWN: readonly Candidate[] = [
  { name: 'use', description: 'go to another cluster: use host:port' },
  { name: 'help', description: 'what there is' },
  { name: 'exit', description: 'leave (also Ctrl-D)' },
];

export function shell(command: Command, io: CommandIo, add: AddCommands): void {
  onCluster(command).action(async ({ bootstrapServer, clientConfig, clientProperty }: ClusterOptions) => {
    if (clientProperty !== undefined)
      throw usage('the shell takes settings of the client from a file: --client-config.');
    if (clientConfig !== undefined) process.env['MILLRACE_CLIENT_CONFIG'] = clientConfig;
    await new Shell(io, add, bootstrapServer).run();
  });
}

class Shell {
  readonly #io: CommandIo;
  readonly #add: AddCommands;
  readonly #readline: Interface;
  readonly #history = new History('shell_history');
  /** Ends what runs now. */
  #interrupt: (() => void) | undefined;
  /** What Ctrl-R looks for, and how far back it has come. */
  #search = { text: '', found: '', index: -1 };
  #failed = 0;

  constructor(io: CommandIo, add: AddCommands, server: string) {
    this.#io = io;
    this.#add = add;
    this.#use(server);
    const output = new Writable({
      decodeStrings: false,
      write(chunk: string | Buffer, _encoding, done) {
        io.out(chunk);
        done();
      },
    });
    this.#readline = createInterface({
      input: io.input,
      output: io.isLive ? process.stdout : output,
      terminal: io.isLive,
      history: this.#history.entries().toReversed(),
      historySize: HISTORY_MAX,
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
        void completionsOf(add, line).then(
          (found) => done(null, found),
          () => done(null, [[], line]),
        );
      },
    });
  }

  async run(): Promise<void> {
    if (this.#io.isLive) {
      this.#io.out('Tab completes; help tells what there is.\n');
      this.#io.input.on('keypress', (_text, key: { readonly ctrl?: boolean; readonly name?: string } | undefined) => {
        if (key?.ctrl === true && key.name === 'r') this.#findEarlier();
      });
      this.#readline.on('SIGINT', () => this.#onInterrupt());
    }
    this.#prompt();
    for await (const line of this.#readline) {
      if (line.trim() !== '' && !(await this.#enter(line.trim()))) break;
      this.#prompt();
    }
    this.#readline.close();
    // A script is told; who sits at the prompt has seen it.
    if (this.#failed > 0 && !this.#io.isLive) throw new MillraceError('INVALID_INPUT', `${this.#failed} lines failed.`);
  }

  #prompt(): void {
    if (!this.#io.isLive) return;
    this.#readline.setPrompt(`${process.env['MILLRACE_BOOTSTRAP_SERVER']}> `);
    this.#readline.prompt();
  }

  /** False: leave. */
  async #enter(line: string): Promise<boolean> {
    if (this.#io.isLive) this.#history.add(line);
    const words = wordsIn(`millrace ${line}`);
    const [name = ''] = words;
    if (name === 'exit' || name === 'quit') return false;
    try {
      if (name === 'help') this.#io.out(await helpOf(this.#add));
      else if (name === 'use') {
        if (words.length !== 2) throw usage('use takes one host:port.');
        this.#use(words[1]!);
      } else await this.#run(words);
    } catch (error) {
      this.#failed++;
      if (!(error instanceof CommanderError && error.exitCode === 0)) {
        this.#io.err(`${messageOf(error).replace(/^error: /, '')}\n`);
      }
    }
    return true;
  }

  /** Commands find their cluster where they find it outside, too. */
  #use(server: string): void {
    process.env['MILLRACE_BOOTSTRAP_SERVER'] = server;
  }

  async #run(words: readonly string[]): Promise<void> {
    const [name = '', ...others] = words;
    const interrupted = this.#io.isLive
      ? new Promise<void>((resolve) => {
          this.#interrupt = resolve;
        })
      : this.#io.interrupted;
    // The lines are the prompt's: a command that reads gets nothing, and has its --file.
    const io: CommandIo = { ...this.#io, input: Readable.from([]), interrupted };
    try {
      if (Object.hasOwn(KAFKA_TOOLS, name)) await this.#runTool(name, others, io);
      else {
        const program = emptyProgram(io);
        await this.#add(program, words, io);
        await program.parseAsync([...words], { from: 'user' });
      }
    } finally {
      this.#interrupt = undefined;
    }
  }

  async #runTool(name: string, words: readonly string[], io: CommandIo): Promise<void> {
    const { runTool } = await import('../kafka/tool.ts');
    const tool = await KAFKA_TOOLS[name]!();
    const takesServer = 'bootstrap-server' in tool.flags && words.length > 0 && !words.includes('--bootstrap-server');
    const server = takesServer ? ['--bootstrap-server', process.env['MILLRACE_BOOTSTRAP_SERVER']!] : [];
    const file = process.env['MILLRACE_CLIENT_CONFIG'];
    const takesFile = file !== undefined && 'command-config' in tool.flags && !words.includes('--command-config');
    const config = takesFile && words.length > 0 ? ['--command-config', file] : [];
    const code = await runTool(tool, [...words, ...server, ...config], io);
    if (code !== 0) this.#failed++;
  }

  #onInterrupt(): void {
    if (this.#interrupt !== undefined) {
      this.#interrupt();
      return;
    }
    this.#replaceLine('');
  }

  /** The next earlier line with what was typed; what was found before is not what is looked for. */
  #findEarlier(): void {
    const { line } = this.#readline;
    if (line !== this.#search.found || this.#search.index < 0) this.#search = { text: line, found: '', index: -1 };
    const { text, index } = this.#search;
    const history = this.#history.entries().toReversed();
    const next = history.findIndex((each, i) => i > index && each.includes(text) && each !== line);
    if (next < 0) return;
    this.#search = { text, found: history[next]!, index: next };
    this.#replaceLine(history[next]!);
  }

  #replaceLine(text: string): void {
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#readline.write(text);
  }
}

function emptyProgram(io: Pick<CommandIo, 'out' | 'err'>): Command {
  return new Command('millrace')
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
    })
    .showSuggestionAfterError()
    .enablePositionalOptions();
}

async function helpOf(add: AddCommands): Promise<string> {
  const program = emptyProgram({ out: () => {}, err: () => {} });
  await add(program, []);
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ name: command.name(), description: command.description() }));
  const all = [...commands.filter(({ name }) => name !== 'shell' && name !== 'help'), ...OWN];
  const width = Math.max(...all.map(({ name }) => name.length));
  const lines = all.map(({ name, description }) => `${name.padEnd(width)}  ${description}`);
  return `${[...lines, '', `Kafka’s tools: ${Object.keys(KAFKA_TOOLS).join(', ')}`].join('\n')}\n`;
}

/** For readline: what the line may go on with, and the part of it that that replaces. Several come with what they do. */
export async function completionsOf(add: AddCommands, line: string): Promise<[found: string[], typed: string]> {
  const words = wordsIn(`millrace ${line}`);
  const typed = words.at(-1) ?? '';
  const found = await candidatesIn(add, words);
  if (found.length === 1) return [[`${found[0]!.name} `], typed];
  const width = Math.max(0, ...found.map(({ name }) => name.length));
  return [
    found.map(({ name, description }) => (description === '' ? name : `${name.padEnd(width)}  ${description}`)),
    typed,
  ];
}

async function candidatesIn(add: AddCommands, words: readonly string[]): Promise<Candidate[]> {
  const [name = '', ...others] = words;
  if (others.length > 0 && Object.hasOwn(KAFKA_TOOLS, name)) return toolCandidates(name, others);
  const program = emptyProgram({ out: () => {}, err: () => {} });
  await add(program, words);
  const found = await candidatesOf(program, words);
  if (others.length > 0) return found;
  const tools = Object.keys(KAFKA_TOOLS).map((tool) => ({ name: tool, description: 'one of Kafka’s tools' }));
  return [...found, ...[...OWN, ...tools].filter((each) => each.name.startsWith(name))];
}

/** Flags of one of Kafka's tools, or what stands behind one. */
async function toolCandidates(name: string, words: readonly string[]): Promise<Candidate[]> {
  const { flags } = await KAFKA_TOOLS[name]!();
  const [before, typed] = [words.at(-2) ?? '', words.at(-1)!];
  const flag = flags[before.replace(/^--/, '')];
  const found =
    flag?.takes === undefined
      ? Object.entries(flags).flatMap(([each, { text, ignored, now }]) =>
          ignored === undefined && now === undefined ? [{ name: `--${each}`, description: text }] : [],
        )
      : await valuesOf(before.replace(/^--/, ''), undefined, new Map());
  return found.filter((each) => each.name.startsWith(typed));
}
