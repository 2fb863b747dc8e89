// Functions of texts and bytes. Places and lengths count from 1, as SQL does, in UTF-16 units, as Java does.
import { createHash } from 'node:crypto';
import type { SqlValue } from '../values/value.ts';
import { checkLength, nullable, pure, type ScalarFunction, scalar } from './function.ts';

type Text = string | null;

function initcap(text: string): string {
  return text.toLowerCase().replace(/(^|\s)(\S)/g, (_all, gap: string, letter: string) => gap + letter.toUpperCase());
}

/** The position of the nth occurrence, 1-based; a negative start searches backwards from the end. */
function instr(text: string, part: string, position = 1, occurrence = 1): number {
  if (position === 0 || occurrence < 1) return 0;
  let at: number;
  if (position > 0) {
    at = position - 2;
    for (let n = 0; n < occurrence; n++) {
      at = text.indexOf(part, at + 1);
      if (at < 0) return 0;
    }
    return at + 1;
  }
  at = text.length + position + 1;
  for (let n = 0; n < occurrence; n++) {
    if (at <= 0) return 0;
    at = text.lastIndexOf(part, at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
}

function occurrences(text: string, part: string): number {
  if (part === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function pad(text: string, length: number, padding: string, left: boolean): SqlValue {
  if (padding === '' || length < 0) return null;
  if (text.length >= length) return text.slice(0, length);
  checkLength(length);
  const fill = padding.repeat(Math.ceil((length - text.length) / padding.length)).slice(0, length - text.length);
  return left ? fill + text : text + fill;
}

function padBytes(bytes: Buffer, length: number, padding: Buffer, left: boolean): SqlValue {
  if (padding.length === 0 || length < 0) return null;
  if (bytes.length >= length) return bytes.subarray(0, length);
  checkLength(length);
  const fill = Buffer.alloc(length - bytes.length, padding);
  return Buffer.concat(left ? [fill, bytes] : [bytes, fill]);
}

/** Where a part starts and ends: 1-based, 0 counts as 1, negative counts from the end, all clamped. */
function range(length: number, position: number, count: number | undefined): [number, number] {
  const start = position < 0 ? Math.max(0, length + position) : Math.min(length, Math.max(0, position - 1));
  const end = count === undefined ? length : Math.min(length, start + Math.max(0, count));
  return [start, end];
}

interface Masks {
  readonly upper: Text;
  readonly lower: Text;
  readonly digit: Text;
  readonly other: Text;
}

const DEFAULT_MASKS: Masks = { upper: 'X', lower: 'x', digit: 'n', other: '-' };

function mask(text: string, masks: Masks): string {
  let out = '';
  // One mask per UTF-16 unit, so that the length stays and a part may be masked.
  for (const char of text.split('')) {
    const kind = /\p{Lu}/u.test(char)
      ? masks.upper
      : /\p{Ll}/u.test(char)
        ? masks.lower
        : /\p{Nd}/u.test(char)
          ? masks.digit
          : masks.other;
    out += kind === null ? char : (kind[0] ?? char);
  }
  return out;
}

type Cut = (text: string, count: number, masked: (part: string) => string) => string;

/** The four functions that mask a part of a text, with and without their own masks. */
function masking(name: string, description: string, cut: Cut): ScalarFunction {
  const run = (text: Text, count: number | null, masks: Masks): SqlValue => {
    if (text === null || count === null) return null;
    if (count < 0) throw new RangeError(`${name} requires a non-negative number of characters to mask or skip`);
    return cut(text, count, (part) => mask(part, masks));
  };
  return scalar(name, 'STRING', description, [
    nullable('STRING, INT -> STRING', (text: Text, count: number | null) => run(text, count, DEFAULT_MASKS)),
    nullable(
      'STRING, INT, STRING, STRING, STRING, STRING -> STRING',
      // oxlint-disable-next-line max-params -- called per record with the SQL function's arguments
      (text: Text, count: number | null, upper: Text, lower: Text, digit: Text, other: Text) =>
        run(text, count, { upper, lower, digit, other }),
    ),
  ]);
}

function splitToMap(text: Text, entryDelimiter: Text, kvDelimiter: Text): SqlValue {
  if (text === null || entryDelimiter === null || kvDelimiter === null) return null;
  if (entryDelimiter === '' || kvDelimiter === '' || entryDelimiter === kvDelimiter) return null;
  const map = new Map<SqlValue, SqlValue>();
  for (const entry of text.split(entryDelimiter)) {
    // Further parts are left out.
    const [key, value] = entry.split(kvDelimiter);
    if (value !== undefined) map.set(key!, value);
  }
  return map;
}

function splitBytes(bytes: Buffer, delimiter: Buffer): SqlValue {
  if (bytes.length === 0) return [bytes];
  if (delimiter.length === 0) return Array.from(bytes, (byte) => Buffer.from([byte]));
  const parts: Buffer[] = [];
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(delimiter, from);
    if (at < 0) break;
    parts.push(bytes.subarray(from, at));
    from = at + delimiter.length;
  }
  return [...parts, bytes.subarray(from)];
}

function joinText(separator: Text, ...parts: Text[]): SqlValue {
  return separator === null ? null : parts.filter((part) => part !== null).join(separator);
}

function joinBytes(separator: Buffer | null, ...parts: (Buffer | null)[]): SqlValue {
  if (separator === null) return null;
  const present = parts.filter((part) => part !== null);
  return Buffer.concat(present.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

/** Control characters count as white space here. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (end > start && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(start, end);
}

function character(code: number): SqlValue {
  return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : null;
}

function escapedCharacter(text: string): SqlValue {
  if (!/^(\\u[0-9a-fA-F]{4})+$/.test(text)) return null;
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export function uuidOf(bytes: Buffer): SqlValue {
  if (bytes.length !== 16) return null;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const stringFunctions: readonly ScalarFunction[] = [
  scalar('CHR', 'STRING', 'The character with a code point, or of an escape like \\u004a.', [
    pure('INT -> STRING', character),
    pure('STRING -> STRING', escapedCharacter),
  ]),
  scalar('CONCAT', 'STRING', 'The arguments joined; nulls are left out.', [
    nullable('STRING... -> STRING', (...parts: Text[]) => parts.filter((part) => part !== null).join('')),
    nullable('BYTES... -> BYTES', (...parts: (Buffer | null)[]) =>
      Buffer.concat(parts.filter((part) => part !== null)),
    ),
  ]),
  scalar('CONCAT_WS', 'STRING', 'The arguments joined with a separator; nulls are left out.', [
    nullable('STRING, STRING, STRING... -> STRING', joinText),
    nullable('BYTES, BYTES, BYTES... -> BYTES', joinBytes),
  ]),
  scalar('ELT', 'STRING', 'The nth argument.', [
    nullable('INT, STRING... -> STRING', (n: number | null, ...args: Text[]) =>
      n === null ? null : (args[n - 1] ?? null),
    ),
  ]),
  scalar('FIELD', 'STRING', 'The position of a text among the arguments, 0 when it is not there.', [
    nullable('STRING, STRING... -> INT', (text: Text, ...args: Text[]) => (text === null ? 0 : args.indexOf(text) + 1)),
  ]),
  scalar('INITCAP', 'STRING', 'The first letter of every word in upper case, the others in lower case.', [
    pure('STRING -> STRING', initcap),
  ]),
  scalar('INSTR', 'STRING', 'The position of a text within another, 0 when it is not there.', [
    nullable('STRING, STRING -> INT', (text: Text, part: Text) =>
      text === null || part === null ? 0 : instr(text, part),
    ),
    nullable('STRING, STRING, INT -> INT', (text: Text, part: Text, position: number | null) =>
      text === null || part === null ? 0 : instr(text, part, position ?? 1),
    ),
    nullable(
      'STRING, STRING, INT, INT -> INT',
      (text: Text, part: Text, position: number | null, occurrence: number | null) =>
        text === null || part === null ? 0 : instr(text, part, position ?? 1, occurrence ?? 1),
    ),
  ]),
  scalar('LCASE', 'STRING', 'The text in lower case.', [
    pure('STRING -> STRING', (text: string) => text.toLowerCase()),
  ]),
  scalar('UCASE', 'STRING', 'The text in upper case.', [
    pure('STRING -> STRING', (text: string) => text.toUpperCase()),
  ]),
  scalar('LEN', 'STRING', 'The length of a text or of bytes.', [
    pure('STRING -> INT', (text: string) => text.length),
    pure('BYTES -> INT', (bytes: Buffer) => bytes.length),
  ]),
  scalar('LPAD', 'STRING', 'Padded at the left, or cut, to a length.', [
    pure('STRING, INT, STRING -> STRING', (text: string, length: number, padding: string) =>
      pad(text, length, padding, true),
    ),
    pure('BYTES, INT, BYTES -> BYTES', (bytes: Buffer, length: number, padding: Buffer) =>
      padBytes(bytes, length, padding, true),
    ),
  ]),
  scalar('RPAD', 'STRING', 'Padded at the right, or cut, to a length.', [
    pure('STRING, INT, STRING -> STRING', (text: string, length: number, padding: string) =>
      pad(text, length, padding, false),
    ),
    pure('BYTES, INT, BYTES -> BYTES', (bytes: Buffer, length: number, padding: Buffer) =>
      padBytes(bytes, length, padding, false),
    ),
  ]),
  scalar('MASK', 'STRING', 'The text with its letters and digits hidden.', [
    pure('STRING -> STRING', (text: string) => mask(text, DEFAULT_MASKS)),
    nullable(
      'STRING, STRING, STRING, STRING, STRING -> STRING',
      (text: Text, upper: Text, lower: Text, digit: Text, other: Text) =>
        text === null ? null : mask(text, { upper, lower, digit, other }),
    ),
  ]),
  masking(
    'MASK_KEEP_LEFT',
    'Hides all but the first characters.',
    (text, n, hide) => text.slice(0, n) + hide(text.slice(n)),
  ),
  masking('MASK_KEEP_RIGHT', 'Hides all but the last characters.', (text, n, hide) => {
    const at = Math.max(0, text.length - n);
    return hide(text.slice(0, at)) + text.slice(at);
  }),
  masking('MASK_LEFT', 'Hides the first characters.', (text, n, hide) => hide(text.slice(0, n)) + text.slice(n)),
  masking('MASK_RIGHT', 'Hides the last characters.', (text, n, hide) => {
    const at = Math.max(0, text.length - n);
    return text.slice(0, at) + hide(text.slice(at));
  }),
  scalar('MD5', 'STRING', 'The MD5 hash of a text, in hexadecimal.', [
    pure('STRING -> STRING', (text: string) => createHash('md5').update(text).digest('hex')),
  ]),
  scalar('REPLACE', 'STRING', 'The text with all occurrences of another replaced.', [
    pure('STRING, STRING, STRING -> STRING', (text: string, old: string, fresh: string) => {
      checkLength(text.length + occurrences(text, old) * (fresh.length - old.length));
      return text.replaceAll(old, () => fresh);
    }),
  ]),
  scalar('SPLIT', 'STRING', 'The parts of a text between delimiters.', [
    pure('STRING, STRING -> ARRAY<STRING>', (text: string, delimiter: string) =>
      text === '' ? [''] : text.split(delimiter),
    ),
    pure('BYTES, BYTES -> ARRAY<BYTES>', splitBytes),
  ]),
  scalar('SPLIT_TO_MAP', 'STRING', 'The entries of a text as a map.', [
    nullable('STRING, STRING, STRING -> MAP<STRING, STRING>', splitToMap),
  ]),
  scalar('SUBSTRING', 'STRING', 'A part of a text or of bytes.', [
    pure('STRING, INT -> STRING', (text: string, position: number) =>
      text.slice(...range(text.length, position, undefined)),
    ),
    pure('STRING, INT, INT -> STRING', (text: string, position: number, count: number) =>
      text.slice(...range(text.length, position, count)),
    ),
    pure('BYTES, INT -> BYTES', (bytes: Buffer, position: number) =>
      bytes.subarray(...range(bytes.length, position, undefined)),
    ),
    pure('BYTES, INT, INT -> BYTES', (bytes: Buffer, position: number, count: number) =>
      bytes.subarray(...range(bytes.length, position, count)),
    ),
  ]),
  scalar('TRIM', 'STRING', 'The text without white space at its ends.', [pure('STRING -> STRING', trim)]),
];
