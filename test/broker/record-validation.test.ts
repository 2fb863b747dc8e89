// What enters the log is whole: batches whose checksum is right and whose insides are not are refused, because one of
// them stops everybody who reads the partition.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endlessTurn, newTurnBudget, newUnpackBudget, validateBatch } from '../../src/broker/record-validation.ts';
import { readBrokerSettings, readTopicSettings } from '../../src/broker/settings.ts';
import {
  BatchCursor,
  batchHeader,
  checkSingleBatch,
  compress,
  CompressionCodec,
  ErrorCode,
  RecordBatchBuilder,
  sealBatch,
} from '../../src/protocol/index.ts';
import { ByteWriter } from '../../src/util/index.ts';

const settings = readTopicSettings({}, readBrokerSettings({}));
const NOW = 1_700_000_000_000;

function validate(batch: Buffer, budget = newUnpackBudget()) {
  return validateBatch(batch, settings, { version: 13, now: NOW, budget, turn: endlessTurn() })!;
}

/** A batch of one record, whose bytes behind its length are as written. */
function batchOf(write: (out: ByteWriter) => void, codec: 0 | 1 | 2 | 3 | 4 = 0): Buffer {
  const body = new ByteWriter(64);
  body.int8(0);
  body.varlong(0);
  body.varint(0);
  write(body);
  const record = new ByteWriter(64);
  record.varint(body.position);
  record.bytes(body.copy());
  return batchAround(record.copy(), codec);
}

