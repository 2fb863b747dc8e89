// A registry in a process of its own, for tests that kill it: node registry-child.ts <broker>. Sends its URL when it answers.
import { createClient } from '../../src/client/index.ts';
import { registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';

const registry = await SchemaRegistry.open(createClient({ bootstrapServers: process.argv[2]! }));
const server = registryServer(registry, { clusterId: 'c', version: '0' });
process.send!(await server.listen({ host: '127.0.0.1', port: 0 }));
