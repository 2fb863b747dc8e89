// What the prompt itself understands, beside SQL: psql's backslash commands and the words of ksqlDB's command line. One
// declaration per command: help, completion and what runs come from it.
import type { Session } from '../session.ts';
import { OUTPUT_FORMATS, outputFormat } from '../answers.ts';
import { MillraceError, nearestName } from '../../util/index.ts';

/** What commands work on. */
export interface PromptActions {
  readonly session: Session;
  write(text: string): void;
  /** Runs statements; false when one was refused, which has been told. */
  run(statements: string, file?: string): Promise<boolean>;
  runFile(file: string): Promise<boolean>;
  /** Runs the last query again and again until Ctrl-C. */
  watch(everySeconds: number): Promise<void>;
  /** Opens the last statement in the user's editor and runs what comes back. */
  edit(): Promise<void>;
  /** Where answers go: to this file (alone, or beside the terminal), or to the terminal when undefined. */
  sendTo(file: string | undefined, alone: boolean): void;
  server(url: string | undefined): Promise<void>;
  version(): Promise<string>;
  history(): string;
  page(on: boolean): void;
  clear(): void;
  leave(): void;
}

interface Command {
  /** As it is typed: the first is what help shows. */
  readonly names: readonly string[];
  readonly parameters?: string;
  readonly help: string;
  run(actions: PromptActions, argument: string): unknown;
}

export const COMMANDS: readonly Command[] = [
  {
    names: ['\\?', 'help'],
    help: 'this text',
    run: (prompt) => prompt.write(helpText()),
  },
  { names: ['\\q', 'exit', 'quit'], help: 'leave (so does Ctrl-D)', run: (prompt) => prompt.leave() },
  {
    names: ['\\d'],
    parameters: '[name]',
    help: 'streams and tables; or the columns of one',
    run: (prompt, name) => prompt.run(name === '' ? 'SHOW STREAMS; SHOW TABLES;' : `DESCRIBE ${unended(name)};`),
  },
  { names: ['\\ds'], help: 'streams', run: (prompt) => prompt.run('SHOW STREAMS;') },
  { names: ['\\dt'], help: 'tables', run: (prompt) => prompt.run('SHOW TABLES;') },
  { names: ['\\dq'], help: 'queries', run: (prompt) => prompt.run('SHOW QUERIES;') },
  {
    names: ['\\df'],
    parameters: '[name]',
    help: 'functions; or what one does',
    run: (prompt, name) => prompt.run(name === '' ? 'SHOW FUNCTIONS;' : `DESCRIBE FUNCTION ${unended(name)};`),
  },
  { names: ['\\l'], help: 'topics', run: (prompt) => prompt.run('SHOW TOPICS;') },
  {
    names: ['\\x'],
    parameters: '[on|off|auto]',
    help: 'rows as blocks of lines; auto: where a table would be too wide',
    run(prompt, argument) {
      const wanted = argument === '' ? (prompt.session.expanded === 'on' ? 'off' : 'on') : argument.toLowerCase();
      prompt.session.expanded = oneOf(wanted, ['on', 'off', 'auto'], '\\x');
      prompt.write(`Expanded display: ${prompt.session.expanded}`);
    },
  },
  {
    names: ['\\timing'],
    parameters: '[on|off]',
    help: 'how long each statement took',
    run(prompt, argument) {
      prompt.session.timing = isOn(argument, prompt.session.timing, '\\timing');
      prompt.write(`Timing: ${prompt.session.timing ? 'on' : 'off'}`);
    },
  },
  {
    names: ['\\pager'],
    parameters: '[on|off]',
    help: "long answers through $PAGER (less, when it isn't set)",
    run(prompt, argument) {
      const on = isOn(argument, false, '\\pager');
      prompt.page(on);
      prompt.write(`Pager: ${on ? 'on' : 'off'}`);
    },
  },
  {
    names: ['\\watch'],
    parameters: '[seconds]',
    help: 'the last statement every two seconds, until Ctrl-C',
    async run(prompt, argument) {
      const seconds = argument === '' ? 2 : Number(argument);
      if (!(seconds > 0)) throw refused(`\\watch needs a number of seconds, not "${argument}".`);
      await prompt.watch(seconds);
    },
  },
  {
    names: ['\\i'],
    parameters: 'file',
    help: 'run a file of statements',
    run: (prompt, file) => prompt.runFile(given(file, '\\i needs a file.')),
  },
  {
    names: ['\\o'],
    parameters: '[file]',
    help: 'write answers to a file; without one: to the terminal again',
    run: (prompt, file) => prompt.sendTo(file === '' ? undefined : file, true),
  },
  {
    names: ['spool'],
    parameters: "'file'|off",
    help: 'write answers to a file, too',
    run(prompt, argument) {
      const file = unquoted(given(argument, "spool needs a file in quotes, or off: spool 'answers.txt'"));
      prompt.sendTo(file.toLowerCase() === 'off' ? undefined : file, false);
    },
  },
  { names: ['\\e'], help: 'the last statement in $EDITOR; what is saved is run', run: (prompt) => prompt.edit() },
  {
    names: ['output'],
    parameters: `[${OUTPUT_FORMATS.join('|')}]`,
    help: 'how answers are written',
    run(prompt, argument) {
      if (argument !== '') prompt.session.format = outputFormat(argument);
      prompt.write(`Output format: ${prompt.session.format}`);
    },
  },
  {
    names: ['set cli'],
    parameters: 'column-width <n>|wrap off',
    help: 'a fixed width for the columns of push queries (0: shares of the terminal)',
    run(prompt, argument) {
      const width = /^column-width\s+(\d+)$/i.exec(argument)?.[1];
      if (width !== undefined) {
        prompt.session.columnWidth = Number(width) > 0 ? Number(width) : undefined;
        prompt.write(`Column width: ${prompt.session.columnWidth ?? 'shares of the terminal'}`);
      } else if (/^wrap\s+(on|off)$/i.test(argument)) {
        prompt.write('What does not fit a column is cut and ends in "…"; \\x shows it whole.');
      } else throw refused(`"set cli ${argument}" is not known: set cli column-width <n>`);
    },
  },
  {
    names: ['server'],
    parameters: '[url]',
    help: "the service's address; with one: go there",
    run: (prompt, url) => prompt.server(url === '' ? undefined : unquoted(url)),
  },
  { names: ['version'], help: 'of the service', run: async (prompt) => prompt.write(await prompt.version()) },
  { names: ['\\s', 'history'], help: 'what was entered before', run: (prompt) => prompt.write(prompt.history()) },
  { names: ['clear'], help: 'clear the screen', run: (prompt) => prompt.clear() },
  {
    names: ['request-pipelining'],
    parameters: 'on|off',
    help: 'statements are always sent one after the other',
    run: (prompt) => prompt.write('Statements are sent one after the other; there is nothing to switch.'),
  },
];

