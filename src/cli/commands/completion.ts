/**
 * Completion in shells. `millrace completion <shell>` prints a script that hands what is typed to `millrace __complete`, which
 * answers a candidate per line, with a tab and its description behind it. What can be typed is known from the commands
 * themselves; names of topics, groups and subjects are asked for, and not waited for long.
 */
import { Argument, type Command, type Option } from 'commander';
import type { Client } from '../../client/index.ts';
import { HttpConnection } from '../../http-client/index.ts';
import { addressOf } from '../connect.ts';
import { RegistryClient } from '../registry-client.ts';
import { isInternal } from './internal-topics.ts';
import type { CommandIo } from './io.ts';
import { clusterClient } from './options.ts';

/** Who completes waits for it at the keyboard. */
const PATIENCE_MS = 500;

export function completion(command: Command, io: CommandIo): void {
  command
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .action((shell: string) => io.out(SCRIPTS[shell]!));
}

/** Hidden: what the scripts call. */
export function complete(command: Command, io: CommandIo): void {
  const program = command.parent!;
  command
    .argument('[words...]', 'what stands behind millrace, up to the cursor')
    .option('--line <text>', 'the whole line up to the cursor instead')
    .action(async (words: string[], { line }: { readonly line?: string }) => {
      for (const { name, description } of await candidatesOf(program, line === undefined ? words : wordsIn(line))) {
        io.out(description === '' ? `${name}\n` : `${name}\t${description}\n`);
      }
      io.leave();
    });
}

/** The words behind the first one; the last is empty where a new one begins. */
export function wordsIn(line: string): string[] {
  const words: string[] = [];
  const pattern = /(?:'[^']*'?|"[^"]*"?|\\.|[^\s'"\\])+/g;
  for (const [word] of line.matchAll(pattern)) words.push(word.replace(/^['"]|['"]$|\\(?=.)/g, ''));
  if (line === '' || /(^|[^\\])\s$/.test(line)) words.push('');
  return words.slice(1);
}

export interface Candidate {
  readonly name: string;
  readonly description: string;
}

/** What may stand at the last of the words, which may be begun. */
export async function candidatesOf(program: Command, words: readonly string[]): Promise<Candidate[]> {
  const typed = words.at(-1) ?? '';
  const { command, awaiting, argument, given } = walk(program, words.slice(0, -1));
  const [, flag, begun] = /^(--[\w-]+)=(.*)$/.exec(typed) ?? [];
  const assigned = flag === undefined ? undefined : optionNamed(command, flag);
  if (assigned !== undefined) {
    const values = await valuesOf(placeholderOf(assigned), assigned.argChoices, given);
    return startingWith(begun!, values).map((each) => ({ ...each, name: `${flag}=${each.name}` }));
  }
  if (awaiting !== undefined) {
    return startingWith(typed, await valuesOf(placeholderOf(awaiting), awaiting.argChoices, given));
  }
  if (typed.startsWith('-')) return startingWith(typed, optionsOf(command));
  const verbs = argument === 0 ? command.commands.filter((each) => !isHidden(each)) : [];
  const ofCommand = verbs.map((each) => ({ name: each.name(), description: each.description() }));
  const expected = command.registeredArguments[argument] ?? lastIfVariadic(command);
  const values = expected === undefined ? [] : await valuesOf(expected.name(), expected.argChoices, given);
  return startingWith(typed, [...ofCommand, ...values]);
}

/** Topics of services are for who begins to type their names. */
function startingWith(typed: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ name }) => name.startsWith(typed) && (typed !== '' || !isInternal(name)));
}

interface Place {
  readonly command: Command;
  /** An option that stands at the end without its value. */
  readonly awaiting: Option | undefined;
  /** Which argument of the command comes next. */
  readonly argument: number;
  /** What options were given, by their long flags. */
  readonly given: ReadonlyMap<string, string>;
}

