import { utc } from './temporal.ts';
import { zoneAbbreviation, zoneOffsetAt } from './zones.ts';

/**
 * Date and time patterns in the language of Java's DateTimeFormatter: text to the parts of a date and back. Times are UTC
 * milliseconds; a zone in the text or as an argument says where the parts are read or shown.
 */
export interface DateTimePattern {
  readonly hasDate: boolean;
  readonly hasTime: boolean;
  format(epochMs: number, zone: string): string;
  parseTimestamp(text: string, zone: string): number;
  /** Epoch days. `prefix`: what follows the date in the text is ignored. */
  parseDate(text: string, prefix?: boolean): number;
  /** Milliseconds of the day. */
  parseTime(text: string): number;
}

interface FieldPart {
  readonly kind: 'field';
  readonly letter: string;
  readonly count: number;
  readonly adjacent: boolean;
}

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | FieldPart
  | { readonly kind: 'optional'; readonly parts: readonly Part[] };

const cache = new Map<string, DateTimePattern>();

export function dateTimePattern(pattern: string): DateTimePattern {
  let known = cache.get(pattern);
  if (known === undefined) {
    known = compile(pattern);
    if (cache.size > 1000) cache.clear();
    cache.set(pattern, known);
  }
  return known;
}

const DATE_LETTERS = 'GuyDMLdQqYwWEecF';
const TIME_LETTERS = 'ahKkHmsSAnN';
const ZONE_LETTERS = 'VzOXxZ';

function compile(pattern: string): DateTimePattern {
  const { parts } = parsePattern(pattern, 0, false);
  const letters = lettersOf(parts);
  return {
    hasDate: letters.some((letter) => DATE_LETTERS.includes(letter)),
    hasTime: letters.some((letter) => TIME_LETTERS.includes(letter)),
    format(epochMs, zone) {
      const offset = zoneOffsetAt(zone, epochMs);
      return formatParts(parts, new Date(epochMs + offset), offset, zone);
    },
    parseTimestamp(text, zone) {
      const fields = parseAll(parts, text, pattern);
      const local = daysOf(fields, text) * 86_400_000 + timeOf(fields);
      return local - offsetOf(fields, zone, local);
    },
    parseDate: (text, prefix) => daysOf(parseAll(parts, text, pattern, prefix), text),
    parseTime: (text) => timeOf(parseAll(parts, text, pattern)),
  };
}

function lettersOf(parts: readonly Part[]): string[] {
  return parts.flatMap((part) =>
    part.kind === 'field' ? [part.letter] : part.kind === 'optional' ? lettersOf(part.parts) : [],
  );
}

