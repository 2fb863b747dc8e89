// The records of the topic `_schemas`, in the original registry's format: JSON keys and values with a fixed order of
// members. What earlier and later versions of it (and Karapace) write differently is read, too:
//
// * members that are null are absent; Avro schemas have no `schemaType`; a schema may carry its `md5`, which is its GUID;
// * the global CONFIG and MODE have a key without a subject, or with `"subject":null`;
// * key types that are not known belong to features that this registry does not have, and are left alone.
import type { SchemaReference, SchemaType } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import { guidOf } from '../guid.ts';
import type { Metadata, RuleSet } from '../metadata.ts';
import { configFromRecord, type SubjectConfig } from '../subject-config.ts';

export interface StoredSchema {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
  readonly schema: string;
  readonly metadata?: Metadata;
  readonly ruleSet?: RuleSet;
  readonly guid: string;
  readonly deleted: boolean;
}

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'] as const;
export type Mode = (typeof MODES)[number];

/** A record's key. Without a subject it is the global entry. */
export type RecordKey =
  | { keytype: 'SCHEMA'; subject: string; version: number; magic: 1 }
  | { keytype: 'CONFIG' | 'MODE'; subject?: string | null; magic: 0 }
  | { keytype: 'DELETE_SUBJECT'; subject: string; magic: 0 }
  | { keytype: 'CONTEXT'; tenant: 'default'; context: string; magic: 0 }
  | { keytype: 'NOOP'; magic: 0 };

/** What a record does to the store. */
export type Change =
  | { kind: 'schema'; subject: string; version: number; schema: StoredSchema | null }
  | { kind: 'delete-subject'; subject: string; upToVersion: number }
  /** Without a subject: all of them. */
  | { kind: 'clear-subject'; subject: string | null }
  | { kind: 'context'; context: string; isThere: boolean }
  | { kind: 'config'; subject: string | null; config: SubjectConfig | null; hasOldKey: boolean }
  | { kind: 'mode'; subject: string | null; mode: Mode | null; hasOldKey: boolean };

type Json = Readonly<Record<string, unknown>>;

const SCHEMA_TYPES: readonly string[] = ['AVRO', 'PROTOBUF', 'JSON'];

export function schemaValue(schema: StoredSchema): object {
  const { subject, version, id, schemaType, references, metadata, ruleSet, schema: text, deleted } = schema;
  return {
    subject,
    version,
    id,
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    schema: text,
    deleted,
  };
}

/**
 * What the record with this key and value does; undefined for nothing. Throws `UNREADABLE_RECORD`
 * when it is none of ours.
 */
export function readRecord(keyText: string | null, valueText: string | null): Change | undefined {
  const key = parse(keyText, 'key');
  const value = valueText === null ? null : parse(valueText, 'value');
  const subject = typeof key['subject'] === 'string' ? key['subject'] : null;
  const hasOldKey = key['subject'] === null;
  switch (key['keytype']) {
    case 'SCHEMA': {
      const version = integer(key['version'], 'version');
      const name = text(subject, 'subject');
      return { kind: 'schema', subject: name, version, schema: value && schemaFrom(name, version, value) };
    }
    case 'DELETE_SUBJECT':
      if (value === null) return undefined;
      return {
        kind: 'delete-subject',
        subject: text(subject, 'subject'),
        upToVersion: integer(value['version'], 'version'),
      };
    case 'CLEAR_SUBJECT':
      return { kind: 'clear-subject', subject };
    case 'CONTEXT':
      return { kind: 'context', context: text(key['context'], 'context'), isThere: value !== null };
    case 'CONFIG':
      return { kind: 'config', subject, config: value && configFromRecord(value), hasOldKey };
    case 'MODE':
      return { kind: 'mode', subject, mode: value && modeFrom(value['mode']), hasOldKey };
    default:
      return undefined;
  }
}

function schemaFrom(subject: string, version: number, value: Json): StoredSchema {
  const schemaType = value['schemaType'] ?? 'AVRO';
  if (typeof schemaType !== 'string' || !SCHEMA_TYPES.includes(schemaType)) {
    throw unreadable(`the schema type ${JSON.stringify(schemaType)} is not known`);
  }
  // Metadata and rules were checked by whoever took them; another version's rules may be wider than ours.
  const { metadata, ruleSet } = value;
  const content = {
    schema: text(value['schema'], 'schema'),
    references: references(value['references']),
    ...(isObject(metadata) ? { metadata: withoutNulls(metadata) as Metadata } : {}),
    ...(isObject(ruleSet) ? { ruleSet: withoutNulls(ruleSet) as RuleSet } : {}),
  };
  return {
    subject,
    version,
    id: integer(value['id'], 'id'),
    schemaType: schemaType as SchemaType,
    ...content,
    guid: guidOf(content),
    deleted: value['deleted'] === true,
  };
}

function references(json: unknown): SchemaReference[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw unreadable('its references are not a list');
  return json.map((reference: Json) => ({
    name: text(reference['name'], "a reference's name"),
    subject: text(reference['subject'], "a reference's subject"),
    version: integer(reference['version'], "a reference's version"),
  }));
}

function modeFrom(json: unknown): Mode {
  const mode = MODES.find((known) => known === json);
  if (mode === undefined) throw unreadable(`the mode ${JSON.stringify(json)} is not known`);
  return mode;
}

function parse(json: string | null, what: string): Json {
  let value: unknown;
  try {
    value = json === null ? null : JSON.parse(json);
  } catch {
    throw unreadable(`its ${what} is not JSON`);
  }
  if (!isObject(value)) throw unreadable(`its ${what} is no object`);
  return value;
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function withoutNulls(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutNulls);
  if (!isObject(json)) return json;
  const members = Object.entries(json).filter(([, value]) => value !== null);
  return Object.fromEntries(members.map(([name, value]) => [name, withoutNulls(value)]));
}

function text(json: unknown, what: string): string {
  if (typeof json !== 'string') throw unreadable(`its ${what} is no text`);
  return json;
}

function integer(json: unknown, what: string): number {
  if (typeof json !== 'number' || !Number.isInteger(json)) throw unreadable(`its ${what} is no integer`);
  return json;
}

function unreadable(why: string): MillraceError {
  return new MillraceError('UNREADABLE_RECORD', why);
}
