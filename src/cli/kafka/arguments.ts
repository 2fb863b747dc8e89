/**
 * The words behind the name of one of Kafka's tools, read as Kafka's tools read them (JOpt Simple): `--flag value`,
 * `--flag=value`, any beginning of a flag that only one has, words without a flag. Flags of older versions, as notes and
 * recipes have them, are understood as well; what has no meaning any more is said once and passed over.
 */
import { nearestName } from '../../util/index.ts';

export interface Flag {
  readonly text: string;
  /** What stands behind it, by name; a flag without takes nothing. */
  readonly takes?: string;
  /** The value may be left out: this is it then. */
  readonly otherwise?: string;
  /** More of them may stand behind it, until the next flag. */
  readonly many?: boolean;
  /** Its name today, for one of older versions. */
  readonly now?: string;
  /** Why it is passed over. */
  readonly ignored?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What a user did wrong; `usage` where a list of the flags helps. */
export class UsageError extends Error {
  readonly showsUsage: boolean;

  constructor(message: string, showsUsage = true) {
    super(message);
    this.showsUsage = showsUsage;
  }
}

export class Arguments {
  /** Words without a flag. */
  readonly words: readonly string[];
  /** What is to be said about flags of older versions. */
  readonly notices: readonly string[];
  readonly #values = new Map<string, string[]>();
  readonly #order: (readonly [name: string, value: string])[] = [];

  constructor(flags: Flags, args: readonly string[]) {
    const words: string[] = [];
    const notices: string[] = [];
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      if (arg === '--') {
        words.push(...args.slice(i + 1));
        break;
      }
      if (!arg.startsWith('--')) {
        words.push(arg);
        continue;
      }
      const equals = arg.indexOf('=');
      const given = arg.slice(2, equals < 0 ? undefined : equals);
      const flag = flags[nameOf(flags, given)]!;
      const name = flag.now ?? nameOf(flags, given);
      // Two are meant as one: nothing that is named begins with it.
      let value = equals < 0 ? undefined : arg.slice(equals + 1).replace(/^=/, '');
      if (flag.takes === undefined) {
        if (value !== undefined) throw new UsageError(`Option ${given} does not take a value`);
      } else if (value === undefined && i + 1 < args.length && !isFlag(flags, args[i + 1]!)) {
        value = args[++i]!;
      }
      if (flag.takes !== undefined) value ??= flag.otherwise;
      if (flag.takes !== undefined && value === undefined) throw new UsageError(`Option ${given} requires an argument`);
      const more: string[] = [];
      while (flag.many === true && i + 1 < args.length && !isFlag(flags, args[i + 1]!)) more.push(args[++i]!);
      if (flag.ignored === undefined) {
        this.#values.set(name, [...this.all(name), value ?? '', ...more]);
        this.#order.push([name, value ?? '']);
      } else notices.push(`--${given} is passed over: ${flag.ignored}`);
    }
    this.words = words;
    this.notices = notices;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Some flags with their values, in the order in which they were given. */
  inOrder(...names: readonly string[]): readonly (readonly [name: string, value: string])[] {
    return this.#order.filter(([name]) => names.includes(name));
  }

  /** Refuses a flag that was given more than once. */
  get(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) {
      throw new UsageError(`Found multiple arguments for option ${name}, but you asked for only one`);
    }
    return values[0];
  }

  required(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new UsageError(`Missing required argument "[${name}]"`);
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!/^[+-]?\d{1,15}$/.test(value)) throw new UsageError(`Cannot parse argument '${value}' of option ${name}`);
    return Number(value);
  }

  /** `key=value` of every occurrence, later ones in force; a value may be split by commas where `splits`. */
  pairs(name: string): Map<string, string> {
    return new Map(this.all(name).map((text) => pairOf(text, name)));
  }

  /** Exactly one of several flags. */
  action(names: readonly string[], message: string): string {
    const given = names.filter((name) => this.has(name));
    if (given.length !== 1) throw new UsageError(message);
    return given[0]!;
  }

  /** Refuses flags that have no meaning beside another one. */
  forbids(name: string, others: readonly string[]): void {
    if (!this.has(name)) return;
    for (const other of others) {
      if (this.has(other)) throw new UsageError(`Option "[${name}]" can't be used with option "[${other}]"`);
    }
  }
}

export function pairOf(text: string, what: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new UsageError(`Invalid ${what} "${text}": it is to be key=value`, false);
  return [text.slice(0, equals).trim(), text.slice(equals + 1)];
}

function isFlag(flags: Flags, arg: string): boolean {
  if (!arg.startsWith('--')) return false;
  const name = arg.slice(2).split('=')[0]!;
  return Object.keys(flags).some((flag) => flag.startsWith(name));
}

function nameOf(flags: Flags, given: string): string {
  if (Object.hasOwn(flags, given)) return given;
  const names = Object.keys(flags);
  const begun = given === '' ? [] : names.filter((name) => name.startsWith(given));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1) throw new UsageError(`${given} is ambiguous: ${begun.map((name) => `--${name}`).join(', ')}`);
  const close = nearestName(given, names);
  throw new UsageError(
    `${given} is not a recognized option${close === undefined ? '' : `: did you mean --${close}?`}`,
    close === undefined,
  );
}

/** The flags as a list, for those who asked for help. */
export function usageOf(flags: Flags, width = 80): string {
  const lines = [`${'Option'.padEnd(39)} Description`, `${'------'.padEnd(39)} -----------`];
  const shown = Object.entries(flags).filter(([, { now, ignored }]) => now === undefined && ignored === undefined);
  for (const [name, { takes, text }] of shown.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const left = wrap(`--${name}${takes === undefined ? '' : ` <${takes}>`}`, 38, '  ');
    const right = wrap(text, width - 41, '  ');
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      lines.push(`${(left[i] ?? '').padEnd(39)} ${right[i] ?? ''}`.trimEnd());
    }
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : indent + word);
  }
  return lines;
}
