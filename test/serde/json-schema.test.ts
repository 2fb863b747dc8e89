import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DeserializationError,
  deserialize,
  deserializeLoading,
  type JsonSchema,
  jsonSchemaSerde,
  MemorySchemas,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';
import { expectBoundedOnHostileBytes, expectRoundTrips, int64 } from './support.ts';

async function serdeOf<T>(schema: JsonSchema, validate?: boolean): Promise<Serde<T>> {
  const serde = jsonSchemaSerde<T>({ schemas: new MemorySchemas(), topic: 't', schema, validate });
  await serde.prepare?.();
  return serde;
}

const person = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Person',
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    id: { type: 'integer' },
    born: { type: 'string', format: 'date-time' },
    friends: { type: 'array', items: { $ref: '#' } },
  },
};

describe('JSON Schema', () => {
  test('round-trips what JSON can hold, and integers beyond it', async () => {
    const values = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    const small = values.filter((value) => !/\d{16}/.test(JSON.stringify(value)));
    for (const validate of [true, false]) {
      expectRoundTrips(await serdeOf<unknown>({}, validate), small);
      expectRoundTrips(
        await serdeOf<unknown>({ type: 'array', items: { type: 'integer' } }, validate),
        fc.array(int64),
      );
    }
    const any = await serdeOf<unknown>({});
    const numbers = '[12345678901234567, 1.2345678901234567, "12345678901234567", 1e30]';
    const bytes = Buffer.concat([serialize(any, 0)!.subarray(0, 5), Buffer.from(numbers)]);
    expect(deserialize(any, bytes)).toEqual([12345678901234567n, 1.2345678901234567, '12345678901234567', 1e30]);
  });

  test('names what does not fit, written and read', async () => {
    const serde = await serdeOf<unknown>(person);
    expect(() => serialize(serde, {})).toThrow("the value must have required property 'name'");
    expect(() => serialize(serde, { name: 'a', id: 1.5 })).toThrow('/id must be integer');
    expect(() => serialize(serde, { name: 'a', friends: [{ name: 5 }] })).toThrow('/friends/0/name must be string');
    expect(() => serialize(serde, { name: 'a', born: 'yesterday' })).toThrow('/born must match format "date-time"');
    // What counts is what is written: the text of a date, the digits of a bigint.
    serialize(serde, { name: 'a', born: new Date(0), id: 2n ** 70n });
    const lax = await serdeOf<unknown>(person, false);
    const bytes = serialize(lax, { name: 5 });
    expect(deserialize(lax, bytes)).toEqual({ name: 5 });
    expect(() => deserialize(serde, bytes)).toThrow(DeserializationError);
    for (const value of [undefined, () => 1, Symbol('x')]) expect(() => serialize(serde, value)).toThrow('no form');
    const cyclic: Record<string, unknown> = { name: 'a' };
    cyclic['self'] = cyclic;
    expect(() => serialize(serde, cyclic)).toThrow('no form in JSON');
  });

  test('goes by the draft that the schema names', async () => {
    const tuple = (draft: string, items: object) => ({ $schema: draft, type: 'array', ...items });
    const drafts: readonly (readonly [JsonSchema, unknown, unknown])[] = [
      [
        { $schema: 'http://json-schema.org/draft-04/schema#', type: 'integer', minimum: 5, exclusiveMinimum: true },
        6,
        5,
      ],
      [tuple('http://json-schema.org/draft-06/schema#', { contains: { const: 1 } }), [1], [2]],
      [tuple('http://json-schema.org/draft-07/schema#', { items: [{ type: 'string' }] }), ['a'], [1]],
      [
        { $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } },
        { a: 1, b: 1 },
        { a: 1 },
      ],
      [tuple('https://json-schema.org/draft/2020-12/schema', { prefixItems: [{ type: 'string' }] }), ['a'], [1]],
      [false, undefined, 1],
      [{ $schema: 'http://example.com/mine', type: 'string', 'x-mine': 1, format: 'mine' }, 'a', 1],
    ];
    for (const [schema, fits, misfit] of drafts) {
      const serde = await serdeOf<unknown>(schema);
      if (fits !== undefined) expect(deserialize(serde, serialize(serde, fits))).toEqual(fits);
      expect(() => serialize(serde, misfit)).toThrow('does not fit its JSON Schema');
    }
  });

  test('without validation nothing needs to be known to read', async () => {
    const reader = jsonSchemaSerde<unknown>({ schemas: new MemorySchemas(), topic: 't', validate: false });
    expect(await deserializeLoading(reader, Buffer.from('\0\0\0\0\x09[1]'))).toEqual([1]);
  });

  test('hostile bytes are refused soon', async () => {
    const serde = await serdeOf<unknown>(person);
    expectBoundedOnHostileBytes(serde, { name: 'a', id: 2n ** 60n, friends: [{ name: 'b' }] });
    const envelope = serialize(serde, { name: 'a' })!.subarray(0, 5);
    for (const text of [
      '['.repeat(100_000),
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      '{"friends":['.repeat(50_000),
      '',
    ]) {
      expect(() => deserialize(serde, Buffer.concat([envelope, Buffer.from(text)]))).toThrow(DeserializationError);
    }
    const deep = `${'{"name":"a","friends":['.repeat(20_000)}${']}'.repeat(20_000)}`;
    expect(() => deserialize(serde, Buffer.concat([envelope, Buffer.from(deep)]))).toThrow(DeserializationError);
  });
});