function parsePattern(pattern: string, from: number, nested: boolean): { parts: Part[]; end: number } {
  const parts: Part[] = [];
  let at = from;
  while (at < pattern.length) {
    const char = pattern[at]!;
    if (char === ']' && nested) return { parts, end: at + 1 };
    if (char === '[') {
      const inner = parsePattern(pattern, at + 1, true);
      parts.push({ kind: 'optional', parts: inner.parts });
      at = inner.end;
    } else if (char === "'") {
      let text = '';
      if (pattern[at + 1] === "'") {
        text = "'";
        at += 2;
      } else {
        for (at++; ; at++) {
          if (at >= pattern.length) throw new RangeError(`Pattern ends with an incomplete string literal: ${pattern}`);
          if (pattern[at] !== "'") text += pattern[at];
          else if (pattern[at + 1] === "'") {
            text += "'";
            at++;
          } else break;
        }
        at++;
      }
      parts.push({ kind: 'literal', text });
    } else if (/[A-Za-z]/.test(char)) {
      if (!(DATE_LETTERS + TIME_LETTERS + ZONE_LETTERS).includes(char))
        throw new RangeError(`Unknown pattern letter: ${char}`);
      let end = at;
      while (pattern[end] === char) end++;
      const next = pattern[end];
      const adjacent = next !== undefined && /[A-Za-z]/.test(next);
      parts.push({ kind: 'field', letter: char, count: end - at, adjacent });
      at = end;
    } else {
      parts.push({ kind: 'literal', text: char });
      at++;
    }
  }
  return { parts, end: at };
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

// --- parts to text -----------------------------------------------------------------------------------------------------

function formatParts(parts: readonly Part[], local: Date, offset: number, zone: string): string {
  return parts
    .map((part) => {
      if (part.kind === 'literal') return part.text;
      return part.kind === 'optional'
        ? formatParts(part.parts, local, offset, zone)
        : formatField(part.letter, part.count, local, offset, zone);
    })
    .join('');
}

function formatField(letter: string, count: number, local: Date, offset: number, zone: string): string {
  const number = (value: number): string => String(value).padStart(count, '0');
  const year = local.getUTCFullYear();
  const hour = local.getUTCHours();
  switch (letter) {
    case 'y':
    case 'u':
    case 'Y':
      return count === 2 ? String(year % 100).padStart(2, '0') : number(year);
    case 'M':
    case 'L': {
      const name = MONTHS[local.getUTCMonth()]!;
      return count >= 3 ? named(name, count) : number(local.getUTCMonth() + 1);
    }
    case 'd':
      return number(local.getUTCDate());
    case 'D':
      return number(Math.floor((local.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1);
    case 'E':
    case 'e':
    case 'c': {
      const name = DAYS[local.getUTCDay()]!;
      return named(name, count);
    }
    case 'Q':
    case 'q': {
      const quarter = Math.floor(local.getUTCMonth() / 3) + 1;
      if (count === 3) return `Q${quarter}`;
      return count === 4 ? `${['1st', '2nd', '3rd', '4th'][quarter - 1]} quarter` : number(quarter);
    }
    case 'G':
      if (count === 4) return year > 0 ? 'Anno Domini' : 'Before Christ';
      return count === 5 ? (year > 0 ? 'A' : 'B') : year > 0 ? 'AD' : 'BC';
    case 'a':
      return hour < 12 ? 'AM' : 'PM';
    case 'H':
      return number(hour);
    case 'k':
      return number(hour === 0 ? 24 : hour);
    case 'K':
      return number(hour % 12);
    case 'h':
      return number(hour % 12 === 0 ? 12 : hour % 12);
    case 'm':
      return number(local.getUTCMinutes());
    case 's':
      return number(local.getUTCSeconds());
    case 'S':
      return String(local.getUTCMilliseconds()).padStart(3, '0').padEnd(count, '0').slice(0, count);
    case 'n':
      return number(local.getUTCMilliseconds() * 1_000_000);
    case 'A':
      return number(msOfDay(local));
    case 'N':
      return number(msOfDay(local) * 1_000_000);
    case 'X':
    case 'x':
    case 'Z':
    case 'O':
      return offsetText(letter, count, offset);
    case 'z':
      return zoneAbbreviation(zone, local.getTime() - offset);
    case 'V':
      return zone;
    default:
      // Weeks: what they are depends on a locale, and nobody says which.
      throw new RangeError(`The pattern letter ${letter} is for reading only`);
  }
}

/** A name at the length that a pattern asks for: full, one letter, or short. */
function named(name: string, count: number): string {
  return count === 4 ? name : count === 5 ? name[0]! : name.slice(0, 3);
}

function msOfDay(local: Date): number {
  return local.getTime() - Math.floor(local.getTime() / 86_400_000) * 86_400_000;
}

function offsetText(letter: string, count: number, offset: number): string {
  if (letter === 'X' && offset === 0) return 'Z';
  const size = Math.abs(offset) / 60_000;
  const sign = offset < 0 ? '-' : '+';
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  const minutes = String(size % 60).padStart(2, '0');
  if (letter === 'Z')
    return count === 5 ? (offset === 0 ? 'Z' : `${sign}${hours}:${minutes}`) : `${sign}${hours}${minutes}`;
  if (letter === 'O')
    return offset === 0 ? 'GMT' : `GMT${sign}${Number(hours)}${minutes === '00' ? '' : `:${minutes}`}`;
  if (count === 1) return `${sign}${hours}${minutes === '00' ? '' : minutes}`;
  return count === 2 || count === 4 ? `${sign}${hours}${minutes}` : `${sign}${hours}:${minutes}`;
}

// --- text to parts -----------------------------------------------------------------------------------------------------

interface Fields {
  year?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  hour?: number;
  half?: number;
  pm?: boolean;
  minute?: number;
  second?: number;
  ms?: number;
  msOfDay?: number;
  offset?: number;
  zone?: string;
}

function parseAll(parts: readonly Part[], text: string, pattern: string, prefix = false): Fields {
  const fields: Fields = {};
  const end = parseParts(parts, text, 0, fields);
  if (end < 0 || (end < text.length && !prefix)) {
    throw new RangeError(
      `Text '${text}' could not be parsed with the pattern '${pattern}' at index ${end < 0 ? 0 : end}`,
    );
  }
  return fields;
}

/** The position behind what the parts took, or -1. */
function parseParts(parts: readonly Part[], text: string, from: number, fields: Fields): number {
  let at = from;
  for (const part of parts) {
    if (part.kind === 'optional') {
      const trial = { ...fields };
      const end = parseParts(part.parts, text, at, trial);
      if (end >= 0) {
        Object.assign(fields, trial);
        at = end;
      }
    } else if (part.kind === 'literal') {
      if (text.slice(at, at + part.text.length).toLowerCase() !== part.text.toLowerCase()) return -1;
      at += part.text.length;
    } else {
      at = parseField(part, text, at, fields);
    }
    if (at < 0) return -1;
  }
  return at;
}

function parseField({ letter, count, adjacent }: FieldPart, text: string, at: number, fields: Fields): number {
  const rest = text.slice(at);
  const behind = (length: number): number => (length < 0 ? -1 : at + length);
  const digits = (max: number, set: (value: number) => void): number =>
    behind(parseDigits(rest, count, adjacent ? count : max, set));
  const image = (pattern: RegExp, set: (image: string) => void): number => behind(parseImage(rest, pattern, set));
  switch (letter) {
    case 'y':
    case 'u':
    case 'Y':
      if (count === 2) return image(/^\d{2}/, (year) => (fields.year = 2000 + Number(year)));
      return digits(count === 1 ? 9 : Math.max(count, 4), (value) => (fields.year = value));
    case 'M':
    case 'L':
      if (count >= 3) return behind(parseWord(rest, MONTHS, (index) => (fields.month = index + 1)));
      return digits(2, (value) => (fields.month = value));
    case 'd':
      return digits(2, (value) => (fields.day = value));
    case 'D':
      return digits(3, (value) => (fields.dayOfYear = value));
    case 'E':
    case 'e':
    case 'c':
      return behind(parseWord(rest, DAYS, () => undefined));
    case 'a':
      return image(/^[ap]m/i, (half) => (fields.pm = half.toLowerCase() === 'pm'));
    case 'H':
      return digits(2, (value) => (fields.hour = value));
    case 'k':
      return digits(2, (value) => (fields.hour = within(value, 1, 24) % 24));
    case 'h':
      return digits(2, (value) => (fields.half = within(value, 1, 12) % 12));
    case 'K':
      return digits(2, (value) => (fields.half = within(value, 0, 11)));
    case 'm':
      return digits(2, (value) => (fields.minute = value));
    case 's':
      return digits(2, (value) => (fields.second = value));
    case 'S':
      return image(new RegExp(`^\\d{${count}}`), (ms) => (fields.ms = Number(ms.padEnd(3, '0').slice(0, 3))));
    case 'n':
      return digits(9, (value) => (fields.ms = Math.floor(value / 1_000_000)));
    case 'A':
      return digits(8, (value) => (fields.msOfDay = value));
    case 'X':
    case 'x':
    case 'Z':
    case 'O':
      return image(OFFSET, (offset) => (fields.offset = offsetMs(offset.replace('GMT', ''))));
    case 'V':
    case 'z':
      return image(ZONE, (zone) => (fields.zone = zone));
    default:
      return digits(19, () => undefined);
  }
}

const OFFSET = /^(?:GMT)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?(?::?\d{2})?)/;
const ZONE = /^(?:[+-]\d{2}:?\d{2}|[A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*)/;

/** The length of what was taken, or -1. */
function parseDigits(rest: string, min: number, max: number, set: (value: number) => void): number {
  return parseImage(rest, new RegExp(`^\\d{${Math.min(min, max)},${max}}`), (image) => set(Number(image)));
}

function parseImage(rest: string, pattern: RegExp, set: (image: string) => void): number {
  const image = pattern.exec(rest)?.[0];
  if (image === undefined) return -1;
  set(image);
  return image.length;
}

function parseWord(rest: string, names: readonly string[], set: (index: number) => void): number {
  const full = names.findIndex((name) => rest.toLowerCase().startsWith(name.toLowerCase()));
  if (full >= 0) {
    set(full);
    return names[full]!.length;
  }
  const short = names.findIndex((name) => rest.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase());
  if (short < 0) return -1;
  set(short);
  return 3;
}

function within(value: number, low: number, high: number): number {
  if (value < low || value > high) throw new RangeError(`Invalid hour: ${value} (valid values ${low} - ${high})`);
  return value;
}

function offsetMs(text: string): number {
  if (text === 'Z' || text === 'z') return 0;
  const digits = text.slice(1).replaceAll(':', '').padEnd(4, '0');
  const size = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4))) * 60_000;
  return text.startsWith('-') ? -size : size;
}

function daysOf(fields: Fields, text: string): number {
  const year = fields.year ?? 1970;
  if (fields.dayOfYear !== undefined) return utc(year, 1, 1, text) / 86_400_000 + fields.dayOfYear - 1;
  return utc(year, fields.month ?? 1, fields.day ?? 1, text) / 86_400_000;
}

function timeOf(fields: Fields): number {
  if (fields.msOfDay !== undefined) return fields.msOfDay;
  const hour = fields.hour ?? (fields.half ?? 0) + (fields.pm === true ? 12 : 0);
  const minute = fields.minute ?? 0;
  const second = fields.second ?? 0;
  if (hour > 23 || minute > 59 || second > 59) throw new RangeError(`Invalid time: ${hour}:${minute}:${second}`);
  return ((hour * 60 + minute) * 60 + second) * 1000 + (fields.ms ?? 0);
}

function offsetOf(fields: Fields, zone: string, local: number): number {
  if (fields.offset !== undefined) return fields.offset;
  const name = fields.zone ?? zone;
  const guess = zoneOffsetAt(name, local);
  return zoneOffsetAt(name, local - guess);
}
