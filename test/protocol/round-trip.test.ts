// What is encoded is decoded to the same value, in every version of every API, both ways; and bytes that are not a
// message cost an error, never time or memory.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as protocol from '../../src/protocol/index.ts';
import { type AnyApi, ByteReader, Field, FrameWriter, type Message } from '../../src/protocol/index.ts';

const apis = (Object.values(protocol) as unknown[]).filter(
  (value): value is AnyApi => typeof value === 'object' && value !== null && 'flexibleFrom' in value,
);

describe.each(apis.map((api) => [api.name, api] as const))('%s', (_name, api) => {
  for (const side of ['request', 'response'] as const) {
    test(`round-trips its ${side}`, () => {
      const message: Message<unknown> = api[side];
      for (let version = api.minVersion; version <= api.maxVersion; version++) {
        const codec = message.codec(version);
        const anyValue = arbitraryOf(message.schema, version, version >= api.flexibleFrom);
        fc.assert(
          fc.property(anyValue, (value) => {
            const encoded = encode(message, version, value);
            const from = new ByteReader(encoded);
            expect(codec.read(from)).toEqual(value);
            expect(from.remaining).toBe(0);
          }),
          { numRuns: 12 },
        );
      }
    });

    test(`refuses or reads random bytes as a ${side}`, () => {
      const message: Message<unknown> = api[side];
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 200 }),
          fc.integer({ min: api.minVersion, max: api.maxVersion }),
          (bytes, version) => {
            try {
              message.codec(version).read(new ByteReader(Buffer.from(bytes)));
            } catch (error) {
              expect(error).toMatchObject({ code: 'MALFORMED_MESSAGE' });
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});

test('a hostile array length is refused before anything is allocated', () => {
  const bytes = Buffer.from('7fffffff', 'hex');
  expect(() => protocol.metadata.request.codec(1).read(new ByteReader(bytes))).toThrow(/announced/);
});

test('unknown tags are skipped', () => {
  const plain = encode(protocol.apiVersions.request as Message<unknown>, 3, {
    clientSoftwareName: 'a',
    clientSoftwareVersion: 'b',
  });
  const tagged = Buffer.concat([plain.subarray(0, -1), Buffer.from([1, 77, 3, 9, 9, 9])]);
  expect(protocol.apiVersions.request.codec(3).read(new ByteReader(tagged))).toEqual({
    clientSoftwareName: 'a',
    clientSoftwareVersion: 'b',
  });
});

test('a draft is completed with defaults, in nested objects too', () => {
  const request = protocol.create(protocol.fetch, {
    maxWaitMs: 5,
    topics: [{ topic: 't', partitions: [{ partition: 3 }] }],
  });
  expect(request.topics[0]!.partitions[0]).toMatchObject({ partition: 3, fetchOffset: 0, currentLeaderEpoch: -1 });
  expect(request).toMatchObject({ sessionEpoch: -1, maxBytes: 0x7fffffff, forgottenTopicsData: [] });
});

test('a value that a version can not carry is refused, unless it may be ignored', () => {
  const draft = { topics: [{ topicId: 'abcdefghijklmnopqrstuQ', name: 't' }], includeTopicAuthorizedOperations: true };
  const request = protocol.create(protocol.metadata, draft);
  expect(() => encode(protocol.metadata.request as Message<unknown>, 5, request)).toThrow(
    /includeTopicAuthorizedOperations/,
  );
});

function encode(message: Message<unknown>, version: number, value: unknown): Buffer {
  const out = new FrameWriter();
  message.codec(version).write(out, value);
  return Buffer.concat(out.take());
}

/** Values that a version can carry: fields it lacks hold their default. */
function arbitraryOf(field: Field<unknown>, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const plain = plainArbitrary(field, version, flexible);
  return version >= field.options.nullableFrom ? fc.option(plain, { nil: null, freq: 4 }) : plain;
}

function plainArbitrary(field: Field<unknown>, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const { kind } = field;
  switch (kind.name) {
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 });
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 });
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.maxSafeInteger();
    case 'float64':
      return fc.double({ noNaN: true });
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 40 });
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    case 'array':
      return fc.array(arbitraryOf(kind.element!, version, flexible), { maxLength: 3 });
    case 'struct':
      return fc.record(
        Object.fromEntries(
          Object.entries(kind.fields!).map(([name, member]) => [
            name,
            member.isIn(version) && (flexible || member.options.tag < 0)
              ? arbitraryOf(member, version, flexible)
              : fc.constant(member.defaultValue()),
          ]),
        ),
        { noNullPrototype: true },
      );
    default:
      throw new Error(`no arbitrary for ${kind.name}`);
  }
}
