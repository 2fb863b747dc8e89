// A worker on an embedded broker, and what its listener heard.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Client, type ConsumerRecord, recordsOf } from '../../../src/client/index.ts';
import type { Plugin } from '../../../src/connect/index.ts';
import { Plugins } from '../../../src/connect/plugins/index.ts';
import { ConnectWorker, type WorkerOptions } from '../../../src/connect/runtime/worker.ts';
import type { RunState, TaskId } from '../../../src/connect/runtime/worker-port.ts';
import { MemorySchemas } from '../../../src/serde/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';
import { openEmbedded } from '../../suites/embedded.ts';

const ends: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Something to be ended behind the test. */
export function afterwards(end: () => Promise<void> | void): void {
  ends.push(end);
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
  afterwards(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An embedded broker, ended behind the test. */
export async function openCluster(): Promise<Awaited<ReturnType<typeof openEmbedded>>> {
  const embedded = await openEmbedded();
  afterwards(() => embedded.close());
  return embedded;
}

/** Resolves when the condition holds; fails when it does not within half a minute. */
export async function until(what: string, holds: () => unknown, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** All records of a topic up to its end, in the order of their offsets by partition. */
export async function recordsIn(
  client: Client,
  topic: string,
  isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<ConsumerRecord[]> {
  const found = (await client.admin().describeTopics([topic])).get(topic);
  if (found === undefined) return [];
  const partitions = found.partitions.map(({ partition }) => ({ topic, partition }));
  const asked = partitions.map((partition) => ({ ...partition, timestamp: -1 }));
  const ends = await client.admin().listOffsets(asked, isolationLevel);
  const consumer = client.consumer({ isolationLevel, autoOffsetReset: 'earliest' });
  consumer.assign(partitions.map((partition) => ({ ...partition, offset: -2 })));
  const records: ConsumerRecord[] = [];
  try {
    const isBehind = (): boolean =>
      ends.some(({ partition, offset }) => offset > 0 && consumer.position({ topic, partition }) < offset);
    while (isBehind()) records.push(...recordsOf(await consumer.poll(100)));
  } finally {
    await consumer.close();
  }
  return records;
}

export async function valuesIn(client: Client, topic: string): Promise<(string | undefined)[]> {
  return (await recordsIn(client, topic)).map(({ value }) => value?.toString());
}

/** Where things are, and have been. */
export class Heard {
  readonly states: string[] = [];
  readonly topics = new Set<string>();
  readonly traces = new Map<string, string>();
  readonly reconfigurations: string[] = [];
  readonly #now = new Map<string, RunState>();

  readonly listener = {
    onConnector: (name: string, state: RunState, trace?: string) => this.#hear(name, state, trace),
    onTask: ({ connector, task }: TaskId, state: RunState, trace?: string) =>
      this.#hear(`${connector}-${task}`, state, trace),
    onTaskReconfiguration: (connector: string) => void this.reconfigurations.push(connector),
    onTopic: ({ connector }: TaskId, topic: string) => void this.topics.add(`${connector} ${topic}`),
  };

  stateOf(name: string): RunState | undefined {
    return this.#now.get(name);
  }

  async is(name: string, state: RunState): Promise<void> {
    await until(`${name} is ${state}; heard ${this.states.join(', ')}\n${[...this.traces.values()].join('\n')}`, () => {
      return this.stateOf(name) === state;
    });
  }

  #hear(name: string, state: RunState, trace?: string): void {
    this.#now.set(name, state);
    this.states.push(`${name} ${state}`);
    if (trace !== undefined) this.traces.set(name, trace);
  }
}

const STRINGS = 'org.apache.kafka.connect.storage.StringConverter';

/** A worker, ended behind the test, whose converters are those of texts. */
export async function openWorker(
  client: Client,
  plugins: readonly Plugin[],
  given: Partial<WorkerOptions> = {},
): Promise<{ worker: ConnectWorker; heard: Heard; log: string[] }> {
  const heard = new Heard();
  const log: string[] = [];
  const say = (message: string): void => void log.push(message);
  const worker = await ConnectWorker.open({
    client,
    plugins: new Plugins(plugins),
    raw: { 'key.converter': STRINGS, 'value.converter': STRINGS, 'header.converter': STRINGS },
    resolve: async (config) => config,
    schemaSource: () => new MemorySchemas(),
    offsets: { topic: 'connect-offsets', partitions: 5, replicationFactor: 1 },
    groupId: 'connect-cluster',
    exactlyOnceSources: false,
    overridePolicy: 'All',
    topicCreation: true,
    flushIntervalMs: 50,
    shutdownTimeoutMs: 5000,
    environment: systemEnvironment,
    logOf: () => ({ error: say, warn: say, info: say, debug: say }),
    listener: heard.listener,
    ...given,
  });
  afterwards(() => worker.close());
  return { worker, heard, log };
}
