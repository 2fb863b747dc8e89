// The English texts of fields, in the three lengths that patterns ask for.
import type { Field } from './datetime-fields.ts';

export type TextStyle = 'full' | 'short' | 'narrow';

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
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

const cut = (names: readonly string[]) => ({
  full: names,
  short: names.map((name) => name.slice(0, 3)),
  narrow: names.map((name) => name.slice(0, 1)),
});

type Texts = Readonly<Record<TextStyle, readonly string[]>>;

/** The texts of a field's values, and the value of the first. */
export const FIELD_TEXTS: Readonly<Partial<Record<Field, { readonly first: number; readonly texts: Texts }>>> = {
  MONTH: { first: 1, texts: cut(MONTHS) },
  DAY_OF_WEEK: { first: 1, texts: cut(DAYS) },
  QUARTER: {
    first: 1,
    texts: {
      full: ['1st quarter', '2nd quarter', '3rd quarter', '4th quarter'],
      short: ['Q1', 'Q2', 'Q3', 'Q4'],
      narrow: ['1', '2', '3', '4'],
    },
  },
  ERA: { first: 0, texts: { full: ['Before Christ', 'Anno Domini'], short: ['BC', 'AD'], narrow: ['B', 'A'] } },
  AM_PM: { first: 0, texts: { full: ['AM', 'PM'], short: ['AM', 'PM'], narrow: ['a', 'p'] } },
};

/** The part of the day of a minute: `in the morning`. */
export function dayPeriod(minuteOfDay: number, style: TextStyle): string {
  if (minuteOfDay === 0) return style === 'narrow' ? 'mi' : 'midnight';
  if (minuteOfDay === 720) return style === 'narrow' ? 'n' : 'noon';
  const hour = Math.floor(minuteOfDay / 60);
  if (hour < 6 || hour >= 21) return 'at night';
  return hour < 12 ? 'in the morning' : hour < 18 ? 'in the afternoon' : 'in the evening';
}
