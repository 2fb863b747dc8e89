// How a record becomes a document: its index, its id, its text, and the mapping of the index from its schema.
import { DataError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';
import { jsonTexts, placeOf } from '../record-text.ts';
import type { ElasticsearchConfig } from './settings.ts';

const INDEX_NAME_MAX = 255;

/** The index of a topic, as Confluent's sink names it. */
export function indexOf(topic: string): string {
  const name = topic
    .toLowerCase()
    .slice(0, INDEX_NAME_MAX)
    .replace(/^[-_]+/, '');
  if (name === '.' || name === '..') return name === '.' ? 'dot' : 'dotdot';
  if (name === '') throw new DataError(`topic ${topic} leaves no name for an index: rename it with RegexRouter`);
  return name;
}

/** The id of a record's document. Throws `DataError` where its key can be none. */
export function idOf(config: ElasticsearchConfig, record: SinkRecord): string {
  if (ignoresKey(config, record.topic)) return `${record.topic}+${record.partition}+${record.offset}`;
  const { key, keySchema } = record;
  if (key === null)
    throw new DataError(`${placeOf(record)} has no key, which would be the document's id: see key.ignore`);
  const isId =
    typeof key === 'string' ||
    (keySchema === null ? Number.isInteger(key) || typeof key === 'bigint' : keySchema.type.startsWith('int'));
  if (!isId || typeof key === 'object')
    throw new DataError(`The key of ${placeOf(record)} is neither a text nor a whole number: it cannot be an id`);
  return String(key);
}

export function ignoresKey(config: ElasticsearchConfig, topic: string): boolean {
  return config['key.ignore'] || config['topic.key.ignore'].includes(topic);
}

export function ignoresSchema(config: ElasticsearchConfig, topic: string): boolean {
  return config['schema.ignore'] || config['topic.schema.ignore'].includes(topic);
}

const documentText = jsonTexts({
  decimalFormat: 'NUMERIC',
  replaceNull: true,
  isRegistered: true,
  hasDateTexts: true,
});

/** The text of a record's document. Throws `DataError` where its value is no object. */
export function documentOf(record: SinkRecord): string {
  const text = documentText(record.valueSchema, record.value);
  if (!text.startsWith('{'))
    throw new DataError(`The value of ${placeOf(record)} is no object: it cannot be a document`);
  return text;
}

/** What Elasticsearch knows of a field. */
interface Mapping {
  readonly type?: string;
  readonly fields?: Readonly<Record<string, Mapping & { readonly ignore_above?: number }>>;
  readonly properties?: Readonly<Record<string, Mapping>>;
}

const TYPES: Readonly<Record<string, string>> = {
  int8: 'byte',
  int16: 'short',
  int32: 'integer',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  boolean: 'boolean',
  bytes: 'binary',
};
const LOGICAL_TYPES: Readonly<Record<string, string>> = {
  [LOGICAL.decimal]: 'double',
  [LOGICAL.date]: 'date',
  [LOGICAL.timestamp]: 'date',
};
const TEXT: Mapping = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } };

/** The mapping of values of a schema; undefined: what they are is found out from them. */
export function mappingOf(schema: Schema): Mapping | undefined {
  switch (schema.type) {
    case 'string':
      return TEXT;
    case 'array':
      return mappingOf(schema.valueSchema);
    case 'map':
      return undefined;
    case 'struct': {
      const known = schema.fields.flatMap(({ name, schema: of }) => {
        const mapping = mappingOf(of);
        return mapping === undefined ? [] : [[name, mapping] as const];
      });
      return { properties: Object.fromEntries(known) };
    }
    default:
      return { type: LOGICAL_TYPES[schema.name ?? ''] ?? TYPES[schema.type]! };
  }
}
