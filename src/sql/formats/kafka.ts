// Kafka's own serializers: a single column, big-endian numbers, UTF-8 text, or bytes.
import { bigintSerde, DeserializationError } from '../../serde/index.ts';
import { assert } from '../../util/index.ts';
import { columnText } from '../schema.ts';
import { long } from '../values/bigint.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import type { PlainFormat } from './format.ts';
import { printableText } from './printable.ts';

const HELD = new Set(['INTEGER', 'BIGINT', 'DOUBLE', 'STRING', 'BYTES']);

export const kafkaFormat: PlainFormat = {
  holds: 'value',
  wraps: ['UNWRAP_SINGLES'],
  properties: [],
  refusal(columns) {
    if (columns.length > 1)
      return `The 'KAFKA' format only supports a single field. Got: [${columns.map(columnText).join(', ')}]`;
    const odd = columns.find(({ type }) => !HELD.has(type.kind));
    return odd && `The 'KAFKA' format does not support type '${odd.type.kind}'`;
  },
  serde: ({ columns }) => kafkaSerde(columns[0]!),
  recognize(bytes) {
    const text = printableText(bytes);
    if (text !== undefined) return { label: 'KAFKA_STRING', text };
    if (bytes.length === 8) return { label: 'KAFKA_BIGINT', text: String(bigintSerde.decode(bytes, 0, 8)) };
    return bytes.length === 4 ? { label: 'KAFKA_INT', text: String(bytes.readInt32BE(0)) } : undefined;
  },
};

function kafkaSerde(column: CodecColumn): RowSerde {
  const name = `KAFKA(${column.type.kind})`;
  const wrongLength = (length: number): never => {
    throw new DeserializationError(`a ${column.type.kind} does not have ${length} bytes`);
  };
  switch (column.type.kind) {
    case 'INTEGER':
      return {
        name,
        encode: (row, out) => out.int32(row[0] as number),
        decode: (bytes, start, end) => (end - start === 4 ? [bytes.readInt32BE(start)] : wrongLength(end - start)),
      };
    case 'BIGINT':
      return {
        name,
        encode(row, out) {
          const value = row[0] as number | bigint;
          if (typeof value === 'number') out.int64(value);
          else out.bigInt64(value);
        },
        decode(bytes, start, end) {
          if (end - start !== 8) return wrongLength(end - start);
          const high = bytes.readInt32BE(start);
          if (high >= -2097152 && high < 2097152) return [high * 4294967296 + bytes.readUInt32BE(start + 4)];
          return [long(bytes.readBigInt64BE(start))];
        },
      };
    case 'DOUBLE':
      return {
        name,
        encode: (row, out) => out.float64(row[0] as number),
        decode: (bytes, start, end) => (end - start === 8 ? [bytes.readDoubleBE(start)] : wrongLength(end - start)),
      };
    case 'BYTES':
      return {
        name,
        encode: (row, out) => out.bytes(row[0] as Buffer),
        decode: (bytes, start, end) => [Buffer.from(bytes.subarray(start, end))],
      };
    default:
      assert(column.type.kind === 'STRING', `KAFKA does not hold ${column.type.kind}`);
      return {
        name,
        encode: (row, out) => out.utf8(row[0] as string),
        decode: (bytes, start, end) => [bytes.toString('utf8', start, end)],
      };
  }
}
