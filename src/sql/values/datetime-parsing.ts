// Text to the fields that it says, by the elements of a pattern, in any case of letters. What the fields mean together is
// datetime-resolving.ts's.
import type { Element, NumberElement, OffsetElement } from './datetime-elements.ts';
import type { Field } from './datetime-fields.ts';
import { FIELD_TEXTS, type TextStyle } from './datetime-names.ts';
import { zoneAt, type ZoneNameStyle } from './zone-names.ts';
import { offsetZone, type Zone, zoneOf } from './zones.ts';

export class ParsedFields {
  readonly values: Map<Field, number>;
  zone: Zone | undefined;

  constructor(values: ReadonlyMap<Field, number> = new Map(), zone?: Zone) {
    this.values = new Map(values);
    this.zone = zone;
  }

  /** False if the text said another value before. */
  set(field: Field, value: number): boolean {
    const old = this.values.get(field);
    this.values.set(field, value);
    return old === undefined || old === value;
  }
}

/** Refuses a text that is not of the pattern as a whole. */
export function parse(elements: readonly Element[], text: string, pattern: string): ParsedFields {
  const reader = new Reader(text);
  const end = reader.sequence(elements, 0);
  if (end === text.length) return reader.fields;
  throw new RangeError(
    `Text '${text}' could not be parsed with the pattern '${pattern}' at index ${end < 0 ? ~end : end}`,
  );
}

const ISO_OFFSET: Omit<OffsetElement, 'zero'> = { kind: 'OFFSET', colon: true, minutes: 'ALWAYS', seconds: true };

/** Its methods take a place and return the one behind what they read, or the complement of where they failed. */
class Reader {
  readonly #text: string;
  fields = new ParsedFields();

  constructor(text: string) {
    this.#text = text;
  }

  sequence(elements: readonly Element[], from: number): number {
    let at = from;
    for (const element of elements) {
      at = this.#element(element, at);
      if (at < 0) return at;
    }
    return at;
  }

