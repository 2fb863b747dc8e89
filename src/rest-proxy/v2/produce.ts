// v2: records in. All of a request's records are read and encoded before the first is sent, so that what is refused has done
// nothing; what becomes of each at the broker is said record by record.
import type { Call, Route, Routes } from '../call.ts';
import { listOf, membersOf, type Members, optionalNumber, optionalText, pathNumber, readJson } from '../entities.ts';
import { keySchemaMissing, unprocessable, valueSchemaMissing } from '../errors.ts';
import { encodeBinary, encodeJson, type Encode, type Formats, isSchemaFormat, type SchemaFormat } from '../formats.ts';
import { EMBEDDED_TYPES, embeddedFormatOf, JSON_TYPE, V2_CONSUMED, V2_PRODUCED } from '../media-types.ts';
import type { Outcome, Producing, RecordToSend } from '../producing.ts';

const REQUEST = ['records', 'key_schema', 'key_schema_id', 'value_schema', 'value_schema_id'];
const RECORD = ['key', 'value', 'partition'];
/** Each is in memory until it is stored. */
const RECORDS_MAX = 100_000;

export function produceRoutes(producing: Producing, formats: Formats): Routes {
  const post = (summary: string, answer: NonNullable<Route['answer']>): Route => ({
    summary,
    body: REQUEST,
    consumes: [...EMBEDDED_TYPES, ...V2_CONSUMED],
    produces: [...V2_PRODUCED, JSON_TYPE],
    answer,
  });
  return {
    'POST /topics/:topic': post('Writes records to a topic.', (call) => produce(producing, formats, call, undefined)),
    'POST /topics/:topic/partitions/:partition': post('Writes records to a partition.', async (call) => {
      const partition = pathNumber(call.params['partition']!);
      await producing.checkPartition(call.params['topic']!, partition);
      return produce(producing, formats, call, partition);
    }),
  };
}

async function produce(
  producing: Producing,
  formats: Formats,
  call: Call,
  partition: number | undefined,
): Promise<object> {
  const topic = call.params['topic']!;
  const request = membersOf(readJson(call.body), REQUEST);
  const given = listOf(request, 'records').map((record) => membersOf(record, RECORD, 'A record'));
  if (given.length === 0) throw unprocessable('records may not be empty');
  if (given.length > RECORDS_MAX) throw unprocessable(`records may not be more than ${RECORDS_MAX}`);
  const format = embeddedFormatOf(call.contentType);
  const sides = isSchemaFormat(format)
    ? await schemaSides(formats, format, topic, request, given)
    : schemalessSides(format === 'json' ? encodeJson : encodeBinary);
  const records = given.map(
    (record): RecordToSend => ({
      partition: partition ?? partitionOf(record),
      key: sides.key.encode(record['key']),
      value: sides.value.encode(record['value']),
    }),
  );
  const partitions = await producing.partitionsOf(topic);
  const outcomes = await Promise.all(records.map((record) => producing.send(topic, partitions, record)));
  return {
    offsets: outcomes.map(offsetEntity),
    key_schema_id: sides.key.schemaId,
    value_schema_id: sides.value.schemaId,
  };
}

interface Side {
  readonly encode: Encode;
  readonly schemaId: number | null;
}

interface Sides {
  readonly key: Side;
  readonly value: Side;
}

const schemalessSides = (encode: Encode): Sides => ({
  key: { encode, schemaId: null },
  value: { encode, schemaId: null },
});

async function schemaSides(
  formats: Formats,
  format: SchemaFormat,
  topic: string,
  request: Members,
  records: readonly Members[],
): Promise<Sides> {
  const sideOf = async (name: 'key' | 'value'): Promise<Side> => {
    const place = { topic, isKey: name === 'key' };
    const id = optionalNumber(request, `${name}_schema_id`);
    if (id !== undefined) return formats.encoderOfId(format, id, place);
    const schema = optionalText(request, `${name}_schema`);
    if (schema !== undefined) return formats.encoderOfText(format, schema, place);
    if (records.some((record) => record[name] !== undefined && record[name] !== null)) {
      throw name === 'key' ? keySchemaMissing() : valueSchemaMissing();
    }
    return { encode: () => null, schemaId: null };
  };
  return { key: await sideOf('key'), value: await sideOf('value') };
}

function partitionOf(record: Members): number | undefined {
  const partition = optionalNumber(record, 'partition');
  if (partition !== undefined && partition < 0) throw unprocessable('partition must be greater than or equal to 0');
  return partition;
}

function offsetEntity(outcome: Outcome): object {
  if ('stored' in outcome) {
    const { partition, offset } = outcome.stored;
    return { partition, offset, error_code: null, error: null };
  }
  const { errorCode, message } = outcome.failure;
  return { partition: null, offset: null, error_code: errorCode, error: message };
}
