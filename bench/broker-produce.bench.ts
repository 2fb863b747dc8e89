// How much of a client's own speed the broker leaves it: kcat and kafkajs write to our broker (acks=all, every batch
// forced to the disk), and to a sink that acknowledges everything and keeps nothing. Both in one run: the ratio is the figure.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import kafkajs from 'kafkajs';
import { Broker } from '../src/broker/index.ts';
import {
  type AnyApi,
  apiVersions,
  ByteReader,
  create,
  createTopics,
  encodeResponse,
  FrameSplitter,
  metadata,
  produce,
  readRequestBody,
  readRequestHeader,
  type RequestOf,
  respond,
} from '../src/protocol/index.ts';

export const name = 'broker: produce with acks=all, beside a sink that does nothing';

const TOPIC = 'bench';
const KCAT_RECORDS = 1_000_000;
const KAFKAJS_RECORDS = 200_000;
const KAFKAJS_BATCH = 1000;
const VALUE = 'x'.repeat(100);

export async function measure(): Promise<Record<string, number | string>> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const broker = await Broker.open({ dataDir: join(directory, 'data') });
  const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }];
  await broker.connect().request(createTopics, create(createTopics, { topics }));
  const sink = await openSink();
  const sinkPort = (sink.address() as AddressInfo).port;
  const figures: Record<string, number | string> = {};
  try {
    const lines = join(directory, 'lines');
    writeFileSync(lines, `${VALUE}\n`.repeat(KCAT_RECORDS));
    if (hasKcat()) {
      await runKcat(sinkPort, lines);
      const toSink = KCAT_RECORDS / (await runKcat(sinkPort, lines));
      const toBroker = KCAT_RECORDS / (await runKcat(port, lines));
      record(figures, 'kcat, 100 B', toBroker, toSink);
    } else {
      figures['kcat'] = 'skipped: not installed';
    }
    await runKafkajs(sinkPort);
    const toSink = KAFKAJS_RECORDS / (await runKafkajs(sinkPort));
    const toBroker = KAFKAJS_RECORDS / (await runKafkajs(port));
    record(figures, `kafkajs, 100 B × ${KAFKAJS_BATCH}`, toBroker, toSink);
    return figures;
  } finally {
    sink.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function record(figures: Record<string, number | string>, what: string, toBroker: number, toSink: number): void {
  figures[`${what}: records/s to the broker`] = Math.round(toBroker);
  figures[`${what}: records/s to the sink`] = Math.round(toSink);
  figures[`${what}: share of the client's own speed`] = toBroker / toSink;
}

function hasKcat(): boolean {
  try {
    execFileSync('kcat', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Seconds for writing all lines of a file. */
function runKcat(port: number, lines: string): Promise<number> {
  const started = performance.now();
  const options = ['-X', 'linger.ms=5', '-X', 'queue.buffering.max.messages=2000000'];
  const child = spawn('kcat', ['-b', `127.0.0.1:${port}`, '-P', '-t', TOPIC, '-l', ...options, lines]);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve((performance.now() - started) / 1000);
      else reject(new Error(`kcat ended with code ${code}`));
    });
  });
}

async function runKafkajs(port: number): Promise<number> {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const kafka = new kafkajs.Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: kafkajs.logLevel.ERROR });
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: KAFKAJS_BATCH }, () => ({ value: VALUE }));
  const started = performance.now();
  let left = KAFKAJS_RECORDS / KAFKAJS_BATCH;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (left-- > 0) await producer.send({ topic: TOPIC, acks: -1, messages });
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await producer.disconnect();
  return seconds;
}

/** Speaks just enough to be written to. */
function openSink(): Promise<Server> {
  const apis: readonly AnyApi[] = [apiVersions, metadata, produce];
  const server = createServer({ noDelay: true }, (socket) => {
    const splitter = new FrameSplitter();
    let offset = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) {
        const from = new ByteReader(frame);
        const { apiKey, apiVersion, correlationId } = readRequestHeader(from);
        const api = apis.find(({ key }) => key === apiKey);
        if (api === undefined) {
          socket.destroy();
          return;
        }
        const answer = answerTo(api, readRequestBody(api, apiVersion, from));
        socket.write(Buffer.concat(encodeResponse(api, apiVersion, correlationId, answer) as Buffer[]));
      }
    });

    function answerTo(api: AnyApi, request: unknown): unknown {
      if (api.key === apiVersions.key) {
        const apiKeys = apis.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }));
        return respond(apiVersions, { apiKeys });
      }
      if (api.key === metadata.key) {
        const { port } = server.address() as AddressInfo;
        const partitions = [{ leaderId: 1, replicaNodes: [1], isrNodes: [1] }];
        return respond(metadata, {
          brokers: [{ nodeId: 1, host: '127.0.0.1', port }],
          controllerId: 1,
          topics: [{ name: TOPIC, partitions }],
        });
      }
      const { topicData } = request as RequestOf<typeof produce>;
      return respond(produce, {
        responses: topicData.map((topic) => ({
          name: topic.name,
          partitionResponses: topic.partitionData.map(({ index }) => ({ index, baseOffset: offset++ })),
        })),
      });
    }
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
