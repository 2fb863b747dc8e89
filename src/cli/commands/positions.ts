/**
 * Places in partitions as commands name them (rpk's words): `start`, `end`, an offset, `+n` behind the first record, `-n`
 * (the last n records), `@time` (ms since the epoch, a date with or without a time, or so long ago: `@-2h`). A range has a
 * second one behind a colon: where reading ends.
 */
import type { Admin, TopicPartition } from '../../client/index.ts';
import { usage } from './options.ts';

export type Position =
  | { readonly offset: number }
  | { readonly behindStart: number }
  | { readonly beforeEnd: number }
  | { readonly timestamp: number };

export interface Range {
  readonly from: Position;
  /** The first record that is not read any more; undefined: there is no end to it. */
  readonly to: Position | undefined;
}

/** `option`: for the error. */
export function parsePosition(option: string, text: string): Position {
  if (text === 'start') return { behindStart: 0 };
  if (text === 'end') return { beforeEnd: 0 };
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  if (/^\+\d{1,15}$/.test(text)) return { behindStart: Number(text) };
  if (/^-\d{1,15}$/.test(text)) return { beforeEnd: -Number(text) };
  const time = text.startsWith('@') ? timeOf(text.slice(1)) : undefined;
  if (time !== undefined) return { timestamp: time };
  throw usage(
    `${option}: "${text}" is no place in a partition: use start, end, 47 (an offset), +2, -3, @1700000000000, @2026-01-31T12:30, @-2h.`,
  );
}

/** `position`, `position:position`, `:position`. Times have colons of their own: a time that makes sense is one. */
export function parseRange(option: string, text: string): Range {
  for (let at = text.lastIndexOf(':'); at >= 0; at = text.lastIndexOf(':', at - 1)) {
    const [from, to] = [text.slice(0, at), text.slice(at + 1)];
    // Behind the colon of a time there are two digits: `12:30`.
    const isOfTime = /T(\d\d(:\d\d)?|[\d:.]+[+-]\d\d)$/.test(from) && /^\d\d(?!\d)/.test(to);
    if (!isOfTime) {
      // In rpk's `@from:to`, the second time has no @.
      const end = from.startsWith('@') && !/^(@|start$|end$|[+-]\d+$)/.test(to) ? `@${to}` : to;
      return {
        from: from === '' ? { behindStart: 0 } : parsePosition(option, from),
        to: parsePosition(option, end),
      };
    }
  }
  return { from: parsePosition(option, text), to: undefined };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ms since the epoch, undefined where it is no time. Without a zone it is UTC. */
export function timeOf(text: string): number | undefined {
  if (/^\d{9,16}$/.test(text)) return Number(text);
  const ago = /^-(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (ago !== null) return Math.max(0, Date.now() - Number(ago[1]) * UNITS[ago[2]!]!);
  const date = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (date === null) return undefined;
  const whole = date[1] !== undefined && date[2] === undefined ? text.replace(/T\d\d/, '$&:00') : text;
  const parsed = Date.parse(date[1] !== undefined && date[5] === undefined ? `${whole}Z` : whole);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** The offsets at a position, in the order of the partitions; between the first record and behind the last one. */
export async function positionsOf(
  admin: Admin,
  partitions: readonly TopicPartition[],
  position: Position,
): Promise<number[]> {
  const at = async (timestamp: number): Promise<number[]> =>
    (await admin.listOffsets(partitions.map((each) => ({ ...each, timestamp })))).map(({ offset }) => offset);
  const [starts, ends] = await Promise.all([at(-2), at(-1)]);
  const found = 'timestamp' in position ? await at(position.timestamp) : [];
  return partitions.map((_, i) => {
    const [start, end] = [starts[i]!, ends[i]!];
    return Math.min(end, Math.max(start, offsetAt(position, start, end, found[i])));
  });
}

function offsetAt(position: Position, start: number, end: number, found = -1): number {
  if ('offset' in position) return position.offset;
  if ('behindStart' in position) return start + position.behindStart;
  if ('beforeEnd' in position) return end - position.beforeEnd;
  return found < 0 ? end : found;
}
