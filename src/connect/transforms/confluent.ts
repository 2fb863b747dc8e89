// Transformations of Confluent's that have no counterpart among Kafka's: TombstoneHandler and Drop.
import { type ConfigDef, defineConfig, oneOfTexts } from '../api/config-def.ts';
import { type TransformationPlugin, transformationPlugin } from '../api/plugins.ts';
import { DataError } from '../data/errors.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import type { ConnectRecord } from '../data/record.ts';
import type { Schema } from '../data/schema.ts';

const PACKAGE = 'io.confluent.connect.transforms';

const tombstoneConfig = defineConfig({
  behavior: {
    type: 'STRING',
    default: 'drop_warn',
    importance: 'HIGH',
    doc: 'What becomes of tombstones: drop_silent and drop_warn leave them out, ignore lets them go on, fail makes the task fail.',
    validator: oneOfTexts('drop_silent', 'drop_warn', 'ignore', 'fail'),
  },
});

/** TombstoneHandler: tombstones left out, or refused. */
const tombstoneHandler = transformationPlugin({
  className: `${PACKAGE}.TombstoneHandler`,
  version: KAFKA_VERSION,
  config: tombstoneConfig,
  create: ({ behavior }) => ({
    apply(record) {
      if (record.value !== null && record.value !== undefined) return record;
      if (behavior === 'ignore') return record;
      if (behavior === 'fail') throw new DataError(`Tombstone record encountered on topic ${record.topic}`);
      return null;
    },
  }),
});

const dropConfig = defineConfig({
  'schema.behavior': {
    type: 'STRING',
    default: 'nullify',
    importance: 'MEDIUM',
    doc: 'What becomes of the schema: nullify leaves none, retain keeps it where it allows null, force_optional makes it allow that.',
    validator: oneOfTexts('nullify', 'retain', 'force_optional'),
  },
} satisfies ConfigDef);

/** The schema of a null in place of a value. */
function schemaOfNull(schema: Schema | null, behavior: string): Schema | null {
  if (schema === null || behavior === 'nullify') return null;
  if (schema.optional) return schema;
  if (behavior === 'force_optional') return schema.with({ optional: true });
  throw new DataError('The schema does not allow null: set schema.behavior to nullify or force_optional');
}

function drop(
  side: 'Key' | 'Value',
  apply: <R extends ConnectRecord>(record: R, behavior: string) => R,
): TransformationPlugin<typeof dropConfig> {
  return transformationPlugin({
    className: `${PACKAGE}.Drop$${side}`,
    version: KAFKA_VERSION,
    config: dropConfig,
    create: (settings) => ({ apply: (record) => apply(record, settings['schema.behavior']) }),
  });
}

/** Both of them. */
export const confluentTransforms: readonly TransformationPlugin[] = [
  tombstoneHandler,
  drop('Key', (record, behavior) => ({ ...record, key: null, keySchema: schemaOfNull(record.keySchema, behavior) })),
  drop('Value', (record, behavior) => ({
    ...record,
    value: null,
    valueSchema: schemaOfNull(record.valueSchema, behavior),
  })),
];
