import { MessageChannel } from 'node:worker_threads';
import { createClient, dialThread } from '../../src/client/index.ts';
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

clientSuite('from another thread', async () => {
  const { broker, close } = await openEmbedded();
  const dial = () => {
    const { port1, port2 } = new MessageChannel();
    broker.serveThread(port1);
    return dialThread(port2);
  };
  return { connect: () => createClient({ dial }), close };
});
