/**
 * kafka-avro-console-producer and -consumer, and those for JSON Schema and Protobuf: the consoles with values whose schemas
 * are registered. What is typed and printed is JSON: Avro's JSON encoding, Protobuf's JSON mapping, JSON itself.
 */
import { readFileSync } from 'node:fs';
import { registryAt } from '../../platform/index.ts';
import {
  deserializeLoading,
  headersOf,
  KEY_SCHEMA_HEADER,
  readEnvelope,
  readSchemaHeader,
  recordNameStrategy,
  type RegisteredSerde,
  type RegistryOptions,
  type SchemaReference,
  type SchemaSource,
  type SchemaType,
  serialize,
  type SubjectNameStrategy,
  textSerde,
  topicNameStrategy,
  topicRecordNameStrategy,
  VALUE_SCHEMA_HEADER,
} from '../../serde/index.ts';
import { messageOf } from '../../util/index.ts';
import { UsageError } from './arguments.ts';
import { type ConsumedForm, consoleConsumerOf } from './console-consumer.ts';
import { consoleProducerOf, type ProducedForm } from './console-producer.ts';
import type { Tool, ToolIo } from './tool.ts';

type Part = 'key' | 'value';
type Properties = Readonly<Record<string, string>>;

const NAMES: Readonly<Record<SchemaType, string>> = { AVRO: 'Avro', JSON: 'JSON Schema', PROTOBUF: 'Protobuf' };

/** Of the registry, for both directions. */
const REGISTRY = {
  'schema.registry.url': 'http://localhost:8081',
  'basic.auth.user.info': '',
  'schema.registry.basic.auth.user.info': '',
  'basic.auth.credentials.source': '',
};

const OF_PARTS = ['schema', 'schema.file', 'schema.id', 'refs', 'subject.name.strategy', 'metadata', 'rule.set'];

const PRODUCED = {
  ...REGISTRY,
  ...Object.fromEntries(['key', 'value'].flatMap((part) => OF_PARTS.map((name) => [`${part}.${name}`, '']))),
  'key.serializer': '',
  'auto.register': 'true',
  'use.latest.version': 'false',
  'normalize.schemas': 'false',
};

const CONSUMED = { ...REGISTRY, 'print.schema.ids': 'false', 'schema.id.separator': '\t' };

/** Where a login stands: in basic.auth.user.info, or in the URL. */
const CREDENTIALS = ['', 'USER_INFO', 'URL'];

/** By the last word of their class names. */
const STRATEGIES: Readonly<Record<string, SubjectNameStrategy>> = {
  TopicNameStrategy: topicNameStrategy,
  RecordNameStrategy: recordNameStrategy,
  TopicRecordNameStrategy: topicRecordNameStrategy,
};

export function schemaProducer(language: SchemaType): Tool {
  const form: ProducedForm = {
    summary: `Read ${NAMES[language]} values as JSON from standard input and publish them to Kafka, with their schema in the registry.`,
    properties: PRODUCED,
    async open(reader, topic, io) {
      const schemas = await registryOf(reader, io);
      const serde = (part: Part): RegisteredSerde<string> =>
        textSerde(language, { schemas, topic, isKey: part === 'key', ...optionsOf(reader, part, language) });
      const hasTextKeys = reader['key.serializer'] !== '' || reader['parse.key'] !== 'true';
      if (reader['key.serializer'] !== '') checkKeySerializer(reader['key.serializer']!);
      const value = serde('value');
      const key = hasTextKeys ? undefined : serde('key');
      await Promise.all([value.prepare(), key?.prepare()]);
      return {
        key: (text) => (key === undefined ? text : serialize(key, text)!),
        value: (text) => serialize(value, text)!,
        headers: headersOf(value, ...(key === undefined ? [] : [key])),
      };
    },
  };
  return consoleProducerOf(form);
}

export function schemaConsumer(language: SchemaType): Tool {
  const form: ConsumedForm = {
    summary: `Read ${NAMES[language]} values from Kafka topics and write them to standard output as JSON.`,
    properties: CONSUMED,
    async open(format, io) {
      const schemas = await registryOf(format, io);
      const serdes = new Map<string, RegisteredSerde<string>>();
      return async (bytes, part, { topic, headers }) => {
        const name = `${part} ${topic}`;
        const serde = serdes.get(name) ?? textSerde(language, { schemas, topic, isKey: part === 'key' });
        serdes.set(name, serde);
        const text = await deserializeLoading(serde, bytes, headers);
        const id = format['print.schema.ids'] === 'true' ? schemaOf(bytes, part, headers) : undefined;
        return id === undefined ? text! : `${text}${format['schema.id.separator']}${id}`;
      };
    },
  };
  return consoleConsumerOf(form);
}

