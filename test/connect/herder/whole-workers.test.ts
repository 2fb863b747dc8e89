// Workers with everything that is real, on a broker that some of them lose: what their sources read is in topics once.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, createClient } from '../../../src/client/index.ts';
import { readConnectorFile } from '../../../src/connect/herder/connector-files.ts';
import { MillraceError } from '../../../src/util/index.ts';
import type { Embedded } from '../../suites/embedded.ts';
import { ask, until } from '../rest/asking.ts';
import { valuesIn } from '../support/worker.ts';
import { openBroker } from './cluster.ts';
import { clusterSettings, startWorker, type WholeWorker } from './whole-worker.ts';

const CLUSTER = {
  ...clusterSettings('whole'),
  'scheduled.rebalance.max.delay.ms': '300',
  'session.timeout.ms': '1500',
  'heartbeat.interval.ms': '100',
  'task.shutdown.graceful.timeout.ms': '500',
  'offset.flush.interval.ms': '200',
  'exactly.once.source.support': 'enabled',
};

let embedded: Embedded;
let directory: string;
let client: Client;
const workers: WholeWorker[] = [];

beforeEach(async () => {
  embedded = await openBroker();
  directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
  client = embedded.connect();
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  await client.close();
  await embedded.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A worker whose way to the broker can be taken away, and given back. */
async function startCuttable(): Promise<WholeWorker & { cut(): void; mend(): void }> {
  let isCut = false;
  const open = new Set<{ close(): void }>();
  const own = createClient({
    dial: async () => {
      if (isCut) throw new MillraceError('CONNECTION_FAILED', 'the way to the broker is cut', { retriable: true });
      const transport = embedded.broker.connect();
      open.add(transport);
      return transport;
    },
  });
  const worker = await startWorker('distributed', own, CLUSTER);
  workers.push(worker);
  return Object.assign(worker, {
    cut: () => {
      isCut = true;
      for (const transport of open) transport.close();
      open.clear();
    },
    mend: () => {
      isCut = false;
    },
  });
}

test('workers that lose their broker in turns: every line is in its topic once', { timeout: 120_000 }, async () => {
  const all = [await startCuttable(), await startCuttable(), await startCuttable()];
  const names = ['a', 'b', 'c', 'd', 'e'];
  const fileOf = (name: string) => join(directory, `${name}.txt`);
  for (const name of names) {
    appendFileSync(fileOf(name), 'line 0\n');
    const config = { 'connector.class': 'FileStreamSource', file: fileOf(name), topic: name };
    const { status } = await until(
      () => ask(all[0]!.url, `PUT /connectors/${name}/config`, { body: config }),
      (answer) => answer.status < 300,
    );
    expect(status).toBeLessThan(300);
  }
  let written = 1;
  /** Writes a line to each file, and waits until all have come. */
  const more = async (): Promise<void> => {
    for (const name of names) appendFileSync(fileOf(name), `line ${written}\n`);
    written++;
    for (const name of names) {
      const found = await until(
        () => valuesIn(client, name),
        (values) => values.includes(`line ${written - 1}`),
        30_000,
      );
      expect(found).toContain(`line ${written - 1}`);
    }
  };
  await more();
  for (const worker of all) {
    worker.cut();
    await more();
    worker.mend();
    await more();
  }
  const lines = Array.from({ length: written }, (_, i) => `line ${i}`);
  for (const name of names) expect(await valuesIn(client, name)).toEqual(lines);
  const statuses = await until(
    async () => {
      const answers = await Promise.all(names.map((name) => ask(all[1]!.url, `GET /connectors/${name}/status`)));
      return answers.flatMap(({ body }) => [body.connector.state as string, body.tasks[0]?.state as string]);
    },
    (states) => states.every((state) => state === 'RUNNING'),
  );
  expect(new Set(statuses)).toEqual(new Set(['RUNNING']));
});

test('a standalone worker makes the connectors of its files, and goes on where it was', {
  timeout: 60_000,
}, async () => {
  const input = join(directory, 'in.txt');
  const settings = { 'offset.storage.file.filename': join(directory, 'offsets'), 'offset.flush.interval.ms': '100' };
  appendFileSync(input, 'one\n');
  appendFileSync(
    join(directory, 'source.properties'),
    `name=local-file-source\nconnector.class=FileStreamSource\ntasks.max=1\nfile=${input}\ntopic=connect-test\n`,
  );
  const output = join(directory, 'out.txt');
  appendFileSync(
    join(directory, 'sink.json'),
    JSON.stringify({
      name: 'sink',
      config: { 'connector.class': 'FileStreamSink', topics: 'connect-test', file: output },
    }),
  );
  const files = ['source.properties', 'sink.json'].map((name) => readConnectorFile(join(directory, name)));
  for (const line of ['two', 'three']) {
    const worker = await startWorker('standalone', embedded.connect(), settings);
    await worker.service.make(files);
    appendFileSync(input, `${line}\n`);
    await until(
      () => valuesIn(client, 'connect-test'),
      (values) => values.includes(line),
    );
    await until(
      async () =>
        (await ask(worker.url, 'GET /connectors/sink/offsets')).body.offsets[0]?.offset.kafka_offset as number,
      (offset) => offset === (line === 'two' ? 2 : 3),
    );
    await expect(worker.service.make(files)).rejects.toThrow('Connector local-file-source could not be made');
    await worker.close();
  }
  expect(await valuesIn(client, 'connect-test')).toEqual(['one', 'two', 'three']);
});
