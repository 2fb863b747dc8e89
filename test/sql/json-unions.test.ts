// Values that a JSON Schema allows to be of several types, as the STRUCTs that they are in SQL.
import { expect, test } from 'vitest';
import { deserialize, jsonSchemaSerde, MemorySchemas, serialize } from '../../src/serde/index.ts';
import { registeredColumns } from '../../src/sql/formats/inferred-columns.ts';
import { rowSerde, writtenSchema } from '../../src/sql/formats/row-serde.ts';
import type { FormatInfo } from '../../src/sql/formats/traits.ts';
import { WithProperties } from '../../src/sql/formats/with-properties.ts';

const card = { type: 'object', properties: { number: { type: 'string' }, month: { type: 'integer' } } };
const cash = { type: 'object', properties: { amount: { type: 'number' } } };
const schema = {
  type: 'object',
  properties: {
    u: { oneOf: [{ type: 'null' }, { type: 'integer' }, { type: 'number' }, { type: 'string' }, card, cash] },
    items: { type: 'array', items: { anyOf: [{ type: 'boolean' }, { type: 'array', items: { type: 'integer' } }] } },
  },
};

async function columnsAndSerde() {
  const schemas = new MemorySchemas();
  schemas.add('t-value', { schemaType: 'JSON', schema: JSON.stringify(schema) });
  const properties = new WithProperties(new Map(), 'create');
  const side = {
    topic: 't',
    side: 'value',
    format: 'JSON_SR',
    id: undefined,
    properties,
    wrapsByDefault: true,
  } as const;
  const columns = await registeredColumns({ schemas }, side);
  const info: FormatInfo = { format: 'JSON_SR', properties: { schemaId: '1' } };
  const serde = rowSerde({ schemas }, info, columns, { topic: 't', part: 'value' });
  await serde.prepare?.();
  return { schemas, columns, serde };
}

test.each<[string, unknown]>([
  ['5', [5, null, null, null, null]],
  ['9007199254740993', [9007199254740993n, null, null, null, null]],
  ['5.5', [null, 5.5, null, null, null]],
  ['"x"', [null, null, 'x', null, null]],
  ['{"NUMBER":"n","MONTH":1}', [null, null, null, ['n', 1], null]],
  ['{"AMOUNT":2.0}', [null, null, null, null, [2]]],
  ['null', null],
])('%s is the branch that it is of', async (text, branches) => {
  const { serde } = await columnsAndSerde();
  const bytes = Buffer.concat([Buffer.from('0000000001', 'hex'), Buffer.from(`{"U":${text},"ITEMS":[true,[1,2]]}`)]);
  const row = deserialize(serde, bytes);
  expect(row).toEqual([
    branches,
    [
      [true, null],
      [null, [1, 2]],
    ],
  ]);
  expect(serialize(serde, row)).toEqual(bytes);
});

test('names of properties may have any case, and what is of no branch is refused', async () => {
  const { serde } = await columnsAndSerde();
  const read = (text: string) =>
    deserialize(serde, Buffer.concat([Buffer.from('0000000001', 'hex'), Buffer.from(text)]));
  expect(read('{"u":{"amount":1,"other":true}}')![0]).toEqual([null, null, null, [null, null], null]);
  expect(() => read('{"u":true}')).toThrow(/Can't convert type/);
});

test('what is written of a union fits the schema that is registered for it', async () => {
  const { columns, serde } = await columnsAndSerde();
  const schemas = new MemorySchemas();
  const written = writtenSchema({ format: 'JSON_SR', properties: {} }, columns, 'value')!;
  schemas.add('t-value', written);
  const checked = jsonSchemaSerde<unknown>({ schemas, topic: 't', useLatestVersion: true });
  await checked.prepare();
  for (const branches of [[5, null, null, null, null], [null, null, null, ['n', 1], null], null]) {
    const bytes = serialize(serde, [branches, [[null, [1]], null]])!;
    expect(() => deserialize(checked, bytes)).not.toThrow();
  }
});
