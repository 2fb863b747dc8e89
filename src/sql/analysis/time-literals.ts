import { refuse } from '../errors.ts';
import type { Expression } from '../parser/ast.ts';
import { replace } from './walk.ts';

const TIMES = new Set(['ROWTIME', 'WINDOWSTART', 'WINDOWEND']);
/** A year, and as much of the rest as is wanted: `2020`, `2020-02-24`, `2020-02-24T13`, `2020-02-24T13:30:05.250+0100`. */
const TEXT =
  /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?)?(?:Z|([+-])(\d{2}):?(\d{2}))?$/;

/** Compared with ROWTIME, WINDOWSTART or WINDOWEND, a text is a point in time: `WINDOWSTART >= '2001-01-02T12:00'`. */
export function withTimeLiterals(e: Expression): Expression {
  return replace(e, (node) => {
    if (node.kind === 'comparison') {
      if (isTime(node.left)) return { ...node, right: asTime(node.right) };
      if (isTime(node.right)) return { ...node, left: asTime(node.left) };
    }
    if (node.kind === 'between' && isTime(node.operand)) {
      return { ...node, low: asTime(node.low), high: asTime(node.high) };
    }
    return undefined;
  });
}

function isTime(e: Expression): boolean {
  return e.kind === 'column' && TIMES.has(e.name);
}

function asTime(e: Expression): Expression {
  if (e.kind !== 'string') return e;
  const ms = epochMs(e.value.trim());
  if (ms === undefined) {
    return refuse(
      `Failed to parse timestamp '${e.value}'. Required format is: "yyyy-MM-dd'T'HH:mm:ss.SSS[Z]", with the time optional.`,
    );
  }
  return { kind: 'bigint', value: BigInt(ms) };
}

/** The time that a text says, in milliseconds since 1970; undefined: none. Without a zone it is UTC. */
export function epochMs(text: string): number | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', sign] = match;
  const [, , , , , , , , , zoneHours = '0', zoneMinutes = '0'] = match;
  // Hour 24 is the next day's midnight.
  const midnight = Date.UTC(+year!, +month - 1, +day);
  const valid = new Date(midnight).getUTCMonth() === +month - 1 && +hour <= 24 && +minute < 60 && +second < 60;
  if (!valid) return undefined;
  const time = ((+hour * 60 + +minute) * 60 + +second) * 1000 + +fraction.padEnd(3, '0');
  const offset = (+zoneHours * 60 + +zoneMinutes) * 60_000;
  return midnight + time - (sign === '-' ? -offset : offset);
}
