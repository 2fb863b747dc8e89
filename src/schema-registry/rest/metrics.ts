// What Prometheus is told about the registry besides its requests. Names are those of the original's beans, as its
// exporters spell them.
import type { ServiceMetrics } from '../../rim/index.ts';
import type { SchemaRegistry } from '../registry.ts';

export function registryMetrics(registry: SchemaRegistry): ServiceMetrics {
  const byType = (deleted: boolean) => {
    const values: Record<string, number> = { AVRO: 0, JSON: 0, PROTOBUF: 0 };
    for (const schema of registry.schemas({ deleted: true })) {
      if (schema.deleted === deleted) values[schema.schemaType]!++;
    }
    return { label: 'schema_type', values };
  };
  return {
    prefix: 'kafka_schema_registry',
    gauges: [
      { name: 'registered_count', help: 'Versions of schemas that are registered.', value: () => byType(false) },
      { name: 'deleted_count', help: 'Versions of schemas that are softly deleted.', value: () => byType(true) },
      { name: 'subjects', help: 'Subjects that have a version.', value: () => registry.subjects().length },
      { name: 'contexts', help: 'Contexts, the default one included.', value: () => registry.contexts().length },
      {
        name: 'store_position',
        help: 'How many records of its topic the registry has read.',
        value: () => registry.position,
      },
    ],
  };
}
