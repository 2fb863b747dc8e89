// What the death of a broker costs an application that runs exactly once on a cluster of three: silence until somebody else
// leads, and nothing more. Runs where there are Java and Maven; KAFKA_KILLS says how many brokers die one after the other, 2 by
// default; `npm run broker-deaths` has 20, and the limit that counts on a machine with nothing else to do.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { KafkaStreams, StreamsBuilder } from '../../src/streams/index.ts';
import { type KafkaCluster, openKafkaCluster } from '../suites/kafka-cluster.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { follow, writeWords } from './steady-load.ts';
import { long, text, texts } from './support.ts';

const NODES = 3;
const KILLS = Number(process.env['KAFKA_KILLS'] ?? 2);
/**
 * A cluster takes a node for dead after 6 s, and the rest should be finding out who leads now: 10 s in all. The limit here is
 * wider, as everything is slower on a busy machine; it still tells that from going on asking the dead.
 */
const LONGEST_SILENCE_MS = Number(process.env['KAFKA_SILENCE_MS'] ?? 20_000);
const kafka = await kafkaJars();
const reason = 'missing' in kafka ? kafka.missing : undefined;
if (reason !== undefined) console.log(`the death of brokers is not tested: ${reason}`);

describe.skipIf(reason !== undefined)(
  `on a cluster whose brokers die${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let cluster: KafkaCluster;
    let client: Client;

    beforeAll(async () => {
      cluster = await openKafkaCluster((kafka as { readonly folder: string }).folder, NODES);
      client = createClient({ bootstrapServers: cluster.bootstrapServers });
    }, 180_000);
    afterAll(async () => {
      await client?.close();
      await cluster?.close();
    }, 60_000);

    test(
      'counts go on, every one once and in order',
      async () => {
        await client.admin().createTopics([
          { name: 'words', partitions: 3 },
          { name: 'counts', partitions: 3 },
        ]);
        const builder = new StreamsBuilder();
        builder
          .stream<string, string>('words', texts)
          .groupBy((_key, word) => word, { ...texts, name: 'by-word' })
          .count({ name: 'counted', value: long })
          .toStream()
          .to('counts', { key: text, value: long });
        const app = new KafkaStreams(builder.build(), {
          client: createClient({ bootstrapServers: cluster.bootstrapServers }),
          applicationId: 'counting',
          processingGuarantee: 'exactly_once_v2',
          cacheMaxBytes: 0,
          sessionTimeoutMs: 6_000,
          heartbeatIntervalMs: 1_000,
          onError: (error, fatal) => log(`${fatal ? 'stopped at' : 'recovers from'} ${String(error)}`),
        });
        app.onStateChange((state) => log(`the application is ${state}`));
        await app.start();

        const reading = follow(client, 'counts');
        const writing = writeWords(createClient({ bootstrapServers: cluster.bootstrapServers }), 'words');
        await reading.until(() => reading.total() > 200);
        for (let kill = 0; kill < KILLS; kill++) {
          const node = 1 + (kill % NODES);
          reading.longestSilence = 0;
          const at = performance.now();
          log(`killing ${node}`);
          await cluster.kill(node);
          await reading.until(() => performance.now() - at > 12_000 && reading.sinceLast() < 1_000);
          log(`the longest silence was ${Math.round(reading.longestSilence)} ms`);
          expect(reading.longestSilence, `after the death of broker ${node}`).toBeLessThan(LONGEST_SILENCE_MS);
          await cluster.restart(node);
          // All partitions are in sync again, or the next death would take too many.
          const mark = reading.total();
          await reading.until(() => reading.total() > mark + 500);
        }
        const sent = await writing.stop();
        await reading.until(() => reading.total() >= sent);
        await app.close();
        await reading.stop();
        expect(app.state).toBe('NOT_RUNNING');
        expect(reading.faults).toEqual([]);
        expect(reading.total()).toBe(sent);
      },
      180_000 + KILLS * 120_000,
    );
  },
);

const started = performance.now();

function log(line: string): void {
  if (process.env['KAFKA_VERBOSE'] !== undefined) console.log(`${Math.round(performance.now() - started)} ${line}`);
}
