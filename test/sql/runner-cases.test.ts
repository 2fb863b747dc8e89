// The runner of query validation cases, on cases of our own: it must pass what is right, and say what is wrong otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCases, type QttCase } from '../../tools/qtt/cases.ts';
import { parseSpec, printSpec, SpecNumber } from '../../tools/qtt/spec-json.ts';
import { runCase } from '../../tools/qtt/run-case.ts';

const directory = join(import.meta.dirname, 'runner-cases');
const cases = loadCases(directory, undefined);

test('case files are JSON with comments, and their numbers keep their digits', () => {
  const text =
    '{"a": [1.50, -2e-3, 12345678901234567890], /* no */ "b": {"c": "x\\"y", "d": null}, // end\n "e": true}';
  const spec = parseSpec(text);
  expect(printSpec(spec)).toBe('{"a":[1.50,-2e-3,12345678901234567890],"b":{"c":"x\\"y","d":null},"e":true}');
  expect(printSpec(spec, true)).toContain('[1.50,-0.002,12345678901234567890]');
  expect(['1e2', '1.5e1', '1.25e1', '-1.5e-1'].map((number) => printSpec(new SpecNumber(number), true))).toEqual([
    '100',
    '15',
    '12.5',
    '-0.15',
  ]);
  expect(() => parseSpec('{"a": ?}')).toThrow('unexpected text at 6');
  expect(() => parseSpec('')).toThrow('unexpected end');
});

describe('cases that are right pass', () => {
  const passing = cases.filter(({ file }) => file === 'passing').map((spec) => [spec.name, spec] as const);

  test('formats and configurations are expanded, disabled cases left out', () => {
    const names = passing.map(([name]) => name);
    expect(names.filter((name) => name.includes('every type'))).toHaveLength(5);
    expect(names).toContain('passing - nulls in Protobuf - our.representation=WRAPPER');
    expect(names.some((name) => name.includes('single values and keys'))).toBe(false);
  });

  test.each(passing)('%s', async (_name, spec) => {
    expect(await runCase(spec)).toEqual({ status: 'passed' });
  });
});

describe('cases that are wrong fail, and say why', () => {
  const given = JSON.parse(readFileSync(join(directory, 'failing.json'), 'utf8')) as {
    tests: { name: string; reason: string; more?: string; prefix?: string }[];
  };

  const record = { timestamp: undefined, window: undefined, headers: undefined };

  /** All of them have one record through one query in common. */
  function complete(spec: QttCase, more: string | undefined): QttCase {
    return {
      ...spec,
      statements: [
        "CREATE STREAM I (K STRING KEY, V INT, S STRING) WITH (KAFKA_TOPIC='i', VALUE_FORMAT='JSON');",
        'CREATE STREAM O AS SELECT * FROM I;',
        ...(more === undefined ? [] : [more]),
      ],
      inputs: [{ ...record, topic: 'i', key: 'a', value: { V: new SpecNumber('5'), S: 'x' } }],
    };
  }

  test.each(given.tests)('$name', async ({ name, reason, more, prefix = '' }) => {
    const spec = cases.find((candidate) => candidate.name === `failing - ${name}`)!;
    const verdict = await runCase(complete(spec, more));
    expect(verdict.status).toBe('failed');
    expect('reason' in verdict && verdict.reason.startsWith(prefix + reason) ? '' : verdict).toBe('');
  });
});
