// What fields that a text says mean together, in java.time's smart way: a day behind the end of its month is the last, 24:00 is
// the next day's beginning, and fields that contradict each other are refused.
import {
  checked,
  DATE_FIELDS,
  daysOf,
  fieldOfDate,
  fieldOfTime,
  type Field,
  isLeap,
  lengthOfMonth,
  localDayOfWeek,
  nameOf,
  weekOfMonth,
  weekOffset,
  weeksOf,
} from './datetime-fields.ts';
import type { ParsedFields } from './datetime-parsing.ts';
import { atZone, DAY_MS, offsetZone, type Zone } from './zones.ts';

export interface Resolved {
  /** Since the epoch. */
  readonly days: number | undefined;
  /** Nanoseconds. */
  readonly timeOfDay: number | undefined;
  /** What neither the date nor the time says. */
  readonly rest: ReadonlyMap<Field, number>;
  readonly zone: Zone | undefined;
}

export function resolve({ values, zone }: ParsedFields): Resolved {
  const resolution = new Resolution(values);
  resolution.run();
  const { days, timeOfDay, rest } = resolution;
  const offset = rest.get('OFFSET');
  if (offset !== undefined && days !== undefined && timeOfDay !== undefined) checked('OFFSET', offset);
  return { days, timeOfDay, rest, zone };
}

const conflict = (field: Field, value: number): never => {
  throw new RangeError(`Conflict found: ${nameOf(field)} ${value} differs from what other fields say`);
};

class Resolution {
  readonly rest: Map<Field, number>;
  days: number | undefined;
  timeOfDay: number | undefined;
  #extraDays = 0;

  constructor(values: ReadonlyMap<Field, number>) {
    this.rest = new Map(values);
  }

  run(): void {
    this.#resolveDate();
    this.#resolveTime();
    this.#resolveWeeks();
    this.#completeTime();
    this.#crossCheck();
    if (this.days !== undefined && this.timeOfDay !== undefined) this.days += this.#extraDays;
  }