function registryOf(properties: Properties, io: ToolIo): Promise<SchemaSource> {
  const [url = '', ...others] = properties['schema.registry.url']!.split(',').map((each) => each.trim());
  if (others.length > 0) io.err(`Of the registries in schema.registry.url only the first is asked: ${url}.\n`);
  const source = properties['basic.auth.credentials.source']!;
  if (!CREDENTIALS.includes(source)) {
    throw new UsageError(
      `basic.auth.credentials.source: use ${CREDENTIALS.filter(Boolean).join(' or ')}, not "${source}"`,
      false,
    );
  }
  const user = properties['schema.registry.basic.auth.user.info'] || properties['basic.auth.user.info'] || '';
  const [username, ...password] = user.split(':');
  return registryAt({ url, ...(user === '' ? {} : { username, password: password.join(':') }) });
}

/** What the properties say about the schema of keys or values. */
function optionsOf(
  reader: Properties,
  part: Part,
  language: SchemaType,
): Partial<RegistryOptions> & { schema?: string } {
  const property = (name: string): string | undefined => reader[`${part}.${name}`] || undefined;
  for (const name of ['metadata', 'rule.set']) {
    if (property(name) !== undefined) {
      throw new UsageError(
        `${part}.${name} is not read: register the schema with it, and name the schema by ${part}.schema.id.`,
        false,
      );
    }
  }
  const id = property('schema.id');
  const schema = property('schema') ?? textIn(property('schema.file'));
  const isLatest = flag(reader, 'use.latest.version');
  if (id !== undefined && !/^\d{1,10}$/.test(id))
    throw new UsageError(`${part}.schema.id: "${id}" is not an id`, false);
  if (id === undefined && schema === undefined && !isLatest) {
    const text = part === 'key' ? ' (or key.serializer, for keys that are text)' : '';
    throw new UsageError(
      `Must provide the ${NAMES[language]} schema in ${part}.schema, ${part}.schema.file or ${part}.schema.id${text}, or use.latest.version=true`,
      false,
    );
  }
  const strategy = property('subject.name.strategy');
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(id === undefined ? {} : { useSchemaId: Number(id) }),
    ...(strategy === undefined ? {} : { subjectNameStrategy: strategyOf(strategy) }),
    references: referencesIn(property('refs'), `${part}.refs`),
    autoRegisterSchemas: flag(reader, 'auto.register'),
    useLatestVersion: isLatest,
    ...(flag(reader, 'normalize.schemas') ? { normalizeSchemas: true } : {}),
  };
}

function textIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`The file ${file} can't be read: ${messageOf(error)}`, false);
  }
}

function flag(properties: Properties, name: string): boolean {
  const value = properties[name];
  if (value !== 'true' && value !== 'false') throw new UsageError(`${name}: use true or false, not "${value}"`, false);
  return value === 'true';
}

function strategyOf(className: string): SubjectNameStrategy {
  const strategy = STRATEGIES[className.split('.').at(-1)!];
  if (strategy !== undefined) return strategy;
  throw new UsageError(`There is no strategy ${className}: use ${Object.keys(STRATEGIES).join(', ')}.`, false);
}

/** `[{"name": …, "subject": …, "version": …}, …]` */
function referencesIn(text: string | undefined, property: string): SchemaReference[] {
  if (text === undefined) return [];
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${property} is not JSON: ${messageOf(error)}`, false);
  }
  const isReference = (each: unknown): each is SchemaReference => {
    const { name, subject, version } = (each ?? {}) as Record<string, unknown>;
    return typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version);
  };
  if (Array.isArray(found) && found.every(isReference)) return found;
  throw new UsageError(`${property} is to be [{"name": "…", "subject": "…", "version": 1}, …]`, false);
}

function checkKeySerializer(className: string): void {
  if (className.split('.').at(-1) === 'StringSerializer') return;
  throw new UsageError(`There is no key serializer ${className} here: use StringSerializer, or a key.schema.`, false);
}

/** The id, or the GUID where a header names the schema. */
function schemaOf(
  bytes: Uint8Array,
  part: Part,
  headers: readonly { readonly key: string; readonly value: Uint8Array | null }[],
): number | string {
  const name = part === 'key' ? KEY_SCHEMA_HEADER : VALUE_SCHEMA_HEADER;
  const header = headers.findLast(({ key, value }) => key === name && value !== null);
  return header === undefined ? readEnvelope(bytes, 0, bytes.length) : readSchemaHeader(header.value!).schema;
}
