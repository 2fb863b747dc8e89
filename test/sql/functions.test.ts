// Every function of the catalogue, called with ordinary, edge, null and wrong arguments. What they should give is ksqlDB's
// documented behaviour, worked out by hand; the tables are in test/sql/functions, aggregates have their own file.
import { describe, expect, test } from 'vitest';
import { addressCalls, textCalls } from './functions/text.ts';
import { collectionCalls } from './functions/collections.ts';
import { jsonCalls } from './functions/json.ts';
import { mathCalls } from './functions/math.ts';
import { timeCalls } from './functions/times.ts';
import { evaluate, functionNames } from './support.ts';

const tables = { ...mathCalls, ...collectionCalls, ...textCalls, ...addressCalls, ...jsonCalls, ...timeCalls };

function check(call: string, want: string): void {
  const got = evaluate(call);
  if (!want.startsWith('~')) return expect(got).toBe(want);
  const wanted = Number(want.slice(1));
  expect(got).toMatch(/ DOUBLE$/);
  expect(Math.abs(Number.parseFloat(got) / wanted - 1)).toBeLessThan(1e-12);
}

describe.each(Object.entries(tables))('%s', (_name, calls) => {
  test.each(Object.entries(calls))('%s', check);
});

describe('the tables', () => {
  test('leave out no function', () => {
    expect(Object.keys(tables).sort()).toEqual(functionNames('scalar'));
  });

  test('call each function by its name, with a null, and so that it is refused', () => {
    const lacking = Object.entries(tables).filter(([name, calls]) => {
      const texts = Object.keys(calls);
      const named = texts.every((text) => text.includes(`${name}(`));
      const takesNothing = name === 'PI' || name === 'RANDOM';
      const refused = Object.values(calls).some((want) => want.startsWith('refused:'));
      return !named || !refused || !(takesNothing || texts.some((text) => text.includes('NULL')));
    });
    expect(lacking.map(([name]) => name)).toEqual([]);
  });
});