  /** Takes a field away. */
  #take(field: Field): number | undefined {
    const value = this.rest.get(field);
    this.rest.delete(field);
    return value;
  }

  #put(field: Field, value: number): void {
    const old = this.rest.get(field);
    if (old !== undefined && old !== value) conflict(field, old);
    this.rest.set(field, value);
  }

  // ── Dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #resolveDate(): void {
    this.#resolveYear();
    const year = this.rest.get('YEAR');
    if (year === undefined) return;
    if (this.rest.has('MONTH') && this.rest.has('DAY')) {
      this.rest.delete('YEAR');
      checked('YEAR', year);
      const month = checked('MONTH', this.#take('MONTH')!);
      const day = checked('DAY', this.#take('DAY')!);
      this.#setDays(daysOf(year, month, Math.min(day, lengthOfMonth(year, month))));
    } else if (this.rest.has('DAY_OF_YEAR')) {
      this.rest.delete('YEAR');
      checked('YEAR', year);
      const day = checked('DAY_OF_YEAR', this.#take('DAY_OF_YEAR')!);
      if (day === 366 && !isLeap(year))
        throw new RangeError(`Invalid date 'DayOfYear 366' as '${year}' is not a leap year`);
      this.#setDays(daysOf(year, 1, 1) + day - 1);
    }
  }

  #resolveYear(): void {
    const yearOfEra = this.#take('YEAR_OF_ERA');
    if (yearOfEra === undefined) {
      if (this.rest.has('ERA')) checked('ERA', this.rest.get('ERA')!);
      return;
    }
    checked('YEAR_OF_ERA', yearOfEra);
    const era = this.#take('ERA');
    const year = this.rest.get('YEAR');
    const isBefore = era === undefined ? year !== undefined && year <= 0 : era === 0;
    this.#put('YEAR', isBefore ? 1 - yearOfEra : yearOfEra);
  }

  #setDays(days: number): void {
    if (this.days !== undefined && this.days !== days) throw new RangeError('Conflict found: two dates differ');
    this.days = days;
  }

  #resolveWeeks(): void {
    const localDay = this.#take('LOCAL_DAY_OF_WEEK');
    if (localDay !== undefined) this.rest.set('DAY_OF_WEEK', ((checked('LOCAL_DAY_OF_WEEK', localDay) + 5) % 7) + 1);
    const julian = this.#take('MODIFIED_JULIAN_DAY');
    if (julian !== undefined) this.#setDays(checked('MODIFIED_JULIAN_DAY', julian) - 40_587);
    const day = this.rest.get('DAY_OF_WEEK');
    if (day === undefined) return;
    const localWeekday = (checked('DAY_OF_WEEK', day) % 7) + 1;
    if (this.rest.has('YEAR')) this.#resolveWeekOfMonth(localWeekday);
    else this.#resolveWeekOfYear(localWeekday);
  }

  #resolveWeekOfMonth(localWeekday: number): void {
    if (!this.rest.has('MONTH') || !this.rest.has('WEEK_OF_MONTH')) return;
    const year = checked('YEAR', this.#take('YEAR')!);
    const month = checked('MONTH', this.#take('MONTH')!);
    const week = checked('WEEK_OF_MONTH', this.#take('WEEK_OF_MONTH')!);
    this.rest.delete('DAY_OF_WEEK');
    const first = daysOf(year, month, 1);
    this.#setDays(first + (week - weekOfMonth(first)) * 7 + localWeekday - localDayOfWeek(first));
  }

  #resolveWeekOfYear(localWeekday: number): void {
    if (!this.rest.has('WEEK_BASED_YEAR') || !this.rest.has('WEEK')) return;
    const year = checked('WEEK_BASED_YEAR', this.#take('WEEK_BASED_YEAR')!);
    const week = checked('WEEK', this.#take('WEEK')!);
    this.rest.delete('DAY_OF_WEEK');
    const first = daysOf(year, 1, 1);
    const offset = weekOffset(1, localDayOfWeek(first));
    const last = weeksOf(year, offset) - 1;
    this.#setDays(first - offset + localWeekday - 1 + (Math.min(week, last) - 1) * 7);
  }

  // ── Times ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #resolveTime(): void {
    const clockHour = this.#take('CLOCK_HOUR');
    if (clockHour !== undefined) this.#put('HOUR', (clockHour === 0 ? 0 : checked('CLOCK_HOUR', clockHour)) % 24);
    const clockHalf = this.#take('CLOCK_HOUR_OF_AM_PM');
    if (clockHalf !== undefined)
      this.#put('HOUR_OF_AM_PM', (clockHalf === 0 ? 0 : checked('CLOCK_HOUR_OF_AM_PM', clockHalf)) % 12);
    const half = this.rest.get('AM_PM');
    const hour = this.rest.get('HOUR_OF_AM_PM');
    if (half !== undefined && hour !== undefined) {
      this.rest.delete('AM_PM');
      this.rest.delete('HOUR_OF_AM_PM');
      this.#put('HOUR', half * 12 + checked('HOUR_OF_AM_PM', hour));
    }
    this.#splitTime('NANO_OF_DAY', 1);
    this.#splitTime('MILLI_OF_DAY', 1_000_000);
    if (['HOUR', 'MINUTE', 'SECOND', 'NANO'].every((field) => this.rest.has(field as Field))) this.#setTime();
    if (this.rest.has('NANO')) checked('NANO', this.rest.get('NANO')!);
  }

  #splitTime(field: 'NANO_OF_DAY' | 'MILLI_OF_DAY', unit: number): void {
    const value = this.#take(field);
    if (value === undefined) return;
    const nanos = checked(field, value) * unit;
    for (const part of ['HOUR', 'MINUTE', 'SECOND'] as const) this.#put(part, fieldOfTime(part, nanos)!);
    const nano = nanos % 1e9;
    // Milliseconds leave what is finer to other fields.
    const finer = unit === 1 ? 0 : (this.rest.get('NANO') ?? 0) % unit;
    this.#put('NANO', nano + finer);
  }

  /** A time of what is there, if it has the hour and nothing is missing in between. */
  #completeTime(): void {
    const has = (field: Field): boolean => this.rest.has(field);
    if (this.timeOfDay === undefined) {
      const isBare = !has('HOUR') && !has('MINUTE') && !has('SECOND') && !has('NANO');
      const half = isBare ? this.#take('AM_PM') : undefined;
      // Half of the morning, or of what comes after it.
      if (half !== undefined) this.rest.set('HOUR', half * 12 + 6);
      const isBroken = has('MINUTE') ? !has('SECOND') && has('NANO') : has('SECOND') || has('NANO');
      if (has('HOUR') && !isBroken) this.#setTime();
    }
    for (const [field, value] of this.rest) if (!DATE_FIELDS.has(field) && isTimeField(field)) checked(field, value);
  }

  #setTime(): void {
    const hour = this.#take('HOUR')!;
    const minute = checked('MINUTE', this.#take('MINUTE') ?? 0);
    const second = checked('SECOND', this.#take('SECOND') ?? 0);
    const nano = checked('NANO', this.#take('NANO') ?? 0);
    if (hour === 24 && minute === 0 && second === 0 && nano === 0) {
      this.#extraDays = 1;
      this.timeOfDay = 0;
      return;
    }
    this.timeOfDay = ((checked('HOUR', hour) * 60 + minute) * 60 + second) * 1e9 + nano;
  }

  #crossCheck(): void {
    for (const [field, value] of this.rest) {
      const said =
        (this.days === undefined ? undefined : fieldOfDate(field, this.days)) ??
        (this.timeOfDay === undefined ? undefined : fieldOfTime(field, this.timeOfDay));
      if (said === undefined) continue;
      if (said !== value) conflict(field, value);
      this.rest.delete(field);
    }
  }
}

const isTimeField = (field: Field): boolean => fieldOfTime(field, 0) !== undefined;

// ── To an instant ───────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Milliseconds since the epoch. The fields are set one by one, the largest first, on the beginning of 1970 in the zone: each
 * step keeps to the zone's clock, so that of repeated times the earlier is meant.
 */
