// Batches that unpack to much are unpacked beside the event loop: in their order, whole, and without holding up others.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { dialTcp } from '../../src/client/dial.ts';
import { BATCH_HEADER_BYTES, create, metadata, produce, sealBatch, type Transport } from '../../src/protocol/index.ts';
import { batchOf, createTopic, handOver, openBroker, send, valuesOf } from './support.ts';

async function open(): Promise<{ transport: Transport; dial: () => Promise<Transport> }> {
  const broker = await openBroker();
  const address = await broker.listen({ host: '127.0.0.1', port: 0 });
  const dial = () => dialTcp(address);
  return { transport: await dial(), dial };
}

/** What hardly gets smaller: 48 KiB of it is packed beside the event loop, 1 KiB at once. */
const text = (name: string, bytes: number) => `${name} ${randomBytes(bytes / 2).toString('hex')}`;

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('large batches in %s', (name) => {
  test('keep their places among small ones of their connection', async () => {
    const { transport } = await open();
    await createTopic(transport, 't');
    const values = Array.from({ length: 30 }, (_, i) => text(`record ${i}`, i % 3 === 0 ? 96 * 1024 : 1024));
    const answers = await Promise.all(
      values.map((value) => send(transport, 't', batchOf([value], { compression: name }))),
    );
    expect(answers.map(({ baseOffset, errorCode }) => [baseOffset, errorCode])).toEqual(values.map((_, i) => [i, 0]));
    expect(await valuesOf(transport, 't')).toEqual(values);
  });

  test('are there when nobody waits for their answer', async () => {
    const { transport } = await open();
    await createTopic(transport, 't');
    const values = Array.from({ length: 5 }, (_, i) => text(`record ${i}`, 96 * 1024));
    for (const value of values) await handOver(transport, 't', batchOf([value], { compression: name }));
    await expect.poll(() => valuesOf(transport, 't')).toEqual(values);
  });

  test('become what the topic stores', async () => {
    const { transport } = await open();
    await createTopic(transport, 't', 1, { 'compression.type': name === 'gzip' ? 'zstd' : 'gzip' });
    const value = text('record', 96 * 1024);
    expect(await send(transport, 't', batchOf([value], { compression: name }))).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    expect(await valuesOf(transport, 't')).toEqual([value]);
  });

  test('are refused whole when an end is missing', async () => {
    const { transport } = await open();
    await createTopic(transport, 't');
    const whole = batchOf([text('record', 96 * 1024)], { compression: name });
    const batch = whole.subarray(0, whole.length - 100);
    batch.writeInt32BE(batch.length - 12, 8);
    sealBatch(batch);
    const { errorCode } = await send(transport, 't', batch);
    expect(errorCode).not.toBe(0);
    expect(await send(transport, 't', batchOf(['next']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });
});

test('what is small and unpacks to much is taken in turns: in its order, and others are answered meanwhile', async () => {
  const { transport, dial } = await open();
  const other = await dial();
  await createTopic(transport, 't', 8, { 'max.message.bytes': '100000000' });
  await createTopic(transport, 'other');
  const values = Array.from({ length: 8 }, (_, i) => `${i}${'x'.repeat(12 * 1024 * 1024)}`);
  const partitionData = values.map((value, index) => ({
    index,
    records: batchOf([value], { compression: index % 2 === 0 ? 'zstd' : 'gzip' }),
  }));
  const { topicId } = (await transport.request(metadata, create(metadata, { topics: [{ name: 't' }] }))).topics[0]!;
  let isDone = false;
  const taken = transport
    .request(produce, create(produce, { acks: -1, topicData: [{ topicId, partitionData }] }))
    .finally(() => {
      isDone = true;
    });
  const behind = send(transport, 't', ['behind']);
  let answeredMeanwhile = 0;
  while (!isDone) {
    await send(other, 'other', ['a']);
    answeredMeanwhile++;
  }
  const { responses } = await taken;
  expect(responses[0]!.partitionResponses.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual(
    values.map(() => [0, 0]),
  );
  expect(await behind).toMatchObject({ errorCode: 0, baseOffset: 1 });
  expect(answeredMeanwhile).toBeGreaterThan(5);
});

test('a bomb is refused, and others are answered meanwhile', async () => {
  const { transport, dial } = await open();
  const other = await dial();
  await createTopic(transport, 't');
  const packed = gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 9 });
  const bomb = Buffer.concat([batchOf(['x'], { compression: 'gzip' }).subarray(0, BATCH_HEADER_BYTES), packed]);
  bomb.writeInt32BE(bomb.length - 12, 8);
  sealBatch(bomb);
  let isRefused = false;
  const refused = send(transport, 't', bomb).then((answer) => {
    isRefused = true;
    return answer;
  });
  let answeredMeanwhile = 0;
  while (!isRefused) {
    await send(other, 't', ['a']);
    answeredMeanwhile++;
  }
  expect(await refused).toMatchObject({ errorCode: 10, errorMessage: expect.stringContaining('134217728') });
  expect(answeredMeanwhile).toBeGreaterThan(5);
  expect(await send(transport, 't', ['behind it'])).toMatchObject({ errorCode: 0 });
});
