import { refuse } from '../errors.ts';
import type { Expression } from '../parser/ast.ts';
import { replace } from './walk.ts';

const TIMES = new Set(['ROWTIME', 'WINDOWSTART', 'WINDOWEND']);
const TEXT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:?\d{2})?$/;

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
  const match = TEXT.exec(e.value.trim());
  const [, date, time = '00:00', zone = 'Z'] = match ?? [];
  const ms = match === null ? Number.NaN : Date.parse(`${date}T${time}${zone}`);
  if (Number.isNaN(ms)) {
    return refuse(
      `Failed to parse timestamp '${e.value}'. Required format is: "yyyy-MM-dd'T'HH:mm:ss.SSS[Z]", with the time optional.`,
    );
  }
  return { kind: 'bigint', value: BigInt(ms) };
}
