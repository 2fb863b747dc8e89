import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { PortStream } from '../../src/protocol/index.ts';

/** Two ends of a stream, and what has come out of the second one. */
function streams() {
  const { port1, port2 } = new MessageChannel();
  const received: Buffer[] = [];
  const events: string[] = [];
  const first = new PortStream(port1, {
    receive: () => {},
    drained: () => events.push('drained'),
    closed: () => events.push('first closed'),
  });
  const second = new PortStream(port2, {
    receive: (chunk) => received.push(chunk),
    drained: () => {},
    closed: () => events.push('second closed'),
  });
  return { first, second, received, events };
}

describe('a stream between threads', () => {
  test('carries bytes in order, and leaves the sender’s alone', async () => {
    const { first, received } = streams();
    const piece = Buffer.from('abc');
    expect(first.send([piece, Buffer.from('de')])).toBe(true);
    first.send([Buffer.from('f')]);
    await expect.poll(() => Buffer.concat(received).toString()).toBe('abcdef');
    expect(piece.toString()).toBe('abc');
    first.destroy();
  });

  test('tells a sender that the other side is slow, and when it is not any more', async () => {
    const { first, second, received, events } = streams();
    second.pause();
    const mebibyte = Buffer.alloc(1024 * 1024, 7);
    const flows = Array.from({ length: 6 }, () => first.send([mebibyte]));
    expect(flows).toEqual([true, true, true, true, false, false]);
    // What was sent meanwhile is kept for the receiver.
    second.resume();
    await expect.poll(() => events).toEqual(['drained']);
    expect(Buffer.concat(received).equals(Buffer.alloc(6 * 1024 * 1024, 7))).toBe(true);
    expect(first.send([mebibyte])).toBe(true);
    first.destroy();
  });

  test('ends on both sides, whoever ends it', async () => {
    const { second, first, events } = streams();
    second.destroy();
    await expect.poll(() => events.toSorted()).toEqual(['first closed', 'second closed']);
    expect(first.send([Buffer.from('lost')])).toBe(true);
  });
});