export function instantOf(resolved: Resolved, zone: Zone): number {
  const { days, timeOfDay, rest } = resolved;
  const offset = rest.get('OFFSET');
  if (offset !== undefined) checked('OFFSET', offset);
  const clock = new Clock(resolved.zone ?? (offset === undefined ? zone : offsetZone('', offset * 1000)));
  if (offset !== undefined && days !== undefined && timeOfDay !== undefined)
    clock.jump(days * DAY_MS + Math.floor(timeOfDay / 1e6) - offset * 1000);
  else if (offset !== undefined) clock.prefer(offset * 1000);
  if (days === undefined) clock.setDateFields(rest);
  else clock.setDate(days);
  if (timeOfDay === undefined) clock.setTimeFields(rest);
  else clock.setTime(timeOfDay);
  return clock.epochMs;
}

/** A date and time that moves along the clock of a zone. */
class Clock {
  readonly #zone: Zone;
  #days = 0;
  #nanos = 0;
  #offset: number;

  constructor(zone: Zone) {
    this.#zone = zone;
    this.#offset = atZone(0, zone).offset;
  }

  get epochMs(): number {
    return this.#days * DAY_MS + Math.floor(this.#nanos / 1e6) - this.#offset;
  }

  jump(epochMs: number): void {
    this.#offset = this.#zone.offsetAt(epochMs);
    this.#days = Math.floor((epochMs + this.#offset) / DAY_MS);
    this.#nanos = (epochMs + this.#offset - this.#days * DAY_MS) * 1e6;
  }

  prefer(offset: number): void {
    this.#move(this.#days, this.#nanos, offset);
  }

  #move(days: number, nanos: number, preferred = this.#offset): void {
    const finer = nanos % 1e6;
    const local = days * DAY_MS + (nanos - finer) / 1e6;
    const { localMs, offset } = atZone(local, this.#zone, preferred);
    this.#offset = offset;
    this.#days = Math.floor(localMs / DAY_MS);
    this.#nanos = (localMs - this.#days * DAY_MS) * 1e6 + finer;
  }

  setDate(days: number): void {
    const year = fieldOfDate('YEAR', days)!;
    const month = fieldOfDate('MONTH', days)!;
    this.#setYear(year);
    this.#setMonth(month);
    this.#move(days, this.#nanos);
  }

  setTime(nanos: number): void {
    const days = this.#days;
    const isLate = nanos >= 12 * 3600 * 1e9;
    if (isLate && this.#nanos < 12 * 3600 * 1e9) this.#move(days, this.#nanos + 12 * 3600 * 1e9);
    this.#move(days, nanos);
  }

  #setYear(year: number): void {
    this.#setDay(checked('YEAR', year), this.#date('MONTH'), this.#date('DAY'));
  }

  #setMonth(month: number): void {
    this.#setDay(this.#date('YEAR'), checked('MONTH', month), this.#date('DAY'));
  }

  #setDay(year: number, month: number, day: number): void {
    this.#move(daysOf(year, month, Math.min(day, lengthOfMonth(year, month))), this.#nanos);
  }

  #date(field: Field): number {
    return fieldOfDate(field, this.#days)!;
  }

  setDateFields(fields: ReadonlyMap<Field, number>): void {
    const set = (field: Field, apply: (value: number) => void): void => {
      const value = fields.get(field);
      if (value !== undefined) apply(checked(field, value));
    };
    set('ERA', (era) => {
      if (era !== this.#date('ERA')) this.#setYear(1 - this.#date('YEAR'));
    });
    set('YEAR', (year) => this.#setYear(year));
    set('MONTH', (month) => this.#setMonth(month));
    set('DAY_OF_YEAR', (day) => {
      const year = this.#date('YEAR');
      if (day === 366 && !isLeap(year))
        throw new RangeError('Leap day cannot be parsed without supplying the year field');
      this.#move(daysOf(year, 1, 1) + day - 1, this.#nanos);
    });
    set('DAY', (day) => {
      const [year, month] = [this.#date('YEAR'), this.#date('MONTH')];
      if (day > lengthOfMonth(year, month)) throw new RangeError(`Invalid date: ${year}-${month}-${day}`);
      this.#move(daysOf(year, month, day), this.#nanos);
    });
    for (const field of ['ALIGNED_DAY', 'DAY_OF_WEEK'] as const)
      set(field, (day) => this.#move(this.#days + day - this.#date(field), this.#nanos));
  }

  setTimeFields(fields: ReadonlyMap<Field, number>): void {
    const units = [
      ['AM_PM', 12 * 3600 * 1e9],
      ['HOUR', 3600 * 1e9],
      ['HOUR_OF_AM_PM', 3600 * 1e9],
      ['MINUTE', 60 * 1e9],
      ['SECOND', 1e9],
      ['NANO', 1],
    ] as const;
    for (const [field, unit] of units) {
      const value = fields.get(field);
      if (value === undefined) continue;
      const current = fieldOfTime(field, this.#nanos)!;
      this.#move(this.#days, this.#nanos + (checked(field, value) - current) * unit);
    }
  }
}
