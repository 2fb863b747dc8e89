import { createClient } from '../../src/client/index.ts';
import { clientSuite } from '../suites/client.ts';
import { openEmbedded } from '../suites/embedded.ts';

clientSuite('in process', async () => {
  const embedded = await openEmbedded();
  return { connect: () => embedded.connect(), close: () => embedded.close() };
});

clientSuite('over TCP', async () => {
  const embedded = await openEmbedded();
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  return { connect: () => createClient({ bootstrapServers: `${host}:${port}` }), close: () => embedded.close() };
});
