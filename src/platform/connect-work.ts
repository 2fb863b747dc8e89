// The thread of Connect, with an instance of the registry of its own, from when a converter first asks for a schema.
import { startConnect } from './connect.ts';
import { lazySchemas } from './lazy-schemas.ts';
import { workInThread } from './thread-work.ts';

workInThread(async (start, client) => {
  const schemas = lazySchemas(async () => {
    const [{ registrySource }, { openRegistry }] = await Promise.all([
      import('../schema-registry/index.ts'),
      import('./registry.ts'),
    ]);
    const { registry } = await openRegistry(start, client);
    return registrySource(registry);
  });
  await startConnect(start, client, schemas);
  return {};
});