/** Where in the tree of commands somebody is who has typed these words. */
function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let argument = 0;
  let awaiting: Option | undefined;
  const given = new Map<string, string>();
  for (const word of words) {
    if (awaiting !== undefined) {
      given.set(awaiting.long ?? '', word);
      awaiting = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const [, flag = word, value] = /^(--[\w-]+)=(.*)$/.exec(word) ?? [];
      const option = optionNamed(command, flag);
      if (value !== undefined) given.set(flag, value);
      else if (option?.required === true) awaiting = option;
      continue;
    }
    const below = argument === 0 ? command.commands.find((each) => each.name() === word) : undefined;
    if (below === undefined) argument++;
    else command = below;
  }
  return { command, awaiting, argument, given };
}

function optionNamed(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => long === flag || short === flag);
}

/** With the help that all commands have. */
function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }) => [long, short].flatMap((name) => (name ? [{ name, description }] : [])));
}

function isHidden(command: Command): boolean {
  return command.name().startsWith('__');
}

function lastIfVariadic(command: Command): Command['registeredArguments'][number] | undefined {
  const last = command.registeredArguments.at(-1);
  return last?.variadic === true ? last : undefined;
}

/** `--group <group>`: group. */
function placeholderOf({ flags }: Option): string {
  return /[<[]([^\]>]+)/.exec(flags)?.[1] ?? '';
}

/** What may stand where this is expected: what is listed, or names that a service knows. */
export async function valuesOf(
  expected: string,
  choices: readonly string[] | undefined,
  given: ReadonlyMap<string, string>,
): Promise<Candidate[]> {
  if (choices !== undefined) return choices.map((name) => ({ name, description: '' }));
  const kind = Object.keys(NAMES).find((name) => expected === name || expected.startsWith(`${name}[`));
  if (kind === undefined) return [];
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), PATIENCE_MS);
  });
  try {
    const names = await Promise.race([NAMES[kind]!(given), tooLate]);
    return names.sort().map((name) => ({ name, description: '' }));
  } catch {
    // Nothing answers: then there is nothing to offer, and no place to complain.
    return [];
  } finally {
    clearTimeout(timer);
  }
}

const NAMES: Readonly<Record<string, (given: ReadonlyMap<string, string>) => Promise<string[]>>> = {
  async topic(given) {
    const client = clientOf(given);
    try {
      return await client.admin().listTopics();
    } finally {
      await client.close();
    }
  },
  async group(given) {
    const client = clientOf(given);
    try {
      return (await client.admin().listGroups()).map(({ groupId }) => groupId);
    } finally {
      await client.close();
    }
  },
  async subject(given) {
    const url = given.get('--registry') ?? process.env['SCHEMA_REGISTRY_URL'] ?? 'http://127.0.0.1:8081';
    const user = given.get('--user');
    const registry = new RegistryClient(new HttpConnection(addressOf(url, user === undefined ? {} : { user })));
    return [...new Set((await registry.schemas(undefined, false)).map(({ subject }) => subject))];
  },
};

function clientOf(given: ReadonlyMap<string, string>): Client {
  const clientConfig = given.get('--client-config') ?? process.env['MILLRACE_CLIENT_CONFIG'];
  return clusterClient({
    bootstrapServer: given.get('--bootstrap-server') ?? process.env['MILLRACE_BOOTSTRAP_SERVER'] ?? 'localhost:9092',
    ...(clientConfig === undefined ? {} : { clientConfig }),
  });
}

// ── The scripts ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Bash takes words apart at colons, so it hands over the line; where nothing is offered, files are. */
const BASH = `# Completion of millrace in bash:  eval "$(millrace completion bash)"  in ~/.bashrc
_millrace() {
  local name description
  COMPREPLY=()
  while IFS=$'\\t' read -r name description; do
    COMPREPLY+=("$name")
  done < <("$1" __complete --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o default -F _millrace millrace
`;

const ZSH = `#compdef millrace
# Completion of millrace in zsh:  eval "$(millrace completion zsh)"  in ~/.zshrc, behind compinit
_millrace() {
  local -a candidates
  local name description
  while IFS=$'\\t' read -r name description; do
    candidates+=("\${name//:/\\\\:}:\${description}")
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then _describe millrace candidates; else _files; fi
}
compdef _millrace millrace
`;

const FISH = `# Completion of millrace in fish:  millrace completion fish > ~/.config/fish/completions/millrace.fish
function __millrace_candidates
  set -l words (commandline -opc)
  set -l found ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c millrace -f -a '(__millrace_candidates)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
