// org.apache.kafka.connect.transforms.InsertField: what is known of a record (topic, partition, offset, time), or a text, as fields.
import { type ConfigDef, defineConfig } from '../api/config-def.ts';
import type { ConfigProblem } from '../api/config-def.ts';
import { DataError } from '../data/errors.ts';
import type { ConnectRecord } from '../data/record.ts';
import { INT32, INT64, type Schema, STRING, timestamp } from '../data/schema.ts';
import {
  type Apply,
  fieldReader,
  kafkaTransformations,
  optionally,
  perSchema,
  REPLACE_NULL,
  requireMap,
  requireStruct,
  structLike,
} from './side.ts';

const PURPOSE = 'field insertion';
const SUFFIX = 'With ! behind it the field is required, with ? or nothing it is optional.';

const setting = (doc: string) =>
  ({ type: 'STRING', default: null, importance: 'MEDIUM', doc: `${doc} ${SUFFIX}` }) as const;

const config = defineConfig({
  'topic.field': setting("The field that becomes the topic's name."),
  'partition.field': setting('The field that becomes the partition.'),
  'offset.field': setting('The field that becomes the offset, of sinks only.'),
  'timestamp.field': setting("The field that becomes the record's time."),
  'static.field': setting('The field that becomes static.value.'),
  'static.value': { type: 'STRING', default: null, importance: 'MEDIUM', doc: 'The text that static.field becomes.' },
  ...REPLACE_NULL,
} satisfies ConfigDef);

interface Insertion {
  readonly name: string;
  readonly schema: Schema;
  /** Undefined: there is nothing to be inserted. */
  of(record: ConnectRecord, hasSchema: boolean): unknown;
}

function offsetOf(record: ConnectRecord): number {
  if ('offset' in record && typeof record.offset === 'number') return record.offset;
  throw new DataError(
    `Only SinkRecord supported for [${PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord`,
  );
}

function validate(settings: Readonly<Record<string, unknown>>): ConfigProblem[] {
  const names = ['topic.field', 'partition.field', 'offset.field', 'timestamp.field', 'static.field'];
  if (names.every((name) => settings[name] === null))
    return [{ name: 'topic.field', message: 'No field insertion configured' }];
  if (settings['static.field'] !== null && settings['static.value'] === null)
    return [
      {
        name: 'static.value',
        message: `Invalid value null for configuration static.value: No value specified for static field: ${String(settings['static.field'])}`,
      },
    ];
  return [];
}

/** The transformations. */
export const insertField = kafkaTransformations({ name: 'InsertField', config, validate }, (settings, side): Apply => {
  const insertions: Insertion[] = [];
  const insert = (spec: string | null, schema: Schema, of: Insertion['of']): void => {
    if (spec === null) return;
    const name = /[?!]$/.test(spec) ? spec.slice(0, -1) : spec;
    insertions.push({ name, schema: spec.endsWith('!') ? schema : optionally(schema), of });
  };
  insert(settings['topic.field'], STRING, ({ topic }) => topic);
  insert(settings['partition.field'], INT32, ({ partition }) => partition ?? undefined);
  insert(settings['offset.field'], INT64, (record, hasSchema) =>
    hasSchema ? BigInt(offsetOf(record)) : offsetOf(record),
  );
  insert(settings['timestamp.field'], timestamp(), ({ timestamp: time }, hasSchema) =>
    time === null ? undefined : hasSchema ? new Date(time) : time,
  );
  insert(settings['static.field'], STRING, () => settings['static.value']);

  const read = fieldReader(settings['replace.null.with.default']);
  const updated = perSchema((schema) =>
    structLike(schema, [
      ...schema.fields.map((field) => [field.name, field.schema] as const),
      ...insertions.map(({ name, schema: of }) => [name, of] as const),
    ]),
  );
  return (record) => {
    const { schema, value } = side.of(record);
    if (value === null || value === undefined) return record;
    const changed: Record<string, unknown> = {};
    if (schema === null) Object.assign(changed, requireMap(value, PURPOSE));
    else {
      const struct = requireStruct(schema, value, PURPOSE);
      for (const { name, schema: of } of schema.fields) changed[name] = read(struct, name, of);
    }
    for (const { name, of } of insertions) {
      const inserted = of(record, schema !== null);
      if (inserted !== undefined) changed[name] = inserted;
    }
    return side.put(record, schema === null ? null : updated(schema), changed);
  };
});
