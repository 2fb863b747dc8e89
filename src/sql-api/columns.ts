// The columns of a result, and its values as JavaScript has them. Types are read from the header that the service sends
// before the rows, so nothing is guessed from what a value looks like.
import { JsonNumber } from '../util/index.ts';

/**
 * What a column of each type holds in rows that a query gives:
 *
 * | SQL | JavaScript |
 * |---|---|
 * | BOOLEAN | boolean |
 * | INTEGER, DOUBLE | number |
 * | BIGINT | bigint |
 * | DECIMAL | string, with all digits of its scale: `'12.50'` |
 * | STRING | string |
 * | BYTES | Buffer |
 * | TIMESTAMP | Date |
 * | DATE, TIME | string: `'2026-03-01'`, `'12:30:00'` |
 * | ARRAY | array |
 * | MAP, STRUCT | object |
 *
 * Any of them may be null.
 */
export type SqlResultValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Date
  | readonly SqlResultValue[]
  | { readonly [name: string]: SqlResultValue };

/** A column of a result. */
export interface ResultColumn {
  /** As the service spells it. */
  readonly name: string;
  /** As a statement writes it: `DECIMAL(4, 2)`, ``STRUCT<`A` INTEGER>``. */
  readonly type: string;
}

/** Makes a value of what stands in the JSON that was sent. */
type Decoder = (json: unknown) => SqlResultValue;

/** "`A` STRING KEY, `B` STRUCT<`C` INTEGER>" as columns. */
export function parseSchema(schema: string): ResultColumn[] {
  return partsOf(schema).flatMap((part) => {
    const column = /^\s*`((?:[^`]|``)*)`\s+(.*?)(\s+KEY)?\s*$/s.exec(part);
    return column === null ? [] : [{ name: column[1]!.replaceAll('``', '`'), type: column[2]! }];
  });
}

/** Whether values of a type have numbers that a double may not hold. */
export function needsExactNumbers(type: string): boolean {
  return /\b(BIGINT|DECIMAL)\b/.test(type);
}

/** How values of a type are read; a null is one of every type. */
export function decoderOf(type: string): Decoder {
  const decode = valueDecoder(type.trim());
  return (json) => (json === null || json === undefined ? null : decode(json));
}

function valueDecoder(type: string): Decoder {
  const [, word = '', inside = ''] = /^(\w+)\s*(?:[<(](.*)[>)])?$/s.exec(type) ?? [];
  switch (word) {
    case 'BIGINT':
      return (json) => BigInt(json instanceof JsonNumber ? json.text : String(json));
    case 'DECIMAL':
      return (json) => (json instanceof JsonNumber ? json.text : String(json));
    case 'INTEGER':
    case 'DOUBLE':
      // NaN and infinities are sent as texts.
      return (json) => Number(json instanceof JsonNumber ? json.text : json);
    case 'BYTES':
      return (json) => Buffer.from(json as string, 'base64');
    case 'TIMESTAMP':
      return (json) => new Date(`${json as string}Z`);
    case 'ARRAY': {
      const item = decoderOf(inside);
      return (json) => (json as unknown[]).map(item);
    }
    case 'MAP': {
      const value = decoderOf(partsOf(inside)[1] ?? '');
      return (json) => mapped(json, () => value);
    }
    case 'STRUCT': {
      const fields = new Map(parseSchema(inside).map((field) => [field.name, decoderOf(field.type)]));
      return (json) => mapped(json, (name) => fields.get(name) ?? asItIs);
    }
    default:
      return asItIs;
  }
}

const asItIs: Decoder = (json) => json as SqlResultValue;

function mapped(json: unknown, decoderFor: (name: string) => Decoder): SqlResultValue {
  const entries = Object.entries(json as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name, decoderFor(name)(value)]));
}

/** Split at commas that are outside of quotes and brackets. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '`') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '<' || character === '(') depth++;
    else if (character === '>' || character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}
