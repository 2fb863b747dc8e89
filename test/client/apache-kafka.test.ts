// The client against a real Apache Kafka: started by whoever runs this, since it takes a JVM and half a minute.
import { test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { clientSuite } from '../suites/client.ts';
import { consumerGroupSuite } from '../suites/consumer-groups.ts';
import { shareGroupSuite } from '../suites/share-groups.ts';

const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
if (bootstrapServers === undefined) {
  test.skip('skipped: KAFKA_BOOTSTRAP_SERVERS names no Apache Kafka to test against', () => {});
} else {
  const open = async () => ({ connect: () => createClient({ bootstrapServers }), close: async () => {} });
  clientSuite('on Apache Kafka', open);
  consumerGroupSuite('on Apache Kafka', open);
  shareGroupSuite('on Apache Kafka', open);
}
