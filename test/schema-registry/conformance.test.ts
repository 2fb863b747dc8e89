import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCases } from '../../tools/registry-conformance/cases.ts';

const folder = resolve(import.meta.dirname, '../../../shared/data/registry');

describe('case files', () => {
  test('are told by their shape, and may have comments and trailing commas', () => {
    const avro = readCases(`[
      // an int is read as a long
      {"reader": "long", "writer": "int", "compatible": true, "types": [], "locations": [],},
      {"reader": "int", "writer": "long", "compatible": true, "types": [], "locations": []}, /* no, it is not */
    ]`);
    expect(avro?.map(({ check }) => check())).toEqual([undefined, 'compatible: false instead of true']);
    const json = readCases(
      '[{"description":"//, ]","original_schema":{"type":"integer"},"update_schema":{"type":"number"},"changes":["TYPE_EXTENDED #/"],"compatible":true}]',
    );
    expect(json?.map(({ name, check }) => [name, check()])).toEqual([['#0 //, ]', undefined]]);
    const protobuf = readCases(
      '[{"original_schema":"syntax = \\"proto3\\";","update_schema":"syntax = \\"proto3\\"; package a;","changes":["PACKAGE_CHANGED #/"],"compatible":false}]',
    );
    expect(protobuf?.map(({ check }) => check())).toEqual([undefined]);
    expect(readCases('[1, 2]')).toBeUndefined();
    expect(readCases('{"a": 1}')).toBeUndefined();
  });

  if (!existsSync(folder)) {
    test.skip(`skipped: ${folder} is not here`, () => {});
    return;
  }
  test.each(readdirSync(folder).filter((name) => name.endsWith('.json')))('%s', (name) => {
    const cases = readCases(readFileSync(join(folder, name), 'utf8'))!;
    expect(cases.length).toBeGreaterThan(0);
    expect(cases.filter(({ check }) => check() !== undefined).map((c) => c.name)).toEqual([]);
  });
});
