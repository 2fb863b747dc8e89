// Protobuf records as rows and back, with nothing around them; beside it serde's codec, which makes objects of the same bytes
// with protobufjs.
import { MemorySchemas, protobufSerde, serialize, type Serde } from '../src/serde/index.ts';
import { rowSerde } from '../src/sql/formats/row-serde.ts';
import type { CodecColumn } from '../src/sql/formats/codec.ts';
import { BIGINT, BOOLEAN, DOUBLE, INTEGER, STRING } from '../src/sql/types.ts';
import type { Row } from '../src/sql/values/value.ts';
import { ByteWriter } from '../src/util/index.ts';

export const name = 'SQL: Protobuf records, read and written';

const RECORDS = 2000;
const ROUNDS = 200;
const REPETITIONS = 5;
const schema = `syntax = "proto3";
message Trade { int64 id = 1; string user = 2; int32 amount = 3; double price = 4; bool paid = 5; int64 at = 6; }`;
const columns: readonly CodecColumn[] = [
  { name: 'ID', type: BIGINT },
  { name: 'USER', type: STRING },
  { name: 'AMOUNT', type: INTEGER },
  { name: 'PRICE', type: DOUBLE },
  { name: 'PAID', type: BOOLEAN },
  { name: 'AT', type: BIGINT },
];

export async function measure(): Promise<Record<string, number | string>> {
  const schemas = new MemorySchemas();
  schemas.add('t-value', { schemaType: 'PROTOBUF', schema });
  const objects = protobufSerde<Record<string, unknown>>({ schemas, topic: 't', schema });
  const rows = rowSerde({ schemas }, { format: 'PROTOBUF', properties: { schemaId: '1' } }, columns, {
    topic: 't',
    part: 'value',
  });
  await objects.prepare?.();
  await rows.prepare?.();
  const values = Array.from({ length: RECORDS }, (_, i) => ({
    id: i * 1_000_003,
    user: `user-${i % 100}`,
    amount: (i * 37) % 10_000,
    price: i / 7,
    paid: i % 2 === 0,
    at: 1_700_000_000_000 + i,
  }));
  const records = values.map((value) => serialize(objects, value)!);
  const taken = values.map((value): Row => Object.values(value));
  const figures: Record<string, number> = {
    'rows read': 0,
    'objects read': 0,
    'rows written': 0,
    'objects written': 0,
  };
  // Turn and turn about, and the best of each: what else the machine does hits all alike.
  for (let i = 0; i < REPETITIONS; i++) {
    const now = {
      'rows read': reading(rows, records),
      'objects read': reading(objects, records),
      'rows written': writing(rows, taken),
      'objects written': writing(objects, values),
    };
    for (const [figure, rate] of Object.entries(now)) figures[figure] = Math.max(figures[figure]!, rate);
  }
  return {
    'rows read per second': Math.round(figures['rows read']!),
    'rows read, in objects read by serde': figures['rows read']! / figures['objects read']!,
    'rows written per second': Math.round(figures['rows written']!),
    'rows written, in objects written by serde': figures['rows written']! / figures['objects written']!,
  };
}

function reading<T>(serde: Serde<T>, records: readonly Buffer[]): number {
  return perSecond(() => {
    for (const record of records) serde.decode(record, 0, record.length);
  });
}

function writing<T>(serde: Serde<T>, values: readonly T[]): number {
  const out = new ByteWriter();
  return perSecond(() => {
    for (const value of values) {
      out.reset();
      serde.encode(value, out);
    }
  });
}

function perSecond(round: () => void): number {
  const begun = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) round();
  const { user, system } = process.cpuUsage(begun);
  return (RECORDS * ROUNDS * 1e6) / (user + system);
}