  #element(element: Element, at: number): number {
    switch (element.kind) {
      case 'LITERAL':
        return this.#has(element.text, at) ? at + element.text.length : ~at;
      case 'OPTIONAL':
        return this.#optional(element.elements, at);
      case 'PAD':
        return this.#padded(element.width, element.inner, at);
      case 'TEXT':
        return this.#fieldText(element.field, element.style, at);
      case 'DAY_PERIOD':
        throw new RangeError('The pattern letter B is for writing only');
      case 'OFFSET':
        return this.#offset(element, at);
      case 'GMT_OFFSET':
        return this.#gmtOffset(element.style, at);
      case 'ZONE_ID':
        return this.#zone('id', at);
      case 'ZONE_NAME':
        return this.#zone(element.style, at);
      case 'FRACTION':
        return this.#fraction(element, at);
      default:
        return this.#number(element, at);
    }
  }

  #has(text: string, at: number): boolean {
    const found = this.#text.slice(at, at + text.length);
    return (
      found.length === text.length &&
      (found.toUpperCase() === text.toUpperCase() || found.toLowerCase() === text.toLowerCase())
    );
  }

  #set(field: Field, value: number, from: number, end: number): number {
    return this.fields.set(field, value) ? end : ~from;
  }

  #optional(elements: readonly Element[], at: number): number {
    const before = this.fields;
    this.fields = new ParsedFields(before.values, before.zone);
    const end = this.sequence(elements, at);
    if (end >= 0) return end;
    this.fields = before;
    return at;
  }

  #padded(width: number, inner: Element, from: number): number {
    const end = from + width;
    if (end > this.#text.length) return ~from;
    let at = from;
    while (at < end && this.#text[at] === ' ') at++;
    const within = new Reader(this.#text.slice(0, end));
    within.fields = this.fields;
    const found = within.#element(inner, at);
    this.fields = within.fields;
    return found === end ? end : ~from;
  }

  #fieldText(field: Field, style: TextStyle, at: number): number {
    const { first, texts } = FIELD_TEXTS[field]!;
    // Of values with the same letter the last is read; AM and PM have no narrow texts to be read.
    const found = texts[style].findLastIndex((each) => this.#has(each, at));
    return found < 0 ? ~at : this.#set(field, found + first, at, at + texts[style][found]!.length);
  }

  // ── Numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #digits(from: number, most: number): string {
    let end = from;
    while (end < from + most && isDigit(this.#text[end])) end++;
    return this.#text.slice(from, end);
  }

  #number(element: NumberElement, from: number): number {
    const { kind, field, min, max, sign, reserved } = element;
    const signed = this.#text[from] === '+' || this.#text[from] === '-';
    const isNegative = this.#text[from] === '-';
    if (signed && (sign === 'NEVER' || (sign === 'NORMAL' && !isNegative))) return ~from;
    const at = signed ? from + 1 : from;
    let digits = this.#digits(at, max + reserved);
    if (digits.length < min) return ~at;
    // What is behind takes its digits first.
    if (reserved > 0) digits = digits.slice(0, Math.max(min, digits.length - reserved));
    let value = Number(digits);
    if (isNegative) {
      if (value === 0) return ~from;
      value = -value;
    } else if (sign === 'EXCEEDS' && digits.length > min !== signed) return ~from;
    if (kind === 'REDUCED' && digits.length === 2) value += 2000;
    return this.#set(field, value, at, at + digits.length);
  }

  #fraction({ field, max, min }: NumberElement, at: number): number {
    const digits = this.#digits(at, max);
    if (digits.length < min) return ~at;
    return this.#set(field, Number(digits.padEnd(9, '0')), at, at + digits.length);
  }

  // ── Zones ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #offset(element: OffsetElement, at: number): number {
    if (this.#has(element.zero, at)) return this.#set('OFFSET', 0, at, at + element.zero.length);
    const found = this.#signedTime(element, at);
    return found === undefined ? ~at : this.#set('OFFSET', found.seconds, at, found.end);
  }

  #signedTime({ colon, minutes, seconds }: Omit<OffsetElement, 'zero'>, at: number): SignedTime | undefined {
    const sign = this.#text[at];
    if (sign !== '+' && sign !== '-') return undefined;
    const hour = this.#sixtieth('', at + 1);
    if (hour === undefined) return undefined;
    const separator = colon ? ':' : '';
    const minute = this.#sixtieth(separator, hour.end);
    if (minute === undefined && minutes === 'ALWAYS') return undefined;
    const second = minute === undefined || !seconds ? undefined : this.#sixtieth(separator, minute.end);
    if (hour.value > 23) throw new RangeError('Value out of range: Hour[0-23], Minute[0-59], Second[0-59]');
    const size = hour.value * 3600 + (minute?.value ?? 0) * 60 + (second?.value ?? 0);
    return { seconds: sign === '-' ? -size : size, end: (second ?? minute ?? hour).end };
  }

  /** Two digits up to 59. */
  #sixtieth(separator: string, at: number): { value: number; end: number } | undefined {
    if (!this.#text.startsWith(separator, at)) return undefined;
    const from = at + separator.length;
    const digits = this.#digits(from, 2);
    return digits.length < 2 || Number(digits) > 59 ? undefined : { value: Number(digits), end: from + 2 };
  }

  #gmtOffset(style: ZoneNameStyle, at: number): number {
    if (!this.#has('GMT', at)) return ~at;
    const rest = this.#text.slice(at + 3);
    if (!/^[+-]/.test(rest)) return this.#set('OFFSET', 0, at, at + 3);
    const form = style === 'full' ? /^.(\d\d):(\d\d)(?::(\d\d))?/ : /^.(\d\d?)(?::(\d\d)(?::(\d\d))?)?/;
    const found = form.exec(rest);
    if (found === null) return ~at;
    const [image, hours, minutes = 0, seconds = 0] = found;
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return this.#set('OFFSET', rest.startsWith('-') ? -size : size, at, at + 3 + image.length);
  }

  #zone(style: ZoneNameStyle | 'id', at: number): number {
    const rest = this.#text.slice(at);
    if (/^[+-]/.test(rest)) return this.#offsetZone('', at, at);
    if (/^gmt0/i.test(rest)) return this.#setZone(zoneOf('GMT0'), at + 4);
    const prefix = /^(?:utc?|gmt)/i.exec(rest)?.[0].toUpperCase();
    if (prefix !== undefined) return this.#offsetZone(prefix, at, at + prefix.length);
    const found = zoneAt(this.#text, at, style);
    if (found !== undefined) return this.#setZone(zoneOf(found.id), at + found.length);
    return /^z/i.test(rest) ? this.#setZone(zoneOf('Z'), at + 1) : ~at;
  }

  #setZone(zone: Zone, end: number): number {
    this.fields.zone = zone;
    return end;
  }

  #offsetZone(prefix: string, from: number, at: number): number {
    const next = this.#text[at];
    const found = next === '0' ? undefined : this.#signedTime(ISO_OFFSET, at);
    if (found === undefined) return prefix === '' ? ~from : this.#setZone(zoneOf(prefix), at);
    if (Math.abs(found.seconds) > 64_800) return ~from;
    return this.#setZone(offsetZone(prefix, found.seconds * 1000), found.end);
  }
}

interface SignedTime {
  readonly seconds: number;
  readonly end: number;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';
