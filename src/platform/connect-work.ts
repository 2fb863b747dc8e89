// The thread of Connect, on the broker and the registry of the platform.
import { HttpSchemaSource } from '../schema-registry/index.ts';
import { startConnect } from './connect.ts';
import { workInThread } from './thread-work.ts';

workInThread(async (start, client) => {
  const url = start.settings.platform['schema.registry.listeners'];
  await startConnect(start, client, new HttpSchemaSource({ url }));
  return {};
});
