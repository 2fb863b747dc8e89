// The WITH clause: every property it may have, read with its own rules. Those of formats are the formats' own.
import { didYouMean } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import type { Properties } from '../parser/ast.ts';
import { SyntaxError } from '../parser/syntax-error.ts';
import type { TimestampColumn, WindowInfo, WindowType } from '../schema.ts';
import { type FormatName, FORMATS } from './all.ts';
import { integerOf } from './properties.ts';
import { type FormatInfo, formatInfo, formatNamed } from './traits.ts';

const SIDES = ['KEY', 'VALUE'] as const;

const FORMAT_PROPERTIES = new Set(Object.values(FORMATS).flatMap(({ properties }) => properties));

const FORMAT_CLAUSES = [...FORMAT_PROPERTIES].flatMap((property) =>
  SIDES.flatMap((side) => property.clauses(side).map((clause) => ({ clause, property }))),
);

/** What WITH clauses may say, of whatever statement. */
export const WITH_PROPERTIES: ReadonlySet<string> = new Set([
  'KAFKA_TOPIC',
  'PARTITIONS',
  'REPLICAS',
  'RETENTION_MS',
  'CLEANUP_POLICY',
  'FORMAT',
  'KEY_FORMAT',
  'VALUE_FORMAT',
  'WRAP_SINGLE_VALUE',
  'TIMESTAMP',
  'TIMESTAMP_FORMAT',
  ...FORMAT_CLAUSES.map(({ clause }) => clause),
  'WINDOW_TYPE',
  'WINDOW_SIZE',
  'SOURCED_BY_CONNECTOR',
  'QUERY_ID',
  'START',
]);

const ONLY_CREATE = new Set(['WINDOW_TYPE', 'WINDOW_SIZE', 'SOURCED_BY_CONNECTOR', 'START']);

export class WithProperties {
  readonly #properties: Properties;

  constructor(properties: Properties, statement: 'create' | 'createAs' | 'insert') {
    this.#properties = properties;
    const allowed = (name: string): boolean => {
      if (statement === 'insert') return name === 'QUERY_ID';
      if (name === 'QUERY_ID' || name === 'CLEANUP_POLICY') return false;
      return WITH_PROPERTIES.has(name) && (statement === 'create' || !ONLY_CREATE.has(name));
    };
    const unknown = [...properties.keys()].filter((name) => !allowed(name));
    if (unknown.length > 0) {
      const hint = unknown.map((name) => didYouMean(name, [...WITH_PROPERTIES].filter(allowed))).join('');
      throw prepare(`Invalid config variable(s) in the WITH clause: ${unknown.join(',')}`, hint);
    }
    for (const side of ['KEY_FORMAT', 'VALUE_FORMAT']) {
      if (properties.has('FORMAT') && properties.has(side)) {
        throw prepare(
          `Cannot supply both '${side}' and 'FORMAT' properties, as 'FORMAT' sets both key and value formats. Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'.`,
        );
      }
    }
    for (const { clause, property } of FORMAT_CLAUSES) {
      const value = properties.get(clause);
      if (typeof value === 'string') property.checkClause?.(value, clause);
    }
  }

  text(name: string): string | undefined {
    const value = this.#properties.get(name);
    return value === undefined ? undefined : String(value);
  }

  integer(name: string): number | undefined {
    const value = this.#properties.get(name);
    return value === undefined ? undefined : integerOf(String(value), name);
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text !== 'true' && text !== 'false')
      refuse(`Invalid value for ${name} property: ${text}. It must be true or false.`);
    return text === 'true';
  }

  /** The name of a format that the clause gives for a side. */
  format(side: 'KEY' | 'VALUE'): FormatName | undefined {
    const name = this.text(`${side}_FORMAT`) ?? this.text('FORMAT');
    return name === undefined ? undefined : formatNamed(name);
  }

  /** A side's format with its properties. `inherited` are the properties of a source with the same format. */
  formatInfo(side: 'KEY' | 'VALUE', format: FormatName, inherited?: FormatInfo): FormatInfo {
    const properties: Record<string, string> = inherited?.format === format ? { ...inherited.properties } : {};
    for (const { name, clauses, isOfTopic, read } of FORMAT_PROPERTIES) {
      if (isOfTopic) delete properties[name];
      const clause = clauses(side).find((one) => this.#properties.has(one));
      const text = clause === undefined ? undefined : this.text(clause);
      if (clause !== undefined && text !== undefined) properties[name] = read?.(text, clause) ?? text;
    }
    return formatInfo(format, properties);
  }

  get timestamp(): TimestampColumn | undefined {
    const column = this.text('TIMESTAMP');
    if (column === undefined) return undefined;
    const quoted = /^[`"](.*)[`"]$/.exec(column);
    return { column: quoted?.[1] ?? column.toUpperCase(), format: this.text('TIMESTAMP_FORMAT') };
  }

  get window(): WindowInfo | undefined {
    const name = this.text('WINDOW_TYPE')?.toUpperCase();
    const size = this.text('WINDOW_SIZE');
    if (name === undefined) {
      if (size !== undefined) throw prepare("'WINDOW_SIZE' should not be set without 'WINDOW_TYPE'.");
      return undefined;
    }
    if (name !== 'TUMBLING' && name !== 'HOPPING' && name !== 'SESSION')
      throw prepare(`Unknown window type: ${name}. Supported types are: SESSION, HOPPING, TUMBLING.`);
    const type: WindowType = name;
    if (type === 'SESSION') {
      if (size !== undefined) throw prepare("'WINDOW_SIZE' should not be set for SESSION windows.");
      return { type };
    }
    if (size === undefined)
      throw prepare(
        `${type} windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: 'WINDOW_SIZE'='10 SECONDS'`,
      );
    return { type, sizeMs: durationOf('WINDOW_SIZE', size) };
  }
}

/** What is wrong with a clause is found while the statement is read, as a mistake in the text. */
function prepare(message: string, hint = ''): SyntaxError {
  return new SyntaxError(message, { line: 1, column: 1, start: 0, end: 0 }, hint);
}

const UNIT_MS: Record<string, number> = {
  DAYS: 86_400_000,
  HOURS: 3_600_000,
  MINUTES: 60_000,
  SECONDS: 1000,
  MILLISECONDS: 1,
};

/** `<size> <unit>` in milliseconds. */
function durationOf(name: string, text: string): number {
  const parts = text.trim().split(/\s+/);
  const [size = '', word = ''] = parts;
  const units = word.toUpperCase().replace(/S?$/, 'S');
  const unit = UNIT_MS[units];
  const fault =
    parts.length !== 2
      ? `Expected 2 tokens, got: ${parts.length}`
      : !/^\d+$/.test(size)
        ? `Not numeric: '${size}'`
        : `Unknown time unit: '${units}'`;
  if (parts.length !== 2 || !/^\d+$/.test(size) || unit === undefined)
    throw prepare(`Configuration ${name} is invalid: Invalid duration: '${text}'. ${fault}`);
  return Number(size) * unit;
}
