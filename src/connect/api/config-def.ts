// Settings of connectors, converters and transformations: declared once, as Kafka's ConfigDef declares them. From the
// declaration derive the parsed values and their type, what PUT …/config/validate answers, and the forms of consoles.
import { ConfigError } from '../data/errors.ts';

/** Settings as they are given: texts by name. */
export type RawConfig = Readonly<Record<string, string>>;

/** The types of Kafka's ConfigDef, in its words. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD';

/** A secret: printed, logged and put into JSON as `[hidden]`. */
export class Password {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The secret itself. */
  reveal(): string {
    return this.#value;
  }
  /** What may be seen of it. */
  toString(): string {
    return '[hidden]';
  }
  /** What may be seen of it. */
  toJSON(): string {
    return '[hidden]';
  }
}

/** What the parsed value of each type is. */
interface ParsedTypes {
  BOOLEAN: boolean;
  STRING: string;
  INT: number;
  SHORT: number;
  LONG: number;
  DOUBLE: number;
  LIST: readonly string[];
  CLASS: string;
  PASSWORD: Password;
}

/** A declared setting. Without a `default` it is required; with `null` it may be left out. */
export type ConfigKey = { [T in ConfigType]: ConfigKeyOf<T> }[ConfigType];

/** A declared setting of one type. */
export interface ConfigKeyOf<T extends ConfigType> {
  /** One of Kafka's types. */
  readonly type: T;
  /** In the form in which it would be given (`'a,b'` for a list). */
  readonly default?: string | number | boolean | null;
  /** How much it matters, for forms. */
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  /** What it does, in a sentence or two. */
  readonly doc: string;
  /** Says what is wrong with a value (completes "Invalid value … for configuration …: "), or undefined. */
  readonly validator?: (value: ParsedTypes[T] | null) => string | undefined;
  /** The values to choose from, for forms; other values are not refused by this. */
  readonly recommended?: readonly string[];
  /** Under which heading forms have it. */
  readonly group?: string;
  /** How much room forms give it. */
  readonly width?: 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';
  /** What forms call it. */
  readonly displayName?: string;
  /** Settings that mean something only with this one. */
  readonly dependents?: readonly string[];
  /** Between a connector and its tasks: not shown, not asked for. */
  readonly internal?: boolean;
}

/** Declared settings, by name. */
export type ConfigDef = Readonly<Record<string, ConfigKey>>;

/** The parsed settings of a declaration. */
export type ConfigOf<D extends ConfigDef> = {
  readonly [K in keyof D]: ParsedTypes[D[K]['type']] | (D[K] extends { default: null } ? null : never);
};

/** Declares settings: what it is given, with its types kept. */
export function defineConfig<const D extends ConfigDef>(definition: D): D {
  return definition;
}

/** What is wrong with a setting. */
export interface ConfigProblem {
  /** The setting's name. */
  readonly name: string;
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** A setting, its parsed value and what is wrong with it. */
export interface CheckedSetting {
  /** Its name. */
  readonly name: string;
  /** Its declaration. */
  readonly key: ConfigKey;
  /** Null where it was left out, or cannot be read; what a validator refuses is here. */
  readonly value: unknown;
  /** In Kafka's words; empty: none. */
  readonly problems: readonly string[];
}

/** Reads all settings of a declaration, and says what is wrong with each, in Kafka's words. Unknown names are not looked at. */
export function checkConfig(definition: ConfigDef, given: RawConfig): CheckedSetting[] {
  return Object.entries(definition).map(([name, key]) => {
    const text = Object.hasOwn(given, name) ? given[name] : undefined;
    if (text === undefined && key.default === undefined)
      return wrong(name, key, `Missing required configuration "${name}" which has no default value.`);
    const source = text ?? (key.default === null || key.default === undefined ? null : String(key.default));
    try {
      const value = source === null ? null : parseValue(name, key.type, source);
      const problem = key.validator?.(value as never);
      if (problem !== undefined)
        return { ...wrong(name, key, `Invalid value ${shown(value)} for configuration ${name}: ${problem}`), value };
      return { name, key, value, problems: [] };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return wrong(name, key, error.message);
    }
  });
}

/** All settings of a declaration. Throws `ConfigError` with everything that is wrong. */
export function parseConfig<D extends ConfigDef>(definition: D, given: RawConfig): ConfigOf<D> {
  const checked = checkConfig(definition, given);
  const problems = checked.flatMap((setting) => setting.problems);
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return Object.fromEntries(checked.map(({ name, value }) => [name, value])) as ConfigOf<D>;
}

/** A declaration, named as it would be below a prefix (`transforms.mask.fields`). */
export function withPrefix(prefix: string, given: RawConfig): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

function wrong(name: string, key: ConfigKey, problem: string): CheckedSetting {
  return { name, key, value: null, problems: [problem] };
}

/** A value as Java prints it. */
function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  SHORT: [-0x8000n, 0x7fffn],
  INT: [-0x80000000n, 0x7fffffffn],
  LONG: [BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER)],
};

function parseValue(name: string, type: ConfigType, given: string): unknown {
  const text = given.trim();
  switch (type) {
    case 'BOOLEAN': {
      const lower = text.toLowerCase();
      if (lower !== 'true' && lower !== 'false') throw bad(name, given, 'Expected value to be either true or false');
      return lower === 'true';
    }
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const [min, max] = INTEGERS[type]!;
      if (!/^[+-]?\d+$/.test(text) || BigInt(text) < min || BigInt(text) > max)
        throw bad(name, given, `Not a number of type ${type}`);
      return Number(text);
    }
    case 'DOUBLE': {
      if (text === '' || Number.isNaN(Number(text))) throw bad(name, given, 'Not a number of type DOUBLE');
      return Number(text);
    }
    case 'LIST':
      return text === '' ? [] : text.split(',').map((element) => element.trim());
    case 'PASSWORD':
      return new Password(given);
    case 'CLASS':
    case 'STRING':
      return text;
  }
}

function bad(name: string, value: string, problem: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${problem}`);
}

// ── Validators ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Numbers from `min` on. */
export function atLeast(min: number): (value: number | null) => string | undefined {
  return (value) => (value === null || value >= min ? undefined : `Value must be at least ${min}`);
}

/** Numbers from `min` to `max`. */
export function between(min: number, max: number): (value: number | null) => string | undefined {
  return (value) =>
    value === null || (value >= min && value <= max) ? undefined : `Value must be between ${min} and ${max}`;
}

/** One of some texts. */
export function oneOfTexts(...texts: readonly string[]): (value: string | null) => string | undefined {
  return (value) =>
    value === null || texts.includes(value) ? undefined : `String must be one of: ${texts.join(', ')}`;
}

/** A text that is not empty. */
export function nonEmpty(value: string | null): string | undefined {
  return value === '' ? 'String must be non-empty' : undefined;
}

/** A list with an element. */
export function nonEmptyList(value: readonly string[] | null): string | undefined {
  return value !== null && value.length === 0 ? 'Empty list' : undefined;
}
