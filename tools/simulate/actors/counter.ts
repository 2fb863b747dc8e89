import type { Serde } from '../../../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder, type Topology } from '../../../src/streams/index.ts';
import type { Logs } from '../logs.ts';
import { type Actor, assertExpected, type Host, untilDone } from './actor.ts';

const text: Serde<string> = {
  name: 'TEXT',
  encode: (value, out) => out.utf8(value),
  decode: (bytes, start, end) => bytes.toString('utf8', start, end),
};

/**
 * A Streams application, exactly-once and without caches: counts records by their writer's name and their key, over a repartition topic.
 * Each count comes out once, and they rise by one.
 */
export class Counter implements Actor {
  readonly name: string;
  readonly isFollower = true;
  readonly #from: string;
  readonly #to: string;

  constructor(name: string, from: string, to: string) {
    this.name = name;
    this.#from = from;
    this.#to = to;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const { client, process } = host;
      const app = new KafkaStreams(this.#topology(), {
        client,
        applicationId: 'counter',
        processingGuarantee: 'exactly_once_v2',
        cacheMaxBytes: 0,
        commitIntervalMs: 200,
        sessionTimeoutMs: 3000,
        heartbeatIntervalMs: 500,
        rebalanceTimeoutMs: 3000,
        transactionTimeoutMs: 5000,
        environment: process.environment,
        onError: (error, fatal) => process.note(`${fatal ? 'stops at' : 'recovers from'} ${(error as Error).message}`),
      });
      const stopped = new Promise<void>((_, reject) => {
        app.onStateChange((state) => {
          if (state === 'ERROR') reject(app.error as Error);
        });
      });
      stopped.catch(assertExpected);
      await app.start();
      host.count();
      await stopped;
    });
  }

  #topology(): Topology {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(this.#from, { key: text, value: text })
      .groupBy((key, value) => groupOf(key, value), { key: text, name: 'groups' })
      .count({ name: 'counts' })
      .toStream()
      .mapValues((_group, count) => String(count))
      .to(this.#to, { key: text, value: text });
    return builder.build();
  }

  complaint(logs: Logs): string | undefined {
    const expected = new Map<string, number>();
    for (const { key, value } of logs.of(this.#from).flat()) {
      const group = groupOf(key!, value!);
      expected.set(group, (expected.get(group) ?? 0) + 1);
    }
    const counted = new Map<string, number>();
    for (const { key, value } of logs.of(this.#to).flat()) {
      const next = (counted.get(key!) ?? 0) + 1;
      if (Number(value) !== next) return `group ${key} counts ${value} where ${next} comes next`;
      counted.set(key!, next);
    }
    for (const [group, count] of expected) {
      const found = counted.get(group) ?? 0;
      if (found !== count) return `group ${group} has ${count} records and counts ${found}`;
    }
    return undefined;
  }
}

function groupOf(key: string, value: string): string {
  return `${key}/${value.split('/', 1)[0]}`;
}