function batchAround(records: Buffer, codec: 0 | 1 | 2 | 3 | 4 = 0): Buffer {
  const builder = new RecordBatchBuilder();
  builder.append(null, null, NOW);
  const header = builder.finish().subarray(0, 61);
  const batch = Buffer.concat([header, compress(codec, records)]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(codec, 21);
  sealBatch(batch);
  return batch;
}

/** Key and value are null unless given; no headers unless given. */
function record(out: ByteWriter, parts: { key?: number; value?: number; headers?: (out: ByteWriter) => void }): void {
  out.varint(parts.key ?? -1);
  out.varint(parts.value ?? -1);
  if (parts.headers === undefined) out.varint(0);
  else parts.headers(out);
}

const broken: Record<string, (out: ByteWriter) => void> = {
  'a value that is longer than its record': (out) => record(out, { value: 1000 }),
  'a value of a negative length': (out) => record(out, { value: -5 }),
  'a key that is longer than its record': (out) => record(out, { key: 500 }),
  'a key of a negative length': (out) => record(out, { key: -7 }),
  'more headers than there can be': (out) => record(out, { headers: (to) => to.varint(0x7fffffff) }),
  'a negative number of headers': (out) => record(out, { headers: (to) => to.varint(-1) }),
  'a header without a key': (out) =>
    record(out, {
      headers: (to) => {
        to.varint(1);
        to.varint(-1);
        to.varint(-1);
      },
    }),
  'a header whose value is longer than the record': (out) =>
    record(out, {
      headers: (to) => {
        to.varint(1);
        to.varint(0);
        to.varint(90);
      },
    }),
  'no number of headers': (out) => {
    out.varint(-1);
    out.varint(-1);
  },
  'bytes behind the headers': (out) => {
    record(out, {});
    out.int8(7);
  },
  'a number of more than five bytes': (out) => {
    for (let i = 0; i < 6; i++) out.int8(-1);
  },
};

describe('a record is refused that has', () => {
  test.each(Object.entries(broken))('%s', (_, write) => {
    for (const codec of [0, 1, 2, 3, 4] as const) {
      const batch = batchOf(write, codec);
      checkSingleBatch(batch);
      expect(validate(batch)).toMatchObject({ ok: false, errorCode: ErrorCode.INVALID_RECORD });
    }
  });
});

test('a batch is refused whose records do not fill it, or are longer than it is', () => {
  const whole = Buffer.from([6 * 2, 0, 0, 0, 1, 1, 0]);
  expect(validate(batchAround(whole))).toMatchObject({ ok: true });
  expect(validate(batchAround(Buffer.concat([whole, Buffer.from([0])])))).toMatchObject({ ok: false, errorCode: 87 });
  expect(validate(batchAround(whole.subarray(0, 6)))).toMatchObject({ ok: false, errorCode: 87 });
  expect(validate(batchAround(Buffer.alloc(0)))).toMatchObject({ ok: false, errorCode: 87 });
});

test('what can not be unpacked is refused for good, not as damage on the way that a retry would heal', () => {
  const noise = batchAround(Buffer.from('this is certainly not compressed'));
  for (const codec of [1, 2, 3, 4]) {
    noise.writeInt16BE(codec, 21);
    sealBatch(noise);
    expect(validate(noise)).toMatchObject({ ok: false, errorCode: ErrorCode.INVALID_RECORD });
  }
});

test('only compaction may say when tombstones go', () => {
  const batch = batchOf((out) => record(out, {}));
  batch.writeInt16BE(0x40, 21);
  sealBatch(batch);
  expect(validate(batch)).toMatchObject({ ok: false, errorCode: ErrorCode.INVALID_RECORD });
});

test('the largest timestamp of the header is what the records say', () => {
  for (const compression of ['none', 'zstd'] as const) {
    const builder = new RecordBatchBuilder();
    for (const timestamp of [NOW - 5, NOW - 1, NOW - 9]) builder.append(null, Buffer.from('v'), timestamp);
    const lying = builder.finish({ compression, maxTimestamp: 4_102_444_800_000 });
    const before = Buffer.from(lying);
    const validated = validate(lying);
    if (!validated.ok) throw new Error(validated.message);
    expect(batchHeader.maxTimestamp(validated.batch)).toBe(NOW - 1);
    checkSingleBatch(validated.batch);
    expect(lying.equals(before)).toBe(true);
  }
});

test('the batches of one request share what they may unpack to', () => {
  const zeros = Buffer.alloc(60 * 1024 * 1024);
  const body = new ByteWriter(16);
  body.varint(zeros.length + 9);
  for (let i = 0; i < 3; i++) body.int8(0);
  body.varint(-1);
  body.varint(zeros.length);
  const records = Buffer.concat([body.copy(), zeros, Buffer.from([0])]);
  const bomb = batchAround(records, CompressionCodec.zstd);
  const budget = newUnpackBudget();
  expect(validate(bomb, budget)).toMatchObject({ ok: true });
  expect(validate(bomb, budget)).toMatchObject({ ok: true });
  expect(validate(bomb, budget)).toMatchObject({ ok: false, errorCode: ErrorCode.MESSAGE_TOO_LARGE });
  expect(validate(bomb, budget)).toMatchObject({ ok: false, errorCode: ErrorCode.MESSAGE_TOO_LARGE });
  expect(
    validate(
      batchOf((out) => record(out, {})),
      budget,
    ),
  ).toMatchObject({ ok: true });
});

test('a turn ends before a batch that would take longer, which is not counted', () => {
  const small = batchOf((out) => record(out, {}));
  const lie = batchAround(Buffer.alloc(16 * 1024 * 1024), CompressionCodec.zstd);
  expect(lie.length).toBeLessThan(1024);
  const budget = newUnpackBudget();
  const validateNow = (batch: Buffer, turn = newTurnBudget()) =>
    validateBatch(batch, settings, { version: 13, now: NOW, budget, turn });
  expect(validateNow(small)).toMatchObject({ ok: true });
  expect(validateNow(lie)).toBeUndefined();
  expect(budget).toEqual(newUnpackBudget());
  expect(validateNow(small, { ...newTurnBudget(), records: 0 })).toBeUndefined();
  expect(
    validateNow(
      batchOf((out) => record(out, {}), 1),
      { ...newTurnBudget(), packedBytes: 10 },
    ),
  ).toBeUndefined();
  expect(
    validateNow(
      batchOf((out) => record(out, {}), 1),
      { ...newTurnBudget(), plainBytes: 0 },
    ),
  ).toBeUndefined();
});

test('a batch that gets too large when it is packed as the topic asks for is refused', () => {
  const plain = readTopicSettings({ 'compression.type': 'uncompressed' }, readBrokerSettings({}));
  const value = (bytes: number) => {
    const builder = new RecordBatchBuilder();
    builder.append(null, Buffer.alloc(bytes), NOW);
    return builder.finish({ compression: 'gzip' });
  };
  const options = { version: 13, now: NOW, budget: newUnpackBudget(), turn: endlessTurn() };
  expect(validateBatch(value(1_000_000), plain, options)).toMatchObject({ ok: true });
  expect(validateBatch(value(2_000_000), plain, options)).toMatchObject({
    ok: false,
    errorCode: ErrorCode.MESSAGE_TOO_LARGE,
  });
  expect(validate(value(2_000_000))).toMatchObject({ ok: true });
});

test('whatever is accepted can be read to the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (noise) => {
      const batch = batchAround(Buffer.from([noise.length * 2, ...noise]));
      if (!validate(batch).ok) return;
      const cursor = new BatchCursor(batch);
      expect(cursor.advance()).toBe(true);
      cursor.headers();
      expect(cursor.advance()).toBe(false);
    }),
    { numRuns: 2000 },
  );
});
