// Settings as declared tables: one entry says name, type, default, limits and documentation; reading, refusing and the
// reference pages derive from it. Names are those of the systems whose users come to us.
import { MillraceError } from './errors.ts';
import { nearestName } from './nearest-name.ts';

export type SettingKind = 'boolean' | 'int' | 'long' | 'double' | 'string' | 'list';
export type SettingValue = string | number | boolean;

export interface Setting<T> {
  readonly kind: SettingKind;
  readonly default: T;
  readonly doc: string;
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly string[];
  /** A number between the limits that it can't be. */
  readonly not?: number;
  /** A password, a key, a token: its value is shown to nobody. */
  readonly isSecret?: boolean;
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>;
export type ValuesOf<T extends SettingTable> = { readonly [K in keyof T]: T[K]['default'] };
/** What was given, by name: from a file, the environment, or in code. */
export type GivenSettings = Readonly<Record<string, SettingValue>>;

const INT_MAX = 0x7fffffff;

export function intSetting(value: number, doc: string, min = -INT_MAX, max = INT_MAX): Setting<number> {
  return { kind: 'int', default: value, doc, min, max };
}
export function longSetting(value: number, doc: string, min = Number.MIN_SAFE_INTEGER): Setting<number> {
  return { kind: 'long', default: value, doc, min };
}
export function doubleSetting(value: number, doc: string, min: number, max: number): Setting<number> {
  return { kind: 'double', default: value, doc, min, max };
}
export function booleanSetting(value: boolean, doc: string): Setting<boolean> {
  return { kind: 'boolean', default: value, doc };
}
export function stringSetting(value: string, doc: string, oneOf?: readonly string[]): Setting<string> {
  return oneOf === undefined ? { kind: 'string', default: value, doc } : { kind: 'string', default: value, doc, oneOf };
}
export function secretSetting(doc: string): Setting<string> {
  return { kind: 'string', default: '', doc, isSecret: true };
}
export function listSetting(value: string, doc: string, oneOf: readonly string[]): Setting<string> {
  return { kind: 'list', default: value, doc, oneOf };
}

/** All settings of a table from the ones that were given. An unknown name or a bad value is refused, with a suggestion. */
export function readSettings<T extends SettingTable>(table: T, given: GivenSettings, what = 'setting'): ValuesOf<T> {
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) values[name] = setting.default;
  for (const [name, value] of Object.entries(given)) {
    values[name] = parseSetting(name, settingNamed(table, name, what), String(value));
  }
  return values as ValuesOf<T>;
}

/** The declaration of a name, or a refusal that suggests the name that was probably meant. */
export function settingNamed(table: SettingTable, name: string, what = 'setting'): Setting<unknown> {
  const setting = Object.hasOwn(table, name) ? table[name] : undefined;
  if (setting !== undefined) return setting;
  const near = nearestName(name, Object.keys(table));
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  throw new MillraceError('INVALID_CONFIG', `Unknown ${what} "${name}".${hint}`);
}

/** The value that a text stands for; refused when it is of another type or outside of the limits. */
export function parseSetting(name: string, setting: Setting<unknown>, given: string): SettingValue {
  const value = given.trim();
  switch (setting.kind) {
    case 'boolean':
      if (value !== 'true' && value !== 'false') throw badValue(name, given, 'true or false');
      return value === 'true';
    case 'int':
    case 'long':
    case 'double': {
      const number = setting.kind === 'double' ? Number(value) : wholeNumber(value);
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = setting;
      if (value === '' || Number.isNaN(number)) throw badValue(name, given, 'a number');
      if (number < min) throw badValue(name, given, `at least ${min}`);
      if (number > max) throw badValue(name, given, `at most ${max}`);
      if (number === setting.not) throw badValue(name, given, `another number than ${number}`);
      return number;
    }
    case 'list': {
      const items = value === '' ? [] : value.split(',').map((item) => item.trim());
      const { oneOf } = setting;
      if (oneOf !== undefined && !items.every((item) => oneOf.includes(item))) {
        throw badValue(name, given, `a list of ${oneOf.join(', ')}`);
      }
      return items.join(',');
    }
    case 'string':
      if (setting.oneOf !== undefined && !setting.oneOf.includes(value)) {
        throw badValue(name, given, `one of ${setting.oneOf.join(', ')}`);
      }
      return value;
  }
}

/** A long beyond 2^53, such as Java's largest, counts as the largest number we can count to. */
function wholeNumber(value: string): number {
  return /^-?\d+$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : Number.NaN;
}

function badValue(name: string, given: string, wanted: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `Invalid value "${given}" for "${name}": it must be ${wanted}.`);
}
