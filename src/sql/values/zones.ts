// Time zones as java.time's ZoneId names them, with the offsets that Intl knows, and what becomes of local times that a
// clock change skips or repeats.
import { NAMES_OF_ZONES } from './zone-name-table.ts';

export const DAY_MS = 86_400_000;
const MAX_OFFSET_MS = 18 * 3_600_000;
/** Before this every zone keeps its first offset; Intl's texts of far older years have no sign. */
const FIRST_CHANGE = Date.UTC(1800, 0, 1);
/** The changes of all later years follow the same rules; Intl knows no later times than Date. */
const LAST_TIME = 8.64e15 - DAY_MS;

export interface Zone {
  /** As Java writes it: `UTC+01:00`, `+05:30`, `Europe/Berlin`. */
  readonly id: string;
  /** An offset of its own, with no name. */
  readonly isOffset: boolean;
  /** Milliseconds ahead of UTC at an instant. */
  offsetAt(epochMs: number): number;
}

const zones = new Map<string, Zone>();

/** Refuses ids that ZoneId refuses: unknown ones, other cases of letters, abbreviations like `PST`. */
export function zoneOf(id: string): Zone {
  const known = zones.get(id);
  if (known !== undefined) return known;
  const zone = readZone(id);
  if (zone === undefined) throw new RangeError(`Invalid time zone specified: ${id}`);
  if (zones.size > 2000) zones.clear();
  zones.set(id, zone);
  return zone;
}

/** How far a zone is ahead of UTC at an instant, in milliseconds. Throws for a zone that nobody knows. */
export const zoneOffsetAt = (zone: string, epochMs: number): number => zoneOf(zone).offsetAt(epochMs);

/** The zone of an offset, with `UTC`, `GMT`, `UT` or nothing before it. */
export function offsetZone(prefix: string, offset: number): Zone {
  if (Math.abs(offset) > MAX_OFFSET_MS) throw new RangeError('Zone offset not in valid range: -18:00 to +18:00');
  const isOffset = prefix === '';
  const shown = offset === 0 ? (isOffset ? 'Z' : '') : offsetId(offset);
  return { id: prefix + shown, isOffset, offsetAt: () => offset };
}

function offsetId(offset: number): string {
  const seconds = Math.abs(offset) / 1000;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[2] === 0) parts.pop();
  return (offset < 0 ? '-' : '+') + parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function readZone(id: string): Zone | undefined {
  if (id === 'Z') return offsetZone('', 0);
  const offset = /^(UTC|GMT|UT|)(?:([+-])(?:(\d)|(\d\d)(?:(:?)([0-5]\d)(?:\5([0-5]\d))?)?))?$/.exec(id);
  if (offset !== null && id !== '') {
    const [, prefix = '', sign, hour, hours = hour, , minutes = 0, seconds = 0] = offset;
    const size = (Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return offsetZone(prefix, sign === '-' ? -size : size);
  }
  return isRegion(id) ? region(id) : undefined;
}

let regions: ReadonlySet<string> | undefined;

/** Java's regions, and those that the platform's newer data has beside them. */
export function isRegion(id: string): boolean {
  return regionIds().has(id);
}

export function regionIds(): ReadonlySet<string> {
  regions ??= new Set([
    ...NAMES_OF_ZONES.trim()
      .split('\n')
      .flatMap((line) => line.slice(line.indexOf(': ') + 2).split(' ')),
    ...Intl.supportedValuesOf('timeZone'),
  ]);
  return regions;
}

function region(id: string): Zone {
  let format: Intl.DateTimeFormat | undefined;
  return {
    id,
    isOffset: false,
    offsetAt(epochMs) {
      format ??= new Intl.DateTimeFormat('en-US', {
        timeZone: id,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
      const at = Math.floor(Math.min(Math.max(epochMs, FIRST_CHANGE), LAST_TIME) / 1000) * 1000;
      const parts: Partial<Record<string, number>> = {};
      for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
      const { year = 0, month = 1, day, hour, minute, second } = parts;
      return Date.UTC(year, month - 1, day, hour, minute, second) - at;
    },
  };
}

/**
 * An instant for a local time in a zone: a time that is skipped is as much later as the gap is long; of the two instants of a
 * repeated one the offset that is preferred decides, and without it the earlier is meant.
 */
export function atZone(localMs: number, zone: Zone, preferred?: number): { localMs: number; offset: number } {
  const before = zone.offsetAt(localMs - DAY_MS);
  const after = zone.offsetAt(localMs + DAY_MS);
  const valid = [before, after].filter((offset) => zone.offsetAt(localMs - offset) === offset);
  if (preferred !== undefined && valid.includes(preferred)) return { localMs, offset: preferred };
  if (valid.length > 0) return { localMs, offset: valid[0]! };
  return { localMs: localMs + after - before, offset: after };
}

const summers = new Map<string, boolean>();
const TWO_WEEKS = 14 * DAY_MS;

/**
 * Whether an instant is in a zone's summer time. Intl says so in the zone's name; where it has none, or Ireland's standard time
 * is meant, it is summer when within nine months before and after the clocks are behind what they are.
 */
export function isSummerTime(zone: Zone, epochMs: number): boolean {
  const offset = zone.offsetAt(epochMs);
  // Within a fortnight an offset is of one kind.
  const key = `${zone.id} ${Math.floor(epochMs / TWO_WEEKS)} ${offset}`;
  let is = summers.get(key);
  if (is === undefined) {
    const name = longName(zone.id, epochMs);
    if (/Summer|Daylight/.test(name)) is = true;
    else if (/Standard/.test(name) && !name.startsWith('Irish')) is = false;
    else {
      const isBehind = (direction: number): boolean =>
        Array.from({ length: 20 }, (_, i) => zone.offsetAt(epochMs + direction * (i + 1) * TWO_WEEKS)).some(
          (other) => other < offset,
        );
      is = isBehind(-1) && isBehind(1);
    }
    if (summers.size > 10_000) summers.clear();
    summers.set(key, is);
  }
  return is;
}

function longName(id: string, epochMs: number): string {
  if (!isRegion(id)) return '';
  const format = new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName: 'long' });
  return format.formatToParts(epochMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}
