import type { AvroSchema } from '../../serde/index.ts';
import { unreachable } from '../../util/index.ts';
import type { SqlType } from '../types.ts';
import type { CodecColumn } from './codec.ts';

/** Of the records that are not named. */
export const NAMESPACE = 'io.confluent.ksql.avro_schemas';
const DEFAULT_NAME = 'KsqlDataSourceSchema';

/** The schema under which rows are written. Every field may be null. */
export function avroSchemaOf(columns: readonly CodecColumn[], bare: boolean, fullName: string | undefined): AvroSchema {
  const at = fullName?.lastIndexOf('.') ?? -1;
  const name = fullName === undefined ? DEFAULT_NAME : fullName.slice(at + 1);
  const namespace = fullName === undefined ? NAMESPACE : fullName.slice(0, Math.max(0, at));
  const only = columns[0]?.type;
  if (!bare || only === undefined) return record(name, namespace, columns);
  // A bare struct is the record itself.
  return only.kind === 'STRUCT' ? record(name, namespace, only.fields) : writtenType(only, name, namespace);
}

function record(name: string, namespace: string, columns: readonly CodecColumn[], nested = false): AvroSchema {
  const fields = columns.map((column) => ({
    name: column.name,
    type: nullable(writtenType(column.type, `${name}_${column.name}`, namespace)),
    default: null,
  }));
  const place = namespace === '' || nested ? {} : { namespace };
  return { type: 'record', name, ...place, fields, 'connect.name': namespace === '' ? name : `${namespace}.${name}` };
}

function nullable(schema: AvroSchema): AvroSchema {
  return ['null', schema];
}

function writtenType(type: SqlType, name: string, namespace: string): AvroSchema {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'boolean';
    case 'INTEGER':
      return 'int';
    case 'BIGINT':
      return 'long';
    case 'DOUBLE':
      return 'double';
    case 'STRING':
      return 'string';
    case 'BYTES':
      return 'bytes';
    case 'DECIMAL':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale };
    case 'DATE':
      return { type: 'int', logicalType: 'date' };
    case 'TIME':
      return { type: 'int', logicalType: 'time-millis' };
    case 'TIMESTAMP':
      return { type: 'long', logicalType: 'timestamp-millis' };
    case 'ARRAY':
      return { type: 'array', items: nullable(writtenType(type.item, name, namespace)) };
    case 'MAP':
      return { type: 'map', values: nullable(writtenType(type.value, `${name}_MapValue`, namespace)) };
    case 'STRUCT':
      return record(name, namespace, type.fields, true);
    default:
      return unreachable(type);
  }
}
