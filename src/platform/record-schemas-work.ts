// The thread that checks records of topics which want schemas, with an instance of the registry of its own.
import { registrySource } from '../schema-registry/index.ts';
import { recordSchemas } from './record-check.ts';
import { openRegistry } from './registry.ts';
import { workInThread } from './thread-work.ts';

workInThread(async (start, client) => {
  const { registry } = await openRegistry(start, client);
  const { check } = recordSchemas(registrySource(registry));
  return { callable: { check } };
});
