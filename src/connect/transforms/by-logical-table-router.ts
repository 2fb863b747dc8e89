// io.debezium.transforms.ByLogicalTableRouter: the events of several tables (shards, partitions) go to one topic. Their schemas have
// that topic's name then, and their keys say which table they are of, so that rows of different tables stay different.
import { type ConfigDef, defineConfig, nonEmpty, oneOfTexts } from '../api/config-def.ts';
import { transformationPlugin } from '../api/plugins.ts';
import { DEBEZIUM_VERSION } from '../data/kafka-version.ts';
import type { ConnectRecord } from '../data/record.ts';
import { type Schema, STRING, structOf } from '../data/schema.ts';
import { isEnvelope } from './extract-new-record-state.ts';
import { regexProblem, renamer } from './routers.ts';
import { requireMap, requireStruct, structLike } from './side.ts';

const PURPOSE = 'Updating schema';

const config = defineConfig({
  'topic.regex': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The regular expression (of Java) that the whole name of a topic must match.',
    validator: (value) => (value === '' ? nonEmpty(value) : regexProblem(value)),
  },
  'topic.replacement': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'What the name becomes, with $1 for what the first group matched.',
    validator: nonEmpty,
  },
  'key.enforce.uniqueness': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether keys say which table they are of.',
  },
  'key.field.name': {
    type: 'STRING',
    default: '__dbz__physicalTableIdentifier',
    importance: 'LOW',
    doc: 'The field of the key that says so.',
    validator: nonEmpty,
  },
  'key.field.regex': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'The regular expression by which the field gets its value from the name of the topic. Without it the value is the name.',
    validator: (value) => (value === '' ? undefined : regexProblem(value)),
  },
  'key.field.replacement': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: "What the field's value is, with $1 for what the first group of key.field.regex matched.",
  },
  'schema.name.adjustment.mode': {
    type: 'STRING',
    default: 'none',
    importance: 'LOW',
    doc: 'Whether characters that Avro does not allow in names become underscores in those of schemas: none or avro.',
    validator: oneOfTexts('none', 'avro'),
  },
} satisfies ConfigDef);

/** Remembers what is made of a schema for a topic. */
function perTopic(make: (schema: Schema, topic: string) => Schema): (schema: Schema, topic: string) => Schema {
  const known = new WeakMap<Schema, Map<string, Schema>>();
  return (schema, topic) => {
    const topics = known.get(schema) ?? new Map<string, Schema>();
    known.set(schema, topics);
    const made = topics.get(topic) ?? make(schema, topic);
    topics.set(topic, made);
    return made;
  };
}

/** The router. */
export const byLogicalTableRouter = transformationPlugin({
  className: 'io.debezium.transforms.ByLogicalTableRouter',
  version: DEBEZIUM_VERSION,
  config,
  validate: (settings) =>
    (settings['key.field.regex'] === '') === (settings['key.field.replacement'] === '')
      ? []
      : [{ name: 'key.field.regex', message: 'key.field.regex and key.field.replacement need each other' }],
  create(settings) {
    const renamed = renamer(settings['topic.regex'], settings['topic.replacement']);
    const field = settings['key.field.name'];
    const isUnique = settings['key.enforce.uniqueness'];
    const regex = settings['key.field.regex'];
    const identifierOf = regex === '' ? () => undefined : renamer(regex, settings['key.field.replacement']);
    const adjusted = (name: string): string =>
      settings['schema.name.adjustment.mode'] === 'avro' ? name.replace(/[^A-Za-z0-9_.]/g, '_') : name;
    const keySchemaFor = perTopic((schema, topic) => {
      const fields = schema.fields.map(({ name, schema: of }) => [name, of] as const);
      const more = isUnique ? [[field, STRING] as const] : [];
      return structLike(schema, [...fields, ...more]).with({ name: adjusted(`${topic}.Key`) });
    });
    const eventSchemaFor = perTopic((schema, topic) => eventSchema(schema, (what) => adjusted(`${topic}.${what}`)));

    return {
      apply<R extends ConnectRecord>(record: R): R {
        const topic = renamed(record.topic);
        if (topic === undefined || topic === '') return record;
        const routed = { ...record, topic };
        if (record.key !== null && record.key !== undefined) {
          const { keySchema, key } = record;
          const members = keySchema === null ? requireMap(key, PURPOSE) : requireStruct(keySchema, key, PURPOSE);
          const identifier = isUnique ? { [field]: identifierOf(record.topic) ?? record.topic } : {};
          Object.assign(routed, {
            keySchema: keySchema === null ? null : keySchemaFor(keySchema, topic),
            key: { ...members, ...identifier },
          });
        }
        const event = record.valueSchema;
        if (event === null || !isEnvelope(event)) return routed;
        return { ...routed, valueSchema: eventSchemaFor(event, topic) };
      },
    };
  },
});

/** The same event, named as those of another topic are. */
function eventSchema(schema: Schema, nameOf: (what: string) => string): Schema {
  const { optional, version, doc, parameters } = schema;
  const fields = schema.fields.map(({ name, schema: of }) => {
    const isRow = name === 'before' || name === 'after';
    return [name, isRow ? of.with({ name: nameOf('Value') }) : of] as const;
  });
  return structOf(fields, { optional, version, doc, parameters, name: nameOf('Envelope') });
}
