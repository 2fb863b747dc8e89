// What the builder writes the cursor reads, with every codec; fetches that start inside a batch, end inside one, or hold
// aborted transactions; and broken bytes are refused.
import { Readable } from 'node:stream';
import { createZstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BatchCursor,
  type BatchCursorOptions,
  batchHeader,
  buildTransactionMarker,
  checkSingleBatch,
  compress,
  type CompressionName,
  decompress,
  decompressBeside,
  isIntactBatch,
  placeBatch,
  RecordBatchBuilder,
  type RecordHeader,
  setProducer,
  stampLogAppendTime,
} from '../../src/protocol/index.ts';

const codecs: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

interface PlainRecord {
  key: Buffer | null;
  value: Buffer | null;
  timestamp: number;
  headers: RecordHeader[];
}

const anyBytes = fc.option(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  { freq: 5 },
);
const anyRecord: fc.Arbitrary<PlainRecord> = fc.record({
  key: anyBytes,
  value: anyBytes,
  timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: anyBytes }), {
    maxLength: 3,
  }),
});

test('what is appended is read back, with every codec', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 30 }),
      fc.constantFrom(...codecs),
      (records, compression) => {
        const batch = build(records, compression);
        checkSingleBatch(batch);
        expect(readAll(batch)).toEqual(records.map((record, offset) => ({ offset, ...record })));
        expect(batchHeader.maxTimestamp(batch)).toBe(Math.max(...records.map((record) => record.timestamp)));
      },
    ),
    { numRuns: 150 },
  );
});

describe('a fetch of several batches', () => {
  const batches = [0, 3, 6].map((base) => {
    const batch = build(['a', 'b', 'c'].map((name) => plain(`${name}${base}`)));
    placeBatch(batch, 0, base, 7);
    return batch;
  });
  const all = Buffer.concat(batches);

  test('keeps its CRC when it is placed', () => {
    expect(batches.every((batch) => isIntactBatch(batch, 0))).toBe(true);
    expect(batchHeader.leaderEpoch(batches[2]!)).toBe(7);
  });

  test('starts at the offset asked for', () => {
    expect(offsets(all, { fromOffset: 4 })).toEqual([4, 5, 6, 7, 8]);
  });

  test('tolerates a partial batch at its end, and says where to go on', () => {
    const cursor = new BatchCursor(all.subarray(0, all.length - 1));
    while (cursor.advance());
    expect(cursor.nextOffset).toBe(6);
  });

  test('skips aborted transactions and control records', () => {
    const parts = [
      transactional(0, 1, ['x', 'y']),
      transactional(2, 2, ['p']),
      marker(3, 1, false),
      transactional(4, 1, ['z']),
      marker(5, 2, true),
      marker(6, 1, true),
    ];
    const abortedTransactions = [{ producerId: 1, firstOffset: 0 }];
    const cursor = new BatchCursor(Buffer.concat(parts), { abortedTransactions });
    const seen: number[] = [];
    while (cursor.advance()) seen.push(cursor.offset);
    expect(seen).toEqual([2, 4]);
    expect(cursor.nextOffset).toBe(7);
    expect(offsets(Buffer.concat(parts), { controlRecords: true })).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

test('a batch stamped by the broker has one timestamp and a valid CRC', () => {
  const batch = build([plain('a', 5), plain('b', 9)]);
  stampLogAppendTime(batch, 0, 1000);
  expect(isIntactBatch(batch, 0)).toBe(true);
  expect(readAll(batch).map((record) => record.timestamp)).toEqual([1000, 1000]);
});

test('producer fields can be set after the fact', () => {
  const batch = build([plain('a')]);
  setProducer(batch, 0, 77, 3, 12);
  expect(isIntactBatch(batch, 0)).toBe(true);
  expect([batchHeader.producerId(batch), batchHeader.producerEpoch(batch), batchHeader.baseSequence(batch)]).toEqual([
    77, 3, 12,
  ]);
});

test('any flipped byte behind the length fails the check, except in the offset and the leader epoch', () => {
  const batch = build([plain('hello'), plain('world')]);
  for (let at = 16; at < batch.length; at++) {
    const broken = Buffer.from(batch);
    broken[at]! ^= 0x40;
    expect(() => checkSingleBatch(broken)).toThrow(/checksum|format/);
  }
});

test('random bytes in a batch with a right CRC are refused or read, without hanging', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (noise) => {
      const batch = build([plain('x'.repeat(noise.length))]);
      batch.set(noise, 61);
      try {
        readAll(batch);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/CORRUPT_MESSAGE|MALFORMED_MESSAGE/) });
      }
    }),
    { numRuns: 300 },
  );
});

