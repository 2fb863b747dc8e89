// The decoder of the stream alone: what is damaged is refused, and never read beyond its end or for ever.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnectError } from '../../../src/connect/index.ts';
import { decodePgOutput, lsnText, parseLsn } from '../../../src/connect/connectors/postgres/pgoutput.ts';

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const column = (value: string | null | undefined): Buffer => {
  if (value === undefined) return Buffer.from('u');
  if (value === null) return Buffer.from('n');
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from('t'), int32(bytes.length), bytes]);
};
const tuple = (values: readonly (string | null | undefined)[]): Buffer =>
  Buffer.concat([int16(values.length), ...values.map(column)]);
const message = (type: string, ...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from(type), ...parts]);

const values = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null), fc.constant(undefined)), {
  maxLength: 20,
});
const messages = fc.oneof(
  values.map((row) => message('I', int32(7), Buffer.from('N'), tuple(row))),
  fc
    .tuple(values, values)
    .map(([old, row]) => message('U', int32(7), Buffer.from('K'), tuple(old), Buffer.from('N'), tuple(row))),
  values.map((row) => message('D', int32(7), Buffer.from('O'), tuple(row))),
  fc
    .array(
      fc.string({ unit: 'grapheme' }).map((name) => name.replaceAll('\0', '')),
      { maxLength: 9 },
    )
    .map((names) =>
      message(
        'R',
        int32(7),
        text('public'),
        text('t'),
        Buffer.from('d'),
        int16(names.length),
        ...names.map((name) => Buffer.concat([Buffer.from([1]), text(name), int32(23), int32(-1)])),
      ),
    ),
  fc.constant(message('B', int64(1000), int64(5), int32(9))),
  fc.constant(message('C', Buffer.from([0]), int64(1000), int64(1100), int64(5))),
  fc.array(fc.nat()).map((ids) => message('T', int32(ids.length), Buffer.from([0]), ...ids.map(int32))),
  fc
    .uint8Array()
    .map((content) =>
      message('M', Buffer.from([1]), int64(9), text('prefix'), int32(content.length), Buffer.from(content)),
    ),
);

describe('pgoutput', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(values, (row) => {
        const read = decodePgOutput(message('I', int32(7), Buffer.from('N'), tuple(row)));
        expect(read).toMatchObject({ kind: 'insert', relationId: 7 });
        expect('new' in read && read.new).toEqual(
          row.map((each) => (typeof each === 'string' ? Buffer.from(each).toString() : each)),
        );
      }),
    );
    expect(decodePgOutput(message('B', int64(0x16b374d848), int64(1_000_000), int32(9)))).toEqual({
      ...{ kind: 'begin', finalLsn: 0x16b374d848, timeUs: 946_684_801_000_000, xid: 9 },
    });
  });

  test('that is damaged is refused, or is another message, and never hangs', () => {
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (whole, changes, cut) => {
          const damaged = Buffer.from(whole);
          for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
          for (const bytes of [
            damaged,
            whole.subarray(0, cut % whole.length),
            Buffer.concat([damaged, damaged.subarray(0, 1)]),
          ]) {
            try {
              decodePgOutput(bytes);
            } catch (error) {
              expect(error).toBeInstanceOf(ConnectError);
              expect((error as Error).message).toMatch(/^the replication stream is damaged: a message has /);
            }
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('that was cut off is always refused', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (whole, cut) => {
        expect(() => decodePgOutput(whole.subarray(0, cut % whole.length))).toThrow(ConnectError);
      }),
      { numRuns: 2000 },
    );
  });

  test('has positions that are written as PostgreSQL writes them', () => {
    expect(lsnText(0x16b374d848)).toBe('16/B374D848');
    expect(parseLsn('16/B374D848')).toBe(0x16b374d848);
    expect(() => parseLsn('16-1')).toThrow('no position in a write-ahead log');
    fc.assert(fc.property(fc.maxSafeNat(), (lsn) => parseLsn(lsnText(lsn)) === lsn));
  });
});
