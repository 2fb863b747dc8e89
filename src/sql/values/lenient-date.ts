// PARSE_DATE reads dates as Java's SimpleDateFormat and its faster kin do, not as java.time does: fields may be out of range and
// then run over (`02/30` is 2 March), blanks before numbers are skipped, years of two digits are those around now, and what
// follows the date in the text is ignored.
import { dateOf, dayOfWeek, daysOf, localDayOfWeek } from './datetime-fields.ts';
import { FIELD_TEXTS } from './datetime-names.ts';
import { DAY_MS } from './zones.ts';

type Part = 'era' | 'year' | 'month' | 'day' | 'dayOfYear' | 'week' | 'weekOfMonth' | 'weekday' | 'weekdayInMonth';

interface NumberStep {
  readonly kind: 'number' | 'year';
  readonly part: Part;
  readonly width: number;
}

interface TextStep {
  readonly kind: 'text';
  readonly part: Part;
  readonly texts: readonly (readonly [string, number])[];
}

type Step = { readonly kind: 'literal'; readonly text: string } | TextStep | NumberStep;

const TIME_LETTERS = 'HhKkmsSaXZz';
const NUMBERS: Readonly<Record<string, Part>> = {
  D: 'dayOfYear',
  F: 'weekdayInMonth',
  L: 'month',
  M: 'month',
  W: 'weekOfMonth',
  d: 'day',
  u: 'weekday',
  w: 'week',
  y: 'year',
  Y: 'year',
};

const textsOf = (field: 'MONTH' | 'DAY_OF_WEEK' | 'ERA'): readonly (readonly [string, number])[] => {
  const { first, texts } = FIELD_TEXTS[field]!;
  return [...texts.full, ...texts.short].map((text, i, all) => [text, (i % (all.length / 2)) + first]);
};

/** Epoch days. `now` says which century a year of two digits is of. Refuses times, and what does not begin with a date. */
export function lenientDate(text: string, pattern: string, now: number): number {
  const steps = stepsOf(pattern);
  const reader = new Reader(text, now);
  for (const [i, step] of steps.entries()) {
    if (!reader.read(step, isNumber(steps[i + 1])))
      throw new RangeError(`Text '${text}' could not be parsed with the pattern '${pattern}' at index ${reader.at}`);
  }
  return resolve(reader.parts);
}

const isNumber = (step: Step | undefined): boolean => step?.kind === 'number' || step?.kind === 'year';

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at]!;
    if (/[A-Za-z]/.test(char)) {
      let end = at + 1;
      while (pattern[end] === char) end++;
      steps.push(stepOf(char, end - at, pattern));
      at = end;
    } else {
      const [text, end] = literalAt(pattern, at);
      steps.push({ kind: 'literal', text });
      at = end;
    }
  }
  return steps;
}

function literalAt(pattern: string, from: number): [string, number] {
  let text = '';
  let quoted = false;
  let at = from;
  for (; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (!quoted && /[A-Za-z]/.test(char)) break;
    if (char !== "'") text += char;
    else if (pattern[at + 1] === "'") {
      text += "'";
      at++;
    } else quoted = !quoted;
  }
  if (quoted) throw new RangeError(`Pattern ends with an incomplete string literal: ${pattern}`);
  return [text, at];
}

function stepOf(letter: string, count: number, pattern: string): Step {
  if (TIME_LETTERS.includes(letter)) throw new RangeError(`Date format contains time field: ${pattern}`);
  if (letter === 'E') return { kind: 'text', part: 'weekday', texts: textsOf('DAY_OF_WEEK') };
  if (letter === 'G') return { kind: 'text', part: 'era', texts: textsOf('ERA') };
  if ('ML'.includes(letter) && count >= 3) return { kind: 'text', part: 'month', texts: textsOf('MONTH') };
  const part = NUMBERS[letter];
  if (part === undefined) throw new RangeError(`Unknown pattern letter: ${letter}`);
  return { kind: part === 'year' && count <= 2 ? 'year' : 'number', part, width: count };
}

class Reader {
  readonly #text: string;
  readonly #now: number;
  /** In the order in which they were said last. */
  readonly parts = new Map<Part, number>();
  at = 0;

  constructor(text: string, now: number) {
    this.#text = text;
    this.#now = now;
  }

  /** False where the text says something else. */
  read(step: Step, isBeforeNumber: boolean): boolean {
    if (step.kind === 'literal') {
      const found = this.#text.startsWith(step.text, this.at);
      if (found) this.at += step.text.length;
      return found;
    }
    return step.kind === 'text' ? this.#readText(step) : this.#readNumber(step, isBeforeNumber);
  }

  #readText({ part, texts }: TextStep): boolean {
    const rest = this.#text.slice(this.at).toLowerCase();
    const found = texts.find(([each]) => rest.startsWith(each.toLowerCase()));
    if (found === undefined) return false;
    this.#set(part, found[1]);
    this.at += found[0].length;
    return true;
  }

  #readNumber({ kind, part, width }: NumberStep, isBeforeNumber: boolean): boolean {
    while (/\s/.test(this.#text[this.at] ?? '')) this.at++;
    // Numbers with nothing between them have the width of their letters.
    const most = isBeforeNumber ? this.at + width : this.#text.length;
    let end = this.at;
    while (end < most && /\d/.test(this.#text[end] ?? '')) end++;
    if (end === this.at) return false;
    const value = Number(this.#text.slice(this.at, end));
    this.#set(part, kind === 'year' && value < 100 ? inCentury(value, this.#now) : value);
    this.at = end;
    return true;
  }

  #set(part: Part, value: number): void {
    this.parts.delete(part);
    this.parts.set(part, value);
  }
}

/** The year of two digits between 80 years ago and 20 ahead. */
function inCentury(value: number, now: number): number {
  const from = dateOf(Math.floor(now / DAY_MS)).year - 80;
  const year = from - (from % 100) + value;
  return year < from ? year + 100 : year;
}

/** The date that the parts say; of those that say a day in different ways the last in the text decides. */
function resolve(parts: ReadonlyMap<Part, number>): number {
  const said = parts.get('year') ?? 1970;
  const year = parts.get('era') === 0 ? 1 - said : said;
  const month = (parts.get('month') ?? 1) - 1;
  const first = daysOf(year + Math.floor(month / 12), (((month % 12) + 12) % 12) + 1, 1);
  const beginning = daysOf(year, 1, 1);
  const weekday = parts.get('weekday');
  /** A weekday of a week that begins on Sunday; without one, the first. */
  const inWeek = (day: number, week: number): number =>
    day - (localDayOfWeek(day) - 1) + (week - 1) * 7 + (weekday === undefined ? 0 : weekday % 7);
  const ways = [...parts.keys()].filter((part) =>
    ['day', 'month', 'dayOfYear', 'week', 'weekOfMonth', 'weekdayInMonth'].includes(part),
  );
  switch (ways.at(-1)) {
    case 'dayOfYear':
      return beginning + parts.get('dayOfYear')! - 1;
    case 'week':
      return inWeek(beginning, parts.get('week')!);
    case 'weekOfMonth':
      return inWeek(first, parts.get('weekOfMonth')!);
    case 'weekdayInMonth': {
      const ahead = ((weekday ?? 7) - dayOfWeek(first) + 7) % 7;
      return first + ahead + (parts.get('weekdayInMonth')! - 1) * 7;
    }
    default:
      break;
  }
  if (parts.has('day') || weekday === undefined || parts.has('month')) return first + (parts.get('day') ?? 1) - 1;
  return inWeek(beginning, 1);
}