describe('compression', () => {
  test('reads the framing of the Java snappy library', () => {
    const block = compress(2, Buffer.from('hello hello hello'));
    const size = Buffer.alloc(4);
    size.writeInt32BE(block.length);
    const header = Buffer.from('82534e41505059000000000100000001', 'hex');
    const framed = Buffer.concat([header, size, block, size, block]);
    expect(decompress(2, framed).toString()).toBe('hello hello hellohello hello hello');
  });

  const xerial = (blocks: readonly Buffer[]) =>
    Buffer.concat([
      Buffer.from('82534e415050590000000001000000010000', 'hex').subarray(0, 16),
      ...blocks.flatMap((block) => {
        const packed = compress(2, block);
        const length = Buffer.alloc(4);
        length.writeInt32BE(packed.length);
        return [length, packed];
      }),
    ]);
  /** The size in gzip's trailer is that of the last member only. */
  const large = Buffer.alloc(3_000_000, 'large ');
  const parts = [large, Buffer.from('small'), Buffer.alloc(0)];
  const pieces: [string, number, (parts: readonly Buffer[]) => Buffer][] = [
    ['members of gzip', 1, (all) => Buffer.concat(all.map((part) => compress(1, part)))],
    ['blocks of snappy', 2, xerial],
  ];
  test.each(pieces)('unpacks several %s, however large each is', async (_what, codec, pack) => {
    for (const order of [parts, [...parts].reverse(), [large], [parts[1]!]]) {
      const packed = pack(order);
      const plain = Buffer.concat(order);
      expect(decompress(codec, packed).equals(plain)).toBe(true);
      expect((await decompressBeside(codec, packed, plain.length)).equals(plain)).toBe(true);
      expect((await decompressBeside(codec, packed, 10 * plain.length)).equals(plain)).toBe(true);
      await expect(decompressBeside(codec, packed, plain.length - 1)).rejects.toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
      });
    }
  });

  test('unpacks a frame of zstd that does not say its size', async () => {
    const streamed = Buffer.concat(await Readable.from([large, large]).pipe(createZstdCompress()).toArray());
    const plain = Buffer.concat([large, large]);
    expect((await decompressBeside(4, streamed, plain.length)).equals(plain)).toBe(true);
    await expect(decompressBeside(4, streamed, plain.length - 1)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  });

  test('refuses broken bytes beside the event loop as in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 3, 4),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(60),
        async (codec, noise, at) => {
          const packed = compress(codec, Buffer.from('hello hello hello hello'));
          Buffer.from(noise).copy(packed, Math.min(at, packed.length));
          const outcome = async (unpack: () => Buffer | Promise<Buffer>) => {
            try {
              return (await unpack()).toString('hex');
            } catch (error) {
              return (error as { code: string }).code;
            }
          };
          expect(await outcome(() => decompressBeside(codec, packed, 1000))).toBe(
            await outcome(() => decompress(codec, packed, 1000)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([1, 2, 3, 4])('refuses a bomb of codec %i before it is unpacked', (codec) => {
    const bomb = compress(codec, Buffer.alloc(8 * 1024 * 1024));
    expect(() => decompress(codec, bomb, 1024 * 1024)).toThrow(/more than 1048576/);
    expect(decompress(codec, bomb).length).toBe(8 * 1024 * 1024);
  });

  test.each([1, 2, 3, 4])('refuses noise as codec %i', (codec) => {
    expect(() => decompress(codec, Buffer.from('this is certainly not compressed'))).toThrow(/unpacked/);
  });

  test('writes lz4 frames of independent blocks, as the Java client demands', () => {
    expect(compress(3, Buffer.alloc(200_000, 'abc'))[4]! & 0x20).toBe(0x20);
  });
});

function build(records: readonly PlainRecord[], compression: CompressionName = 'none'): Buffer {
  const builder = new RecordBatchBuilder(16);
  for (const { key, value, timestamp, headers } of records) builder.append(key, value, timestamp, headers);
  expect(builder.count).toBe(records.length);
  return builder.finish({ compression });
}

function plain(value: string, timestamp = 0): PlainRecord {
  return { key: null, value: Buffer.from(value), timestamp, headers: [] };
}

function transactional(baseOffset: number, producerId: number, values: readonly string[]): Buffer {
  const builder = new RecordBatchBuilder();
  for (const value of values) builder.append(null, Buffer.from(value), 0);
  return builder.finish({ baseOffset, producerId, producerEpoch: 0, baseSequence: 0, transactional: true });
}

function marker(offset: number, producerId: number, committed: boolean): Buffer {
  const batch = buildTransactionMarker({ committed, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0 });
  placeBatch(batch, 0, offset, 0);
  return batch;
}

function offsets(bytes: Buffer, options: BatchCursorOptions): number[] {
  const cursor = new BatchCursor(bytes, options);
  const found: number[] = [];
  while (cursor.advance()) found.push(cursor.offset);
  return found;
}

function readAll(bytes: Buffer): (PlainRecord & { offset: number })[] {
  const cursor = new BatchCursor(bytes);
  const found: (PlainRecord & { offset: number })[] = [];
  while (cursor.advance()) {
    const span = (start: number, end: number) => (start < 0 ? null : Buffer.from(cursor.bytes.subarray(start, end)));
    found.push({
      offset: cursor.offset,
      key: span(cursor.keyStart, cursor.keyEnd),
      value: span(cursor.valueStart, cursor.valueEnd),
      timestamp: cursor.timestamp,
      headers: cursor.headers(),
    });
  }
  return found;
}
