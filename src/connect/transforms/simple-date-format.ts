// Dates and times in the patterns of Java's SimpleDateFormat, in UTC and in English. Reading is lenient as Java's is: fields may
// be out of range and then run over (`02/30` is 2 March), what follows in the text is ignored, years of two digits are those
// around now. Weeks (`w`, `W`, `F`, `Y`), whose numbers depend on the country, are refused.
import { systemEnvironment } from '../../util/index.ts';
import { ConfigError } from '../data/errors.ts';

/** A pattern that writes and reads. */
export interface SimpleDateFormat {
  format(epochMs: number): string;
  /** Milliseconds since the epoch; undefined when the text says something else. */
  parse(text: string): number | undefined;
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
const ERAS = ['BC', 'AD'];
const HALVES = ['AM', 'PM'];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Part =
  | 'era'
  | 'year'
  | 'month'
  | 'day'
  | 'dayOfYear'
  | 'half'
  | 'hour'
  | 'minute'
  | 'second'
  | 'milli'
  | 'zone'
  | 'none';

interface Step {
  /** Undefined: a literal. */
  readonly letter: string | undefined;
  readonly count: number;
  readonly text: string;
}

/** What a letter writes and reads as a number. */
interface NumberField {
  readonly part: Part;
  print(date: Date): number;
  /** What the part becomes. */
  read?(value: number): number;
}

const yearOf = (date: Date): number => (date.getUTCFullYear() > 0 ? date.getUTCFullYear() : 1 - date.getUTCFullYear());
const dayOfYear = (date: Date): number =>
  (Date.UTC(2000, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2000, 0, 1)) / DAY_MS +
  (date.getUTCMonth() > 1 && !isLeap(date.getUTCFullYear()) ? 0 : 1);
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const NUMBERS: Readonly<Record<string, NumberField>> = {
  y: { part: 'year', print: yearOf },
  M: { part: 'month', print: (date) => date.getUTCMonth() + 1, read: (value) => value - 1 },
  d: { part: 'day', print: (date) => date.getUTCDate() },
  D: { part: 'dayOfYear', print: dayOfYear },
  u: { part: 'none', print: (date) => date.getUTCDay() || 7 },
  H: { part: 'hour', print: (date) => date.getUTCHours() },
  k: { part: 'hour', print: (date) => date.getUTCHours() || 24, read: (value) => (value === 24 ? 0 : value) },
  K: { part: 'hour', print: (date) => date.getUTCHours() % 12 },
  h: { part: 'hour', print: (date) => date.getUTCHours() % 12 || 12, read: (value) => (value === 12 ? 0 : value) },
  m: { part: 'minute', print: (date) => date.getUTCMinutes() },
  s: { part: 'second', print: (date) => date.getUTCSeconds() },
  S: { part: 'milli', print: (date) => date.getUTCMilliseconds() },
};
const TEXTS: Readonly<
  Record<string, { readonly part: Part; readonly texts: readonly string[]; of(date: Date): number }>
> = {
  G: { part: 'era', texts: ERAS, of: (date) => (date.getUTCFullYear() > 0 ? 1 : 0) },
  a: { part: 'half', texts: HALVES, of: (date) => (date.getUTCHours() < 12 ? 0 : 1) },
  E: { part: 'none', texts: DAYS, of: (date) => date.getUTCDay() },
  M: { part: 'month', texts: MONTHS, of: (date) => date.getUTCMonth() },
};
const ZONES = 'zZX';
const WEEKS = 'wWFY';

/** Reads a pattern. Throws `ConfigError` for what is none. */
export function simpleDateFormat(pattern: string): SimpleDateFormat {
  const steps = stepsOf(pattern);
  return {
    format(epochMs) {
      const date = new Date(epochMs);
      return steps.map((step) => printed(step, date)).join('');
    },
    parse: (text) => parsed(steps, text),
  };
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  const token = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/gy;
  let at = 0;
  for (const found of pattern.matchAll(token)) {
    const [text, quoted, letter] = found;
    at = found.index + text.length;
    if (letter === undefined) steps.push({ letter, count: 0, text: literalOf(text, quoted) });
    else steps.push({ letter: knownLetter(letter, pattern), count: text.length, text });
  }
  if (at < pattern.length) throw new ConfigError(`Unterminated quote in the pattern ${pattern}`);
  return steps;
}

function literalOf(text: string, quoted: string | undefined): string {
  if (quoted === undefined) return text;
  return quoted === '' ? "'" : quoted.replaceAll("''", "'");
}

function knownLetter(letter: string, pattern: string): string {
  if (WEEKS.includes(letter))
    throw new ConfigError(`The pattern ${pattern} has weeks (${letter}), which are not supported: use days and months`);
  const known = letter === 'L' ? 'M' : letter;
  if (NUMBERS[known] === undefined && TEXTS[known] === undefined && !ZONES.includes(known))
    throw new ConfigError(`Illegal pattern character '${letter}' in the pattern ${pattern}`);
  return known;
}

/** Months are numbers in one or two letters, texts in more. */
const isText = ({ letter, count }: Step): boolean =>
  letter !== undefined && TEXTS[letter] !== undefined && (letter !== 'M' || count > 2);

const isNumber = (step: Step): boolean =>
  step.letter !== undefined && NUMBERS[step.letter] !== undefined && !isText(step);

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

function printed(step: Step, date: Date): string {
  const { letter, count, text } = step;
  if (letter === undefined) return text;
  if (isText(step)) {
    const { texts, of } = TEXTS[letter]!;
    return count >= 4 || texts === ERAS || texts === HALVES ? texts[of(date)]! : texts[of(date)]!.slice(0, 3);
  }
  if (letter === 'z') return count >= 4 ? 'Coordinated Universal Time' : 'UTC';
  if (letter === 'Z') return '+0000';
  if (letter === 'X') return 'Z';
  const value = NUMBERS[letter]!.print(date);
  if (letter === 'y' && count === 2) return String(value % 100).padStart(2, '0');
  return String(value).padStart(count, '0');
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Parts = Map<Part, number>;

function parsed(steps: readonly Step[], text: string): number | undefined {
  const parts: Parts = new Map();
  let at = 0;
  for (const [i, step] of steps.entries()) {
    const next = steps[i + 1];
    const end =
      step.letter === undefined ? literalEnd(text, at, step.text) : readField(step, next, { text, at, parts });
    if (end === undefined) return undefined;
    at = end;
  }
  return instantOf(parts);
}

function literalEnd(text: string, at: number, literal: string): number | undefined {
  return text.startsWith(literal, at) ? at + literal.length : undefined;
}

interface Reading {
  readonly text: string;
  readonly at: number;
  readonly parts: Parts;
}

function readField(step: Step, next: Step | undefined, reading: Reading): number | undefined {
  let { at } = reading;
  while (reading.text[at] === ' ' || reading.text[at] === '\t') at++;
  if (isText(step)) return readText(step, { ...reading, at });
  if (ZONES.includes(step.letter!)) return readZone(step, { ...reading, at });
  return readNumber(step, next !== undefined && isNumber(next), { ...reading, at });
}

/** The longest of the long and short texts, in any case of letters. */
function readText({ letter }: Step, { text, at, parts }: Reading): number | undefined {
  const { part, texts } = TEXTS[letter!]!;
  const rest = text.slice(at).toLowerCase();
  const forms = texts.flatMap((each, i) => [[each, i] as const, [each.slice(0, 3), i] as const]);
  const [found] = forms.filter(([form]) => rest.startsWith(form.toLowerCase())).sort(([a], [b]) => b.length - a.length);
  if (found === undefined) return undefined;
  parts.set(part, found[1]);
  return at + found[0].length;
}

function readNumber(
  { letter, count }: Step,
  isBeforeNumber: boolean,
  { text, at, parts }: Reading,
): number | undefined {
  const { part, read } = NUMBERS[letter!]!;
  // Numbers with nothing between them have the width of their letters.
  if (isBeforeNumber && at + count > text.length) return undefined;
  const digits = /^-?\d+/.exec(isBeforeNumber ? text.slice(at, at + count) : text.slice(at))?.[0];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (letter === 'y' && count <= 2 && /^\d\d$/.test(digits)) parts.set(part, inCentury(value));
  else parts.set(part, read === undefined ? value : read(value));
  return at + digits.length;
}

/** The year of two digits between 80 years ago and 20 ahead. */
function inCentury(value: number): number {
  const first = new Date(systemEnvironment.now()).getUTCFullYear() - 80;
  const year = first - (first % 100) + value;
  return year < first ? year + 100 : year;
}

/** `Z` is read by `X` only; names are those of UTC. */
function readZone({ letter }: Step, { text, at, parts }: Reading): number | undefined {
  const rest = text.slice(at);
  const name = letter === 'X' ? /^Z/.exec(rest) : /^(?:UTC|GMT|UT|Coordinated Universal Time)(?![+-])/i.exec(rest);
  const pattern = letter === 'X' ? /^([+-])(\d\d)(?::?(\d\d))?/ : /^(?:GMT)?([+-])(\d{1,2}):?(\d\d)/;
  const offset = name === null ? pattern.exec(rest) : null;
  if (name === null && offset === null) return undefined;
  const [found, sign, hours = 0, minutes = 0] = offset ?? name!;
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  parts.set('zone', offset === null ? 0 : sign === '-' ? -size : size);
  return at + found.length;
}

function instantOf(parts: Parts): number | undefined {
  const part = (name: Part, missing: number): number => parts.get(name) ?? missing;
  const said = part('year', 1970);
  const year = parts.get('era') === 0 ? 1 - said : said;
  const date = new Date(0);
  if (parts.has('dayOfYear')) date.setUTCFullYear(year, 0, part('dayOfYear', 1));
  else date.setUTCFullYear(year, part('month', 0), part('day', 1));
  const hour = part('hour', 0) + (parts.get('half') === 1 && part('hour', 0) < 12 ? 12 : 0);
  const time = hour * HOUR_MS + part('minute', 0) * 60_000 + part('second', 0) * 1000 + part('milli', 0);
  const instant = date.getTime() + time - part('zone', 0);
  return Number.isNaN(instant) ? undefined : instant;
}
