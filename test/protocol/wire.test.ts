// Frames come out whole however the stream was cut, and the client's end of a connection negotiates, matches answers
// and fails what waits.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  apiVersions,
  ByteReader,
  create,
  encodeResponse,
  FrameSplitter,
  metadata,
  produce,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
  respond,
  WireTransport,
} from '../../src/protocol/index.ts';

test('frames come out whole however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      (bodies, cuts) => {
        const stream = Buffer.concat(bodies.map(framed));
        const splitter = new FrameSplitter();
        const frames: Buffer[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + (cuts.next().value as number);
          frames.push(...splitter.push(stream.subarray(at, end)));
          at = end;
        }
        expect(frames.map((frame) => [...frame])).toEqual(bodies.map((body) => [...body]));
      },
    ),
    { numRuns: 200 },
  );
});

test('a large frame comes out whole too', () => {
  const body = Buffer.alloc(9_000_000, 'abcdefg');
  const stream = Buffer.concat([framed(body), framed(Buffer.from('next'))]);
  const splitter = new FrameSplitter();
  const frames: Buffer[] = [];
  for (let at = 0; at < stream.length; at += 65_536) frames.push(...splitter.push(stream.subarray(at, at + 65_536)));
  expect(frames.map((frame) => frame.length)).toEqual([9_000_000, 4]);
  expect(frames[0]!.equals(body)).toBe(true);
});

test('a frame above the limit is refused from its size alone', () => {
  expect(() => new FrameSplitter(100).push(Buffer.from([0, 0, 0, 101]))).toThrow(/exceeds the limit/);
});

test('negotiation falls back to the version an older broker offers', async () => {
  const { transport, requests, answer } = connection();
  const negotiated = transport.negotiate('test', '1');
  expect(requests[0]).toMatchObject({ apiKey: 18, apiVersion: 4 });
  answer(0, respond(apiVersions, { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }] }), 0);
  await Promise.resolve();
  await Promise.resolve();
  expect(requests[1]).toMatchObject({ apiKey: 18, apiVersion: 2 });
  answer(1, respond(apiVersions, { apiKeys: [{ apiKey: 3, minVersion: 0, maxVersion: 5 }] }), 2);
  await negotiated;
  expect(transport.versionOf(metadata)).toBe(5);
  await expect(transport.request(produce, create(produce, {}))).rejects.toThrow(/does not speak Produce/);
});

test('requests that wait are rejected when the connection is lost', async () => {
  const { transport } = connection();
  const negotiated = transport.negotiate('test', '1');
  transport.disconnected();
  await expect(negotiated).rejects.toMatchObject({ code: 'CONNECTION_LOST', retriable: true });
  await transport.closed;
});

function connection() {
  const requests: RequestHeader[] = [];
  const splitter = new FrameSplitter();
  const transport = new WireTransport({
    send(pieces) {
      for (const frame of splitter.push(Buffer.concat(pieces))) {
        const from = new ByteReader(frame);
        const header = readRequestHeader(from);
        readRequestBody(apiVersions, header.apiVersion, from);
        requests.push(header);
      }
    },
    destroy() {},
  });
  const answer = (index: number, body: ReturnType<typeof respondToVersions>, version: number) => {
    const pieces = encodeResponse(apiVersions, version, requests[index]!.correlationId, body) as Buffer[];
    transport.receive(Buffer.concat(pieces));
  };
  return { transport, requests, answer };
}

function respondToVersions() {
  return respond(apiVersions, {});
}

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}
