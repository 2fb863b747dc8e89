// What is encoded is decoded to the same value, in every version of every API, both ways; and bytes that are not a
// message cost an error, never time or memory.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as protocol from '../../src/protocol/index.ts';
import { type AnyApi, ByteReader, Field, FrameWriter, type Message } from '../../src/protocol/index.ts';
import type { Steps } from '../../src/util/index.ts';

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
            const again = new ByteReader(encoded);
            expect(readInTinySteps(message, version, again)).toEqual(value);
            expect(again.remaining).toBe(0);
            expect(writtenInTinySteps(message, version, value).equals(encoded)).toBe(true);
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
            const whole = outcome(() => message.codec(version).read(new ByteReader(Buffer.from(bytes))));
            if (whole.error !== undefined) expect(whole.error).toMatchObject({ code: 'MALFORMED_MESSAGE' });
            const inSteps = outcome(() => readInTinySteps(message, version, new ByteReader(Buffer.from(bytes))));
            expect(inSteps).toEqual(whole);
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});

test('a message that is too long for a turn is read and written in several, and nothing else is', () => {
  const { request } = protocol.createTopics;
  const named = (count: number, name = 'a name of some length') => ({
    topics: Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}` })),
  });
  const deep = {
    topics: [{ name: 't', assignments: Array.from({ length: 50_000 }, (_, i) => ({ partitionIndex: i })) }],
  };
  const long = [named(5000), named(10, 'x'.repeat(30_000)), deep];
  for (const [draft, isShort] of [[named(1000), true] as const, ...long.map((each) => [each, false] as const)]) {
    const value = protocol.create(protocol.createTopics, draft);
    for (const version of [2, 7]) {
      const out = new FrameWriter();
      expect(request.writeShort(version, out, value)).toBe(isShort);
      const encoded = encode(request as Message<unknown>, version, value);
      const from = new ByteReader(encoded);
      from.elementsLeft = 200_000;
      expect(request.readShort(version, from)).toEqual(isShort ? value : undefined);
      if (isShort) continue;
      expect([from.position, from.elementsLeft]).toEqual([0, 200_000]);
      const { result, bytesPerStep } = counted(request.readInSteps(version, from), () => from.position);
      expect(result).toEqual(value);
      const inSteps = new FrameWriter();
      const written = counted(request.writeInSteps(version, inSteps, value), () => inSteps.position);
      expect(Buffer.concat(inSteps.take()).equals(encoded)).toBe(true);
      for (const bytes of [...bytesPerStep, ...written.bytesPerStep]) expect(bytes).toBeLessThan(100_000);
      expect(bytesPerStep.length).toBeGreaterThan(encoded.length / 100_000);
    }
  }
});

test('record batches are only looked at: a long one is no reason for another turn', () => {
  const records = Buffer.alloc(10_000_000);
  const topicData = Array.from({ length: 5 }, () => ({ name: 't', partitionData: [{ index: 0, records }] }));
  const value = protocol.create(protocol.produce, { topicData });
  const encoded = encode(protocol.produce.request as Message<unknown>, 9, value);
  expect(protocol.produce.request.readShort(9, new ByteReader(encoded))!.topicData).toHaveLength(5);
  expect(protocol.produce.request.writeShort(9, new FrameWriter(), value)).toBe(true);
});

test('a string is as long as Kafka allows at most', () => {
  const { request } = protocol.findCoordinator;
  const longest = protocol.create(protocol.findCoordinator, { key: 'k'.repeat(32767) });
  const bytes = encode(request as Message<unknown>, 3, longest);
  expect(request.codec(3).read(new ByteReader(bytes))).toEqual(longest);
  const longer = protocol.create(protocol.findCoordinator, { key: 'k'.repeat(32768) });
  expect(() => encode(request as Message<unknown>, 3, longer)).toThrow(/exceeds 32767/);
  const hostile = Buffer.concat([Buffer.from('818002', 'hex'), Buffer.alloc(32768, 'k'), Buffer.alloc(2)]);
  expect(() => request.codec(3).read(new ByteReader(hostile))).toThrow(/a string of 32768 bytes/);
});

test('unknown tags count as what a message lists', () => {
  const tags = Array.from({ length: 100 }, (_, tag) => Buffer.from([tag, 0]));
  const from = new ByteReader(Buffer.concat([Buffer.from([1, 1, 100]), ...tags]));
  from.elementsLeft = 99;
  expect(() => protocol.apiVersions.request.codec(3).read(from)).toThrow(
    expect.objectContaining({ code: 'TOO_MANY_ELEMENTS' }),
  );
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

/** Read in steps that end before the first element of each array, and so on; without arrays there is one step. */
function readInTinySteps(message: Message<unknown>, version: number, from: ByteReader): unknown {
  const { inSteps, read } = message.codec(version);
  if (inSteps === undefined) return read(from);
  from.turnEnd = -1;
  const steps = inSteps.read(from);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    from.turnEnd = -1;
  }
}

function writtenInTinySteps(message: Message<unknown>, version: number, value: unknown): Buffer {
  const out = new FrameWriter();
  const { inSteps, write } = message.codec(version);
  if (inSteps === undefined) write(out, value);
  else {
    out.turnEnd = -1;
    const steps = inSteps.write(out, value);
    while (steps.next().done !== true) out.turnEnd = -1;
  }
  return Buffer.concat(out.take());
}

/** What a function returns, or what it throws. */
function outcome(run: () => unknown): { readonly value?: unknown; readonly error?: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

function counted<T>(steps: Steps<T>, position: () => number): { result: T; bytesPerStep: number[] } {
  const bytesPerStep: number[] = [];
  for (let before = position(); ; before = position()) {
    const step = steps.next();
    bytesPerStep.push(position() - before);
    if (step.done === true) return { result: step.value, bytesPerStep };
  }
}

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
