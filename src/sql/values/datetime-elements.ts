// A pattern in the language of Java's DateTimeFormatter, taken apart. Which letters may stand how often, which of them are texts
// and how numbers without anything between them share their digits is as Java 17 has it.
import type { Field } from './datetime-fields.ts';
import type { TextStyle } from './datetime-names.ts';
import type { ZoneNameStyle } from './zone-names.ts';

/** NORMAL: a minus only; NEVER: no sign; EXCEEDS: a plus for more digits than the least. */
export type SignRule = 'NORMAL' | 'NEVER' | 'EXCEEDS';

export interface NumberElement {
  /** FRACTION: digits behind the point of a second; REDUCED: the last two digits of a year. */
  readonly kind: 'NUMBER' | 'FRACTION' | 'REDUCED';
  readonly field: Field;
  readonly min: number;
  readonly max: number;
  readonly sign: SignRule;
  /** The digits that the numbers behind it, with nothing between, leave of it. */
  reserved: number;
}

export interface OffsetElement {
  readonly kind: 'OFFSET';
  readonly colon: boolean;
  readonly minutes: 'IF_NEEDED' | 'ALWAYS';
  readonly seconds: boolean;
  /** What stands for UTC. */
  readonly zero: string;
}

export type Element =
  | { readonly kind: 'LITERAL'; readonly text: string }
  | NumberElement
  | { readonly kind: 'TEXT'; readonly field: Field; readonly style: TextStyle }
  | { readonly kind: 'DAY_PERIOD'; readonly style: TextStyle }
  | OffsetElement
  | { readonly kind: 'GMT_OFFSET'; readonly style: ZoneNameStyle }
  | { readonly kind: 'ZONE_ID' }
  | { readonly kind: 'ZONE_NAME'; readonly style: ZoneNameStyle; readonly generic: boolean }
  | { readonly kind: 'PAD'; readonly width: number; readonly inner: Element }
  | { readonly kind: 'OPTIONAL'; readonly elements: readonly Element[] };

/** One level of square brackets. */
class Level {
  readonly elements: Element[] = [];
  /** The number that those behind it take digits from. */
  #open: NumberElement | undefined;
  #isPadded = false;
  pad = 0;

  add(element: Element): void {
    this.elements.push(this.pad > 0 ? { kind: 'PAD', width: this.pad, inner: element } : element);
    this.pad = 0;
    this.#open = undefined;
  }

