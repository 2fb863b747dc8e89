import { test } from 'vitest';
import { hasOpenssl } from '../suites/certificates.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { securedClientSuite } from '../suites/secured-client.ts';
import { openSecuredKafka } from '../suites/secured-kafka.ts';

// Another version than the usual one, for those who have its jars.
const folder = process.env['KAFKA_LIB'];
const jars = folder === undefined ? await kafkaJars() : { folder };
const missing = !hasOpenssl()
  ? 'there is no openssl (apt-get install openssl)'
  : 'missing' in jars
    ? jars.missing
    : undefined;
if ('missing' in jars || missing !== undefined) test.skip(`skipped: ${missing}`, () => {});
else securedClientSuite('on Apache Kafka', () => openSecuredKafka(jars.folder));
