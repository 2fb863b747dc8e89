/**
 * `-f`: how records are written, in kcat's words, with rpk's modifiers.
 *
 *   %s %v  value         %S  its length        %R  its length as int32, big-endian
 *   %k     key           %K  its length        %T %d  timestamp, ms
 *   %h     headers, name=value with commas     %t  topic    %p  partition    %o  offset    %%  a percent sign
 *   %s{hex} %s{base64} %s{json} (also of %k and %v): bytes in that form, or as a JSON value
 *   \n \r \t \\ \xHH
 *
 * Keys and values are written as their bytes, unless a format or a schema says what they mean: then as that.
 */
import type { ConsumerRecord } from '../../client/index.ts';
import { printJson } from '../../util/index.ts';
import { type Decoded, textOf } from './decoding.ts';
import { usage } from './options.ts';

export interface ShownRecord {
  readonly record: ConsumerRecord;
  readonly key: Decoded;
  readonly value: Decoded;
}

type Part = (shown: ShownRecord) => Uint8Array | string;

/** `nullText`: what stands for a null key or value (kcat's -Z: NULL). Throws INVALID_OPTION. */
export function parseFormat(text: string, nullText: string): (shown: ShownRecord) => Buffer {
  const parts: Part[] = [];
  const pattern = /%(?<letter>.)(?:\{(?<modifier>\w+)\})?|\\x(?<hex>[0-9a-fA-F]{2})|\\(?<escape>[nrt\\0])|[^%\\]+|./gsu;
  for (const match of text.matchAll(pattern)) {
    const { letter, modifier, hex, escape } = match.groups!;
    if (letter !== undefined) parts.push(partOf(letter, modifier, nullText));
    else if (hex !== undefined) parts.push(constant(Buffer.from(hex, 'hex')));
    else if (escape !== undefined) parts.push(constant(ESCAPES[escape]!));
    else if (match[0] === '%' || match[0] === '\\') throw usage(`--format: a single ${match[0]} stands at the end.`);
    else parts.push(constant(match[0]));
  }
  return (shown) => Buffer.concat(parts.map((part) => bytesOf(part(shown))));
}

function bytesOf(piece: Uint8Array | string): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece) : piece;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', 0: '\0' };

const constant =
  (piece: Uint8Array | string): Part =>
  () =>
    piece;

function partOf(letter: string, modifier: string | undefined, nullText: string): Part {
  const ofContent = CONTENT[letter];
  if (ofContent !== undefined) return contentPart(ofContent, modifier, nullText);
  if (modifier !== undefined) {
    throw usage(`--format: %${letter} has no form {${modifier}}: only %k, %s and %v have one.`);
  }
  const part = PARTS[letter];
  if (part !== undefined) return part;
  throw usage(`--format: there is no %${letter}: use %s %S %R %k %K %T %h %t %p %o, and %% for a percent sign.`);
}

const CONTENT: Readonly<Record<string, (shown: ShownRecord) => Decoded>> = {
  s: ({ value }) => value,
  v: ({ value }) => value,
  k: ({ key }) => key,
};

const PARTS: Readonly<Record<string, Part>> = {
  S: ({ value }) => String(value.bytes?.length ?? -1),
  K: ({ key }) => String(key.bytes?.length ?? -1),
  R: ({ value }) => int32(value.bytes?.length ?? -1),
  T: ({ record }) => String(record.timestamp),
  d: ({ record }) => String(record.timestamp),
  h: ({ record }) =>
    record.headers.map(({ key, value }) => `${key}=${value === null ? 'NULL' : Buffer.from(value)}`).join(','),
  t: ({ record }) => record.topic,
  p: ({ record }) => String(record.partition),
  o: ({ record }) => String(record.offset),
  '%': () => '%',
};

function contentPart(of: (shown: ShownRecord) => Decoded, modifier: string | undefined, nullText: string): Part {
  if (modifier === undefined) {
    return (shown) => {
      const { value, bytes, isTranslated } = of(shown);
      if (bytes === null) return nullText;
      return isTranslated ? textOf(value) : bytes;
    };
  }
  if (modifier === 'json') return (shown) => printJson(of(shown).value)!;
  if (modifier === 'hex' || modifier === 'base64') return (shown) => of(shown).bytes?.toString(modifier) ?? nullText;
  throw usage(`--format: there is no form {${modifier}}: use {hex}, {base64} or {json}.`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
