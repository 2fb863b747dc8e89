// The registry as its settings say, in whichever thread: instances share the topic in which schemas are.
import type { Client } from '../client/index.ts';
import { type CompatibilityLevel, registrySettings, SchemaRegistry } from '../schema-registry/index.ts';
import { readSettings } from '../util/index.ts';
import type { Start } from './start.ts';

/** Resolves when it has read all schemas; ended with what was started. */
export async function openRegistry({ settings, environment, log, stop }: Start, client: Client) {
  const values = readSettings(registrySettings, settings.registry);
  const registry = await SchemaRegistry.open(client, {
    topic: values['kafkastore.topic'],
    compatibilityLevel: values['schema.compatibility.level'].toUpperCase() as CompatibilityLevel,
    environment,
    log,
  });
  stop.push(() => registry.close());
  return { registry, values };
}
