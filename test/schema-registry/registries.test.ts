import { createClient } from '../../src/client/index.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { registriesSuite } from '../suites/registries.ts';

registriesSuite('of an embedded broker', async () => {
  const embedded = await openEmbedded();
  return { connect: () => embedded.connect(), close: () => embedded.close() };
});

const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
if (bootstrapServers !== undefined) {
  registriesSuite('of Apache Kafka', async () => ({
    connect: () => createClient({ bootstrapServers }),
    close: async () => {},
  }));
}
