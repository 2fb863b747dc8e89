// Dates and times to text, by the elements of a pattern.
import type { Element, NumberElement, OffsetElement } from './datetime-elements.ts';
import { fieldOfDate, fieldOfTime, type Field, nameOf } from './datetime-fields.ts';
import { dayPeriod, FIELD_TEXTS } from './datetime-names.ts';
import { zoneName, type ZoneNameStyle } from './zone-names.ts';
import type { Zone } from './zones.ts';

/** What is written: a date, a time, or both in a zone. */
export interface Moment {
  /** Since the epoch. */
  readonly days?: number;
  /** Nanoseconds. */
  readonly timeOfDay?: number;
  readonly zoned?: { readonly zone: Zone; readonly offset: number; readonly epochMs: number };
}

/** A field that a date or a time does not have. */
export class UnsupportedFieldError extends RangeError {}

/** Refuses fields that the moment lacks, but within optional elements: these are left out then. */
export function print(elements: readonly Element[], moment: Moment): string {
  return elements.map((element) => printElement(element, moment)).join('');
}

function printElement(element: Element, moment: Moment): string {
  switch (element.kind) {
    case 'LITERAL':
      return element.text;
    case 'OPTIONAL':
      return printOptional(element.elements, moment);
    case 'PAD': {
      const text = printElement(element.inner, moment);
      if (text.length > element.width)
        throw new RangeError(
          `Cannot print as output of ${text.length} characters exceeds pad width of ${element.width}`,
        );
      return text.padStart(element.width);
    }
    case 'TEXT': {
      const value = valueOf(element.field, moment);
      const { first, texts } = FIELD_TEXTS[element.field]!;
      return texts[element.style][value - first]!;
    }
    case 'DAY_PERIOD':
      return dayPeriod(valueOf('HOUR', moment) * 60 + valueOf('MINUTE', moment), element.style);
    case 'OFFSET':
      return printOffset(element, zonedOf(moment).offset / 1000);
    case 'GMT_OFFSET':
      return printGmtOffset(element.style, zonedOf(moment).offset / 1000);
    case 'ZONE_ID':
      return zonedOf(moment).zone.id;
    case 'ZONE_NAME': {
      const { zone, epochMs } = zonedOf(moment);
      return zoneName(zone, element.style, element.generic ? undefined : epochMs);
    }
    default:
      return printNumber(element, valueOf(element.field, moment));
  }
}

function printOptional(elements: readonly Element[], moment: Moment): string {
  try {
    return print(elements, moment);
  } catch (error) {
    if (error instanceof UnsupportedFieldError) return '';
    throw error;
  }
}

function valueOf(field: Field, { days, timeOfDay }: Moment): number {
  const value =
    (days === undefined ? undefined : fieldOfDate(field, days)) ??
    (timeOfDay === undefined ? undefined : fieldOfTime(field, timeOfDay));
  if (value === undefined) throw new UnsupportedFieldError(`Unsupported field: ${nameOf(field)}`);
  return value;
}

function zonedOf({ zoned }: Moment): NonNullable<Moment['zoned']> {
  if (zoned === undefined) throw new UnsupportedFieldError('Unable to extract a zone from a date or time without one');
  return zoned;
}

function printNumber({ kind, field, min, max, sign }: NumberElement, value: number): string {
  if (kind === 'FRACTION') return String(value).padStart(9, '0').slice(0, min);
  if (kind === 'REDUCED') return String(Math.abs(value) % 100).padStart(2, '0');
  const digits = String(Math.abs(value));
  if (digits.length > max)
    throw new RangeError(
      `Field ${nameOf(field)} cannot be printed as the value ${value} exceeds the maximum print width of ${max}`,
    );
  if (value < 0 && sign === 'NEVER')
    throw new RangeError(`Field ${nameOf(field)} cannot be printed as the value ${value} cannot be negative`);
  // As java.time: it knows no wider years.
  if (sign === 'EXCEEDS' && min > 10 && min < 19) throw new RangeError(`Field ${nameOf(field)} cannot be ${min} wide`);
  const shown = value < 0 ? '-' : sign === 'EXCEEDS' && digits.length > min ? '+' : '';
  return shown + digits.padStart(min, '0');
}

const two = (value: number): string => String(value).padStart(2, '0');

const partsOf = (offset: number): readonly [number, number, number] => {
  const size = Math.abs(offset);
  return [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
};

function printOffset({ colon, minutes, seconds, zero }: OffsetElement, offset: number): string {
  const [h, m, s] = partsOf(offset);
  const shown = [h];
  if (minutes === 'ALWAYS' || m > 0) shown.push(m);
  if (seconds && s > 0) shown.push(s);
  if (shown.every((part) => part === 0)) return zero;
  return (offset < 0 ? '-' : '+') + shown.map(two).join(colon ? ':' : '');
}

function printGmtOffset(style: ZoneNameStyle, offset: number): string {
  if (offset === 0) return 'GMT';
  const [h, m, s] = partsOf(offset);
  const sign = offset < 0 ? '-' : '+';
  const minutes = style === 'full' || m > 0 || s > 0 ? `:${two(m)}` : '';
  return `GMT${sign}${style === 'full' ? two(h) : h}${minutes}${s > 0 ? `:${two(s)}` : ''}`;
}
