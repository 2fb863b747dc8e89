// A record as v3 has it: key and value each with a type and data, or with a schema that says the type.
import {
  instantOf,
  listOf,
  membersOf,
  type Members,
  numberOf,
  optionalNumber,
  optionalText,
  readJson,
  textOf,
} from '../entities.ts';
import { conversionFailed, payloadError, ProxyError } from '../errors.ts';
import {
  encodeBinary,
  encodeJson,
  type Encode,
  formatOfSchema,
  type Formats,
  ofRegistry,
  type SchemaFormat,
} from '../formats.ts';
import type { RecordToSend } from '../producing.ts';

export const RECORD = ['partition_id', 'headers', 'timestamp', 'key', 'value'];
const DATA = ['type', 'data', 'subject', 'subject_name_strategy', 'schema_id', 'schema_version', 'schema'];

/** What is answered about a key or a value. */
export interface Written {
  readonly type: string;
  readonly size: number;
  readonly subject?: string;
  readonly schema_id?: number;
  readonly schema_version?: number;
}

export interface RecordRequest {
  readonly record: RecordToSend;
  readonly key: Written | undefined;
  readonly value: Written | undefined;
}

/** Reads one record. Throws `ProxyError`. */
export async function recordRequestOf(formats: Formats, topic: string, text: string): Promise<RecordRequest> {
  return recordOf(formats, topic, membersOf(readJson(text), RECORD));
}

export async function recordOf(formats: Formats, topic: string, members: Members): Promise<RecordRequest> {
  const partition = optionalNumber(members, 'partition_id');
  if (partition !== undefined && partition < 0) throw payloadError('partition_id must be greater than or equal to 0.');
  const timestamp = optionalText(members, 'timestamp');
  const key = await sideOf(formats, topic, members, 'key');
  const value = await sideOf(formats, topic, members, 'value');
  return {
    record: {
      partition,
      key: key?.bytes ?? null,
      value: value?.bytes ?? null,
      timestamp: timestamp === undefined ? undefined : instantOf(timestamp, 'timestamp'),
      headers: headersOf(members),
    },
    key: key?.written,
    value: value?.written,
  };
}

function headersOf(members: Members): RecordToSend['headers'] {
  if (members['headers'] === undefined || members['headers'] === null) return undefined;
  return listOf(members, 'headers').map((each) => {
    const header = membersOf(each, ['name', 'value'], 'A header');
    return { key: textOf(header, 'name'), value: encodeBinary(header['value']) };
  });
}

interface Side {
  readonly bytes: Buffer | null;
  readonly written: Written;
}

async function sideOf(
  formats: Formats,
  topic: string,
  members: Members,
  name: 'key' | 'value',
): Promise<Side | undefined> {
  const given = members[name];
  if (given === undefined || given === null) return undefined;
  const side = membersOf(given, DATA, `The ${name}`);
  const { encode, ...about } = await encoderOf(formats, topic, side, name === 'key');
  const bytes = encode(side['data']);
  return { bytes, written: { ...about, size: bytes?.length ?? 0 } };
}

interface SideEncoder extends Omit<Written, 'size'> {
  readonly encode: Encode;
}

const WITHOUT_SCHEMA: Readonly<Record<string, Encode>> = {
  BINARY: encodeBinary,
  JSON: encodeJson,
  STRING: (data) => {
    if (data === null || data === undefined) return null;
    if (typeof data !== 'string') throw conversionFailed('the data of a STRING is a text');
    return Buffer.from(data, 'utf8');
  },
};
const WITH_SCHEMA: Readonly<Record<string, SchemaFormat>> = {
  AVRO: 'avro',
  JSONSCHEMA: 'jsonschema',
  PROTOBUF: 'protobuf',
};

async function encoderOf(formats: Formats, topic: string, side: Members, isKey: boolean): Promise<SideEncoder> {
  const type = optionalText(side, 'type');
  const namesSchema = DATA.slice(2).some((name) => side[name] !== undefined && side[name] !== null);
  const schemaless = WITHOUT_SCHEMA[type ?? (namesSchema ? '' : 'BINARY')];
  if (schemaless !== undefined) {
    if (namesSchema) throw payloadError(`Data of the type ${type} has no schema.`);
    return { type: type ?? 'BINARY', encode: schemaless };
  }
  if (type !== undefined && WITH_SCHEMA[type] === undefined) {
    const all = [...Object.keys(WITHOUT_SCHEMA), ...Object.keys(WITH_SCHEMA)].join(', ');
    throw payloadError(`The type ${type} is none of ${all}.`);
  }
  const subject = subjectOf(topic, side, isKey);
  const text = optionalText(side, 'schema');
  const place = { topic, isKey, subject };
  if (text !== undefined) {
    if (type === undefined) throw payloadError('A schema needs the type whose language it is written in.');
    const { schemaId, encode } = await formats.encoderOfText(WITH_SCHEMA[type]!, text, place);
    return { type, subject, schema_id: schemaId, encode };
  }
  const { id, schemaType, version } = await registered(formats, side, subject);
  const format = formatOfSchema(schemaType);
  if (type !== undefined && WITH_SCHEMA[type] !== format) {
    throw payloadError(`The schema ${id} is ${schemaType}, not ${type}.`);
  }
  const { encode } = await formats.encoderOfId(format, id, place);
  const about = { type: format.toUpperCase(), subject, schema_id: id };
  return { ...about, ...(version === undefined ? {} : { schema_version: version }), encode };
}

function subjectOf(topic: string, side: Members, isKey: boolean): string {
  const subject = optionalText(side, 'subject');
  if (subject !== undefined) return subject;
  const strategy = optionalText(side, 'subject_name_strategy') ?? 'TOPIC_NAME';
  if (strategy === 'TOPIC_NAME' || optionalNumber(side, 'schema_id') !== undefined) {
    return `${topic}-${isKey ? 'key' : 'value'}`;
  }
  throw payloadError(`The subject name strategy ${strategy} is not supported: name the subject.`);
}

/** By its id, by its version of the subject, or the subject's newest. */
async function registered({ schemas }: Formats, side: Members, subject: string) {
  const id = optionalNumber(side, 'schema_id');
  const version = side['schema_version'] === undefined ? undefined : numberOf(side, 'schema_version');
  try {
    if (id !== undefined) return { ...(await schemas.byId(id, subject)), version: undefined };
    if (version !== undefined) return await schemas.version(subject, version);
    const latest = await schemas.latest(subject);
    if (latest !== undefined) return latest;
  } catch (error) {
    throw ofRegistry('The schema is not found', error);
  }
  throw new ProxyError(42207, `Error serializing message. The subject ${subject} has no schema.`);
}