/** The command that a line is, and what stands behind its name; undefined when the line is SQL. */
export function commandIn(line: string): { readonly command: Command; readonly argument: string } | undefined {
  const text = line.trim().replace(/;$/, '').trim();
  const lower = text.toLowerCase();
  for (const command of COMMANDS) {
    for (const name of command.names) {
      if (lower !== name && !lower.startsWith(`${name} `)) continue;
      const argument = text.slice(name.length).trim();
      // A word that takes nothing is a command when it stands alone: "version = 3" would be SQL, wrong or right.
      if (argument !== '' && command.parameters === undefined) continue;
      return { command, argument };
    }
  }
  if (!text.startsWith('\\')) return undefined;
  const name = /^\\\S*/.exec(text)![0];
  const near = nearestName(
    name,
    COMMANDS.flatMap(({ names }) => names),
  );
  throw refused(`${name} is not known.${near === undefined ? '' : ` Did you mean ${near}?`} \\? lists what is.`);
}

function helpText(): string {
  const lines = COMMANDS.map(({ names, parameters, help }) => {
    const typed = `${names.join(', ')}${parameters === undefined ? '' : ` ${parameters}`}`;
    return typed.length <= 30 ? `  ${typed.padEnd(30)} ${help}` : `  ${typed}\n${' '.repeat(33)}${help}`;
  });
  return `Statements end with a semicolon and may span lines. These need none:

${lines.join('\n')}

Tab completes what fits the place: sources, columns, topics, properties, formats, functions. Ctrl-R looks for what was typed
before, Ctrl-C ends what runs.
Good to begin with:  SHOW TOPICS;  PRINT 'topic' FROM BEGINNING LIMIT 3;  SHOW STREAMS;  SELECT * FROM s EMIT CHANGES LIMIT 5;`;
}

function isOn(argument: string, before: boolean, command: string): boolean {
  return argument === '' ? !before : oneOf(argument.toLowerCase(), ['on', 'off'], command) === 'on';
}

function oneOf<T extends string>(value: string, allowed: readonly T[], command: string): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw refused(`${command} takes ${allowed.join(', ')}; not "${value}".`);
  return found;
}

function given(argument: string, message: string): string {
  if (argument === '') throw refused(message);
  return argument;
}

function unended(name: string): string {
  return name.replace(/;$/, '');
}

function unquoted(text: string): string {
  return text.replace(/^'(.*)'$/, '$1');
}

function refused(message: string): MillraceError {
  return new MillraceError('INVALID_OPTION', message);
}
