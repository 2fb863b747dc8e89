// Date and time patterns in the language of Java's DateTimeFormatter, as Java 17 reads and writes them in English
// (test/sql/java-time.test.ts compares). A pattern is taken apart (datetime-elements.ts), and its elements then write
// (datetime-printing.ts) or read (datetime-parsing.ts), and what was read is made sense of (datetime-resolving.ts).
import { elementsOf } from './datetime-elements.ts';
import { DATE_FIELDS } from './datetime-fields.ts';
import { parse } from './datetime-parsing.ts';
import { print, UnsupportedFieldError } from './datetime-printing.ts';
import { instantOf, type Resolved, resolve } from './datetime-resolving.ts';
import { DAY_MS, zoneOf } from './zones.ts';

/** Times are UTC milliseconds; a zone in the text or as an argument says where they are read or shown. */
export interface DateTimePattern {
  format(epochMs: number, zone: string): string;
  /** Of epoch days. */
  formatDate(days: number): string;
  /** Of milliseconds of the day. */
  formatTime(timeOfDay: number): string;
  parseTimestamp(text: string, zone: string): number;
  /** Epoch days. */
  parseDate(text: string): number;
  /** Milliseconds of the day. */
  parseTime(text: string): number;
}

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

function compile(pattern: string): DateTimePattern {
  const elements = elementsOf(pattern);
  const read = (text: string): Resolved => resolve(parse(elements, text, pattern));
  return {
    format(epochMs, zoneId) {
      const zone = zoneOf(zoneId);
      const offset = zone.offsetAt(epochMs);
      const days = Math.floor((epochMs + offset) / DAY_MS);
      const timeOfDay = (epochMs + offset - days * DAY_MS) * 1e6;
      return print(elements, { days, timeOfDay, zoned: { zone, offset, epochMs } });
    },
    formatDate: (days) => told('Date format contains time field', pattern, () => print(elements, { days })),
    formatTime: (timeOfDay) =>
      told('Time format contains date field', pattern, () => print(elements, { timeOfDay: timeOfDay * 1e6 })),
    parseTimestamp(text, zone) {
      const ms = instantOf(read(text), zoneOf(zone));
      if (!Number.isSafeInteger(ms)) throw new RangeError(`The time '${text}' is too far away`);
      return ms;
    },
    parseDate(text) {
      const { days } = read(text);
      if (days === undefined) throw new RangeError(`Text '${text}' says no date with the pattern '${pattern}'`);
      return days;
    },
    parseTime(text) {
      const { days, timeOfDay, rest } = read(text);
      if (days !== undefined || [...rest.keys()].some((field) => DATE_FIELDS.has(field)))
        throw new RangeError(`Time format contains date field: ${pattern}`);
      if (timeOfDay === undefined) throw new RangeError(`Text '${text}' says no time with the pattern '${pattern}'`);
      return Math.floor(timeOfDay / 1e6);
    },
  };
}

function told(problem: string, pattern: string, write: () => string): string {
  try {
    return write();
  } catch (error) {
    if (error instanceof UnsupportedFieldError) throw new RangeError(`${problem}: ${pattern}`, { cause: error });
    throw error;
  }
}
