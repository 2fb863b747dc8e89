// What one request costs: connections that each send one record, wait for the answer and send the next. The request is
// encoded once, so that the sender costs as little as it can.
import { connect } from 'node:net';
import { create, encodeRequest, FrameWriter, produce, RecordBatchBuilder } from '../../src/protocol/index.ts';
import type { Contender } from './contenders.ts';
import type { Throughput } from './perf-tools.ts';

const VERSION = 9;
const RECORD_BYTES = 100;
const ANSWER_SIZE_BYTES = 4;

export async function unbatched(
  at: Contender,
  topic: string,
  partitions: number,
  connections: number,
  seconds: number,
): Promise<Throughput> {
  const cpu = at.cpuSeconds();
  const endMs = performance.now() + seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: connections }, (_, i) => sendUntil(endMs, at.address, requestTo(topic, i % partitions))),
  );
  const records = counts.reduce((sum, count) => sum + count, 0);
  return { perSecond: records / seconds, cpuMicros: ((at.cpuSeconds() - cpu) / records) * 1e6 };
}

function requestTo(topic: string, partition: number): Buffer {
  const batch = new RecordBatchBuilder();
  batch.append(null, Buffer.alloc(RECORD_BYTES, 'x'), Date.now());
  const partitionData = [{ index: partition, records: batch.finish() }];
  const body = create(produce, { acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] });
  const out = new FrameWriter();
  encodeRequest(produce, VERSION, 1, 'unbatched', body, out);
  return Buffer.concat(out.take());
}

/** Answers how many requests were answered. */
function sendUntil(endMs: number, address: string, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let missing: Buffer = Buffer.alloc(0);
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => {
      socket.setNoDelay(true);
      socket.write(request);
    });
    socket.on('data', (chunk: Buffer) => {
      const bytes = missing.length === 0 ? chunk : Buffer.concat([missing, chunk]);
      if (bytes.length < ANSWER_SIZE_BYTES || bytes.length < ANSWER_SIZE_BYTES + bytes.readInt32BE(0)) {
        missing = bytes;
        return;
      }
      missing = Buffer.alloc(0);
      count++;
      if (performance.now() < endMs) socket.write(request);
      else socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(count));
  });
}
