// Connect's converters: a struct of ten fields to bytes and back, with nothing around them. Beside them what JSON itself costs.
import { parseConfig } from '../src/connect/api/config-def.ts';
import type { Converter } from '../src/connect/api/plugins.ts';
import {
  BOOLEAN,
  date,
  decimalOf,
  FLOAT64,
  INT32,
  INT64,
  OPTIONAL_STRING,
  STRING,
  structOf,
  timestamp,
} from '../src/connect/data/schema.ts';
import { Plugins } from '../src/connect/plugins/plugins.ts';
import { MemorySchemas } from '../src/serde/index.ts';
import { Decimal } from '../src/util/index.ts';

export const name = 'Connect: converters, a struct of ten fields';

const RECORDS = 1000;
const ROUNDS = 100;
const schema = structOf(
  {
    id: INT64,
    user: STRING,
    amount: INT32,
    price: FLOAT64,
    paid: BOOLEAN,
    note: OPTIONAL_STRING,
    city: STRING,
    total: decimalOf(2),
    day: date(),
    at: timestamp(),
  },
  { name: 'shop.Order' },
);

const CONVERTERS: readonly (readonly [string, Record<string, string>])[] = [
  ['JsonConverter', {}],
  ['JsonConverter', { 'schemas.enable': 'false' }],
  ['AvroConverter', {}],
  ['JsonSchemaConverter', {}],
  ['ProtobufConverter', {}],
];

export async function measure(): Promise<Record<string, number | string>> {
  const values = Array.from({ length: RECORDS }, (_, i) => ({
    id: BigInt(i) * 1_000_003n,
    user: `user-${i % 100}`,
    amount: (i * 37) % 10_000,
    price: i / 7,
    paid: i % 2 === 0,
    note: i % 3 === 0 ? null : 'by the door',
    city: 'Utrecht',
    total: new Decimal(BigInt(i * 199), 2),
    day: new Date((i % 20_000) * 86_400_000),
    at: new Date(1_700_000_000_000 + i),
  }));
  const figures: Record<string, number> = {};
  const plugins = new Plugins();
  for (const [converterName, config] of CONVERTERS) {
    const plugin = await plugins.load(converterName, 'converter');
    const schemas = new MemorySchemas();
    const context = { isKey: false, schemaSource: () => schemas };
    const converter: Converter = plugin.create(parseConfig(plugin.config, config), config, context);
    const records: Uint8Array[] = [];
    for (const value of values) records.push((await converter.fromConnect('t', [], schema, value))!);
    await converter.toConnect('t', [], records[0]!);
    const what = converterName + (config['schemas.enable'] === 'false' ? ' without schemas' : '');
    figures[`${what}: written, records/s`] = rate(() =>
      values.forEach((value) => converter.fromConnect('t', [], schema, value)),
    );
    figures[`${what}: read, records/s`] = rate(() => records.forEach((bytes) => converter.toConnect('t', [], bytes)));
  }
  const plain = values.map((value) => JSON.stringify({ ...value, id: Number(value.id), total: String(value.total) }));
  figures['JSON.parse, records/s'] = rate(() => plain.forEach((text) => JSON.parse(text) as unknown));
  return figures;
}

function rate(round: () => void): number {
  for (let i = 0; i < ROUNDS / 10; i++) round();
  const start = process.hrtime.bigint();
  for (let i = 0; i < ROUNDS; i++) round();
  return Math.round((RECORDS * ROUNDS * 1e9) / Number(process.hrtime.bigint() - start));
}