  addNumber(element: NumberElement): void {
    const open = this.#open;
    const isPadded = this.pad > 0;
    if (open !== undefined && this.#isPadded)
      throw new RangeError('A padded number must not share digits with the next');
    this.add(element);
    const isShared = open !== undefined && element.min === element.max && element.sign === 'NEVER';
    if (isShared) open.reserved += element.max;
    this.#open = isShared ? open : element;
    this.#isPadded = isPadded && !isShared;
  }

  /** The number before shares no digits with what comes. */
  close(): void {
    this.#open = undefined;
  }
}

export function elementsOf(pattern: string): readonly Element[] {
  const levels = [new Level()];
  let at = 0;
  while (at < pattern.length) {
    const level = levels.at(-1)!;
    const char = pattern[at]!;
    if (/[A-Za-z]/.test(char)) at = addLetters(level, pattern, at);
    else if (char === "'") at = addQuoted(level, pattern, at);
    else {
      if (char === '[') {
        level.close();
        levels.push(new Level());
      } else if (char === ']') {
        if (levels.length === 1) throw new RangeError('Pattern invalid as it contains ] without previous [');
        endOptional(levels);
      } else if ('{}#'.includes(char)) throw new RangeError(`Pattern includes reserved character: '${char}'`);
      else level.add({ kind: 'LITERAL', text: char });
      at++;
    }
  }
  while (levels.length > 1) endOptional(levels);
  return levels[0]!.elements;
}

function endOptional(levels: Level[]): void {
  const { elements } = levels.pop()!;
  if (elements.length > 0) levels.at(-1)!.add({ kind: 'OPTIONAL', elements });
  else levels.at(-1)!.close();
}

function addQuoted(level: Level, pattern: string, from: number): number {
  let end = from + 1;
  while (end < pattern.length && (pattern[end] !== "'" || pattern[end + 1] === "'"))
    end += pattern[end] === "'" ? 2 : 1;
  if (end >= pattern.length) throw new RangeError(`Pattern ends with an incomplete string literal: ${pattern}`);
  const text = pattern.slice(from + 1, end).replaceAll("''", "'");
  level.add({ kind: 'LITERAL', text: text === '' ? "'" : text });
  return end + 1;
}

function addLetters(level: Level, pattern: string, from: number): number {
  const run = (start: number): number => {
    let end = start + 1;
    while (pattern[end] === pattern[start]) end++;
    return end;
  };
  let start = from;
  let end = run(start);
  if (pattern[start] === 'p') {
    if (!/[A-Za-z]/.test(pattern[end] ?? ''))
      throw new RangeError(`Pad letter 'p' must be followed by valid pad pattern: ${pattern}`);
    level.close();
    level.pad = end - start;
    start = end;
    end = run(start);
  }
  const element = elementOf(pattern[start]!, end - start);
  if (element.kind === 'NUMBER' || element.kind === 'FRACTION' || element.kind === 'REDUCED') level.addNumber(element);
  else level.add(element);
  return end;
}

// ── Letters ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Letter = (count: number) => Element | undefined;

function number(field: Field, min: number, max: number, sign: SignRule): Element | undefined {
  if (min > 19 || max > 19 || min > max) return undefined;
  return { kind: 'NUMBER', field, min, max, sign, reserved: 0 };
}

const year =
  (field: Field): Letter =>
  (count) =>
    count === 2
      ? { kind: 'REDUCED', field, min: 2, max: 2, sign: 'NEVER', reserved: 0 }
      : number(field, count, 19, count < 4 ? 'NORMAL' : 'EXCEEDS');

/** One letter is any number; more are exactly so many digits. */
const digits =
  (field: Field, most: number): Letter =>
  (count) =>
    count > most ? undefined : count === 1 ? number(field, 1, 19, 'NORMAL') : number(field, count, count, 'NEVER');

const upTo =
  (field: Field, most: number, max: number): Letter =>
  (count) =>
    count > most ? undefined : number(field, count, max, 'NEVER');

const exactly =
  (field: Field, most: number): Letter =>
  (count) =>
    count > most ? undefined : number(field, count, count, 'NEVER');

const STYLES: readonly (TextStyle | undefined)[] = [undefined, 'short', 'short', 'short', 'full', 'narrow'];

const text =
  (field: Field, numbers?: Letter): Letter =>
  (count) => {
    if (count <= 2 && numbers !== undefined) return numbers(count);
    const style = STYLES[count];
    return style && { kind: 'TEXT', field, style };
  };

const OFFSETS: readonly Pick<OffsetElement, 'colon' | 'minutes' | 'seconds'>[] = [
  { colon: false, minutes: 'IF_NEEDED', seconds: false },
  { colon: false, minutes: 'ALWAYS', seconds: false },
  { colon: true, minutes: 'ALWAYS', seconds: false },
  { colon: false, minutes: 'ALWAYS', seconds: true },
  { colon: true, minutes: 'ALWAYS', seconds: true },
];

const offset = (count: number, zero: string): Element | undefined => {
  const form = OFFSETS[count - 1];
  return form && { kind: 'OFFSET', ...form, zero };
};

const nameStyle = (count: number, full: number): ZoneNameStyle | undefined =>
  count === full ? 'full' : count === 1 ? 'short' : undefined;

const LETTERS: Readonly<Record<string, Letter>> = {
  G: text('ERA'),
  u: year('YEAR'),
  y: year('YEAR_OF_ERA'),
  Y: year('WEEK_BASED_YEAR'),
  Q: text('QUARTER', digits('QUARTER', 2)),
  q: text('QUARTER', digits('QUARTER', 2)),
  M: text('MONTH', digits('MONTH', 2)),
  L: text('MONTH', digits('MONTH', 2)),
  D: (count) => (count === 1 ? digits('DAY_OF_YEAR', 1)(count) : upTo('DAY_OF_YEAR', 3, 3)(count)),
  d: digits('DAY', 2),
  F: digits('ALIGNED_DAY', 1),
  g: (count) => number('MODIFIED_JULIAN_DAY', count, 19, 'NORMAL'),
  w: upTo('WEEK', 2, 2),
  W: exactly('WEEK_OF_MONTH', 1),
  E: text('DAY_OF_WEEK'),
  e: text('DAY_OF_WEEK', exactly('LOCAL_DAY_OF_WEEK', 2)),
  c: text('DAY_OF_WEEK', exactly('LOCAL_DAY_OF_WEEK', 1)),
  a: (count) => (count === 1 ? { kind: 'TEXT', field: 'AM_PM', style: 'short' } : undefined),
  B: (count) => {
    const style = [1, 4, 5].includes(count) ? STYLES[count] : undefined;
    return style && { kind: 'DAY_PERIOD', style };
  },
  H: digits('HOUR', 2),
  k: digits('CLOCK_HOUR', 2),
  K: digits('HOUR_OF_AM_PM', 2),
  h: digits('CLOCK_HOUR_OF_AM_PM', 2),
  m: digits('MINUTE', 2),
  s: digits('SECOND', 2),
  S: (count) =>
    count > 9 ? undefined : { kind: 'FRACTION', field: 'NANO', min: count, max: count, sign: 'NEVER', reserved: 0 },
  A: (count) => number('MILLI_OF_DAY', count, 19, 'NEVER'),
  n: (count) => number('NANO', count, 19, 'NEVER'),
  N: (count) => number('NANO_OF_DAY', count, 19, 'NEVER'),
  V: (count) => (count === 2 ? { kind: 'ZONE_ID' } : undefined),
  z: (count) => (count > 4 ? undefined : { kind: 'ZONE_NAME', style: count === 4 ? 'full' : 'short', generic: false }),
  v: (count) => {
    const style = nameStyle(count, 4);
    return style && { kind: 'ZONE_NAME', style, generic: true };
  },
  O: (count) => {
    const style = nameStyle(count, 4);
    return style && { kind: 'GMT_OFFSET', style };
  },
  X: (count) => offset(count, 'Z'),
  x: (count) => offset(count, count === 1 ? '+00' : count % 2 === 0 ? '+0000' : '+00:00'),
  Z: (count) =>
    count <= 3
      ? offset(2, '+0000')
      : count === 4
        ? { kind: 'GMT_OFFSET', style: 'full' }
        : count === 5
          ? offset(5, 'Z')
          : undefined,
};

function elementOf(letter: string, count: number): Element {
  const make = LETTERS[letter];
  if (make === undefined) throw new RangeError(`Unknown pattern letter: ${letter}`);
  const element = make(count);
  if (element === undefined) throw new RangeError(`Wrong number of pattern letters: ${letter.repeat(count)}`);
  return element;
}
