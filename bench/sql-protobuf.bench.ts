// Protobuf records as rows and back, and as serde's objects, with nothing around them; beside them protobufjs, which makes code
// for each message, with the same bytes.
import protobuf from 'protobufjs';
import { MemorySchemas, protobufSerde, serialize } from '../src/serde/index.ts';
import { rowSerde } from '../src/sql/formats/row-serde.ts';
import type { CodecColumn } from '../src/sql/formats/codec.ts';
import { BIGINT, BOOLEAN, DOUBLE, INTEGER, STRING } from '../src/sql/types.ts';
import type { Row } from '../src/sql/values/value.ts';
import { ByteWriter } from '../src/util/index.ts';

export const name = 'SQL and serde: Protobuf records, read and written';

const RECORDS = 2000;
/** The envelope and the message's indexes. */
const HEAD = 6;
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
  const outside = protobuf.parse(schema, { keepCase: true }).root.lookupType('Trade');
  const payloads = records.map((record) => record.subarray(HEAD));
  const messages = payloads.map((payload) => outside.decode(payload));
  const out = new ByteWriter();
  const encoding =
    <T>(serde: { encode(value: T, to: ByteWriter): void }) =>
    (value: T) => {
      out.reset();
      serde.encode(value, out);
    };

  const rates: Record<string, number> = {};
  const rate = (what: string, perSecond: number) => {
    rates[what] = Math.max(rates[what] ?? 0, perSecond);
  };
  // Turn and turn about, and the best of each: what else the machine does hits all alike.
  for (let i = 0; i < REPETITIONS; i++) {
    rate(
      'rows read',
      each(records, (record) => rows.decode(record, 0, record.length)),
    );
    rate(
      'objects read',
      each(records, (record) => objects.decode(record, 0, record.length)),
    );
    rate(
      'read',
      each(payloads, (payload) => outside.decode(payload)),
    );
    rate('rows written', each(taken, encoding(rows)));
    rate('objects written', each(values, encoding(objects)));
    rate(
      'written',
      each(messages, (message) => outside.encode(message).finish()),
    );
  }
  const figures: Record<string, number> = {};
  for (const what of ['rows', 'objects']) {
    for (const how of ['read', 'written']) {
      figures[`${what} ${how} per second`] = Math.round(rates[`${what} ${how}`]!);
      figures[`${what} ${how}, in messages of protobufjs`] = rates[`${what} ${how}`]! / rates[how]!;
    }
  }
  return figures;
}

function each<T>(items: readonly T[], work: (item: T) => unknown): number {
  const begun = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) for (const item of items) work(item);
  const { user, system } = process.cpuUsage(begun);
  return (items.length * ROUNDS * 1e6) / (user + system);
}
