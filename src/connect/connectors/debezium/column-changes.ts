// Columns that are told otherwise than they are: masked with asterisks, hashed, or cut short.
import { createHash, getHashes } from 'node:crypto';
import type { JavaPattern } from '../../../util/index.ts';
import { ConfigError } from '../../data/errors.ts';
import type { RawConfig } from '../../api/config-def.ts';
import { patternsOf } from './filters.ts';

/** What is done to the texts of a column. */
export interface ColumnChange {
  /** The setting that says so. */
  readonly setting: string;
  /** What the column's schema says of it. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether leaving a column alone, because it is no text, would tell what must not be told. */
  readonly hides: boolean;
  /** `maxLength`: that of the column, where it has one. */
  change(value: string | null, maxLength: number | undefined): string | null;
}

/** Finds what is done to a column (`schema.table.column`); undefined: nothing. */
export type ColumnChanges = (column: string) => ColumnChange | undefined;

const MASKED = { masked: 'true' };
/** The settings, with what in their names is a parameter. */
const KINDS: readonly { readonly name: RegExp; make(setting: string, parameters: readonly string[]): ColumnChange }[] =
  [
    { name: /^column\.truncate\.to\.(\d+)\.chars$/, make: (setting, [length]) => truncation(setting, Number(length)) },
    { name: /^column\.mask\.with\.(\d+)\.chars$/, make: (setting, [length]) => asterisks(setting, Number(length)) },
    {
      name: /^column\.mask\.hash\.v2\.([^.]+)\.with\.salt\.(.+)$/,
      make: (setting, [name, salt]) => hash(setting, name!, salt!, (text) => Buffer.from(text)),
    },
    {
      name: /^column\.mask\.hash\.([^.]+)\.with\.salt\.(.+)$/,
      make: (setting, [name, salt]) => hash(setting, name!, salt!, asJavaObject),
    },
  ];

/** Whether a setting is one of these. */
export function isColumnChange(setting: string): boolean {
  return KINDS.some(({ name }) => name.test(setting));
}

/** Reads them from the settings; the first that matches a column holds. Throws `ConfigError`. */
export function columnChanges(given: RawConfig): ColumnChanges {
  const all: { change: ColumnChange; patterns: JavaPattern[] }[] = [];
  for (const kind of KINDS) {
    for (const [setting, list] of Object.entries(given)) {
      const match = kind.name.exec(setting);
      // A setting belongs to the first kind that it is of: the second of the hashes reads like the first.
      if (match === null || KINDS.find(({ name }) => name.test(setting)) !== kind) continue;
      const patterns = patternsOf(
        setting,
        list.split(',').map((each) => each.trim()),
      );
      all.push({ change: kind.make(setting, match.slice(1)), patterns });
    }
  }
  return (column) => all.find(({ patterns }) => patterns.some((pattern) => pattern.test(column)))?.change;
}

function truncation(setting: string, length: number): ColumnChange {
  const change = (value: string | null): string | null => (value === null ? null : value.slice(0, length));
  return { setting, parameters: { truncateLength: String(length) }, hides: false, change };
}

function asterisks(setting: string, length: number): ColumnChange {
  const mask = '*'.repeat(length);
  return { setting, parameters: MASKED, hides: true, change: () => mask };
}

function hash(setting: string, algorithm: string, salt: string, bytesOf: (text: string) => Buffer): ColumnChange {
  const name = algorithm.toLowerCase().replace(/^sha-/, 'sha');
  if (!getHashes().some((each) => each.toLowerCase() === name))
    throw new ConfigError(`${setting}: ${algorithm} is no hash that is known here; SHA-256 is`);
  const change = (value: string | null, maxLength: number | undefined): string | null => {
    if (value === null) return null;
    return createHash(name).update(salt).update(bytesOf(value)).digest('hex').slice(0, maxLength);
  };
  return { setting, parameters: MASKED, hides: true, change };
}

/** A text as Java writes an object (Java Object Serialization: TC_STRING, TC_LONGSTRING), which the first hash is of. */
function asJavaObject(text: string): Buffer {
  const units = Array.from({ length: text.length }, (_, i) => modifiedUtf8(text.charCodeAt(i))).flat();
  const isLong = units.length > 0xffff;
  const header = Buffer.from([0xac, 0xed, 0, 5, isLong ? 0x7c : 0x74]);
  const length = Buffer.alloc(isLong ? 8 : 2);
  if (isLong) length.writeBigUInt64BE(BigInt(units.length));
  else length.writeUInt16BE(units.length);
  return Buffer.concat([header, length, Buffer.from(units)]);
}

/** A UTF-16 unit in up to three bytes; 0 in two. */
function modifiedUtf8(unit: number): number[] {
  if (unit > 0 && unit < 0x80) return [unit];
  if (unit < 0x800) return [0xc0 | (unit >> 6), 0x80 | (unit & 0x3f)];
  return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
}
