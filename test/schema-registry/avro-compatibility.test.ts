import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAvroSchema, printAvroSchema } from '../../src/schemas/avro/schema.ts';
import { avroIncompatibilities } from '../../src/schemas/avro/compatibility.ts';

const casesFile = resolve(import.meta.dirname, '../../../shared/data/registry/avro-compat-cases.json');

interface Case {
  reader: unknown;
  writer: unknown;
  compatible: boolean;
  types: string[];
  locations: string[];
}

describe("Apache Avro's compatibility cases", () => {
  if (!existsSync(casesFile)) {
    test.skip(`skipped: ${casesFile} is not here`, () => {});
    return;
  }
  const cases = JSON.parse(readFileSync(casesFile, 'utf8')) as Case[];
  test.each(cases.map((c, i) => [i, c] as const))('case %i', (_, c) => {
    const found = avroIncompatibilities(
      parseAvroSchema(JSON.stringify(c.reader)),
      parseAvroSchema(JSON.stringify(c.writer)),
    );
    expect(found.length === 0).toBe(c.compatible);
    expect(found.map((f) => f.type.toLowerCase()).sort()).toEqual([...c.types].sort());
    expect(found.map((f) => f.location).filter((location) => !c.locations.includes(location))).toEqual([]);
  });
});

describe('Avro schemas', () => {
  const list =
    '{"type":"record","name":"List","namespace":"a","fields":[{"name":"next","type":["null","List"],"default":null}]}';

  test('a recursive schema is compatible with itself', () => {
    expect(avroIncompatibilities(parseAvroSchema(list), parseAvroSchema(list))).toEqual([]);
  });

  test('print canonically: fixed order, namespaces where they change, everything unknown kept', () => {
    const text =
      '{"fields": [{"type": {"type":"fixed","size":4,"name":"b.Hash"}, "name":"h", "doc":"why", "x": 1}, {"name":"again","type":"b.Hash"}], "name":"R","namespace":"a","type":"record","owner":"me"}';
    expect(printAvroSchema(parseAvroSchema(text))).toBe(
      '{"type":"record","name":"R","namespace":"a","fields":[{"name":"h","type":{"type":"fixed","name":"Hash","namespace":"b","size":4},"doc":"why","x":1},{"name":"again","type":"b.Hash"}],"owner":"me"}',
    );
    expect(printAvroSchema(parseAvroSchema(list))).toBe(list);
    expect(printAvroSchema(parseAvroSchema('"int"'))).toBe('"int"');
  });

  test.each([
    ['{"type":"record"}', 'is not a name'],
    [
      '{"type":"record","name":"A","fields":[{"name":"x","type":"Nope"}]}',
      'the type "Nope" is not defined (at /fields/0/type)',
    ],
    ['{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":"one"}]}', 'is not a int'],
    ['["int","int"]', 'two branches of type int'],
    ['{"type":"enum","name":"E","symbols":["A","A"]}', 'repeats a symbol'],
    ['{', 'not valid JSON'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(() => parseAvroSchema(text)).toThrow(reason);
  });

  test('random JSON and deep nesting end in a schema or a refusal, never in anything else', () => {
    const deep = `${'{"type":"array","items":'.repeat(5000)}"int"${'}'.repeat(5000)}`;
    expect(() => parseAvroSchema(deep)).toThrow('nests deeper');
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        try {
          const node = parseAvroSchema(text);
          expect(avroIncompatibilities(node, node)).toEqual([]);
        } catch (error) {
          expect(error).toHaveProperty('code', 'INVALID_SCHEMA');
        }
      }),
    );
  });
});
