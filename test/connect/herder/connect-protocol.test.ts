// What workers tell each other, to the byte as Kafka Connect 4.1.1 writes it, and what of it is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allotment } from '../../../src/connect/herder/allotment.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeWorkerState,
  encodeAssignment,
  encodeWorkerState,
  modeOf,
  offeredModes,
} from '../../../src/connect/herder/connect-protocol.ts';
import { checkSignature, keyLength, newSessionKey, signed } from '../../../src/connect/herder/signatures.ts';
import { systemEnvironment } from '../../../src/util/index.ts';

const ASSIGNMENT: Assignment = {
  version: 2,
  hasFailed: false,
  leader: 'leader-1',
  leaderUrl: 'http://ä:8083/',
  offset: 42,
  gets: allotment(['c', 'd-1'], ['c-0', 'd-1-3', 'c-1']),
  givesUp: allotment(['e'], ['e-0']),
  delayMs: 1500,
};
const ASSIGNED =
  '000000086c65616465722d31000f687474703a2f2fc3a43a383038332f000000000000002a0000000200016300000003ffffffff00000000000000010003642d3100000002ffffffff000000030000000100016500000002ffffffff00000000000005dc';

describe('bytes are Java’s', () => {
  test('of workers', () => {
    const state = { url: 'http://h:1/', offset: 7, held: ASSIGNMENT };
    expect(encodeWorkerState(state, 'eager').toString('hex')).toBe('0000000b687474703a2f2f683a312f0000000000000007');
    expect(encodeWorkerState(state, 'compatible').toString('hex')).toBe(
      `0001000b687474703a2f2f683a312f0000000000000007000000660001${ASSIGNED}`,
    );
    expect(encodeWorkerState({ url: 'http://h:1/', offset: -1, held: null }, 'sessioned').toString('hex')).toBe(
      '0002000b687474703a2f2f683a312fffffffffffffffffffffffff',
    );
  });

  test('of assignments', () => {
    expect(encodeAssignment(ASSIGNMENT).toString('hex')).toBe(`0002${ASSIGNED}`);
    const eager = { ...ASSIGNMENT, version: 0, hasFailed: true, leader: 'l', leaderUrl: 'u', offset: 9 };
    expect(encodeAssignment({ ...eager, gets: allotment(['c'], ['c-0']) }).toString('hex')).toBe(
      '0000000100016c00017500000000000000090000000100016300000002ffffffff00000000',
    );
  });

  test('of signatures', () => {
    const key = { key: Buffer.from('0123456789abcdef0123456789abcdef'), algorithm: 'HmacSHA256', createdAt: 0 };
    const java = {
      HmacSHA1: ['wYJTZSJgGmGPleYjRJEOXtrIsI0=', 64],
      HmacSHA224: ['M0yG2ULGAfpSyhjWR08UPWoq6xkgVdJ3JWQirw==', 28],
      HmacSHA256: ['6LEI/vmxkxb9X1BFF4KQM9Q3ymcDV5vfnm2kewQ+IYc=', 32],
      HmacSHA384: ['JHeRzr6OpDtSWX1LZy8zg9jal9xD9v6fTMIBqX3lokLZ2e8v8c7n9kaaogpXWkxC', 48],
      HmacSHA512: ['x23BQR8bOZa4+f1lB6CbuAh578dI8KbESqao1maicVyeyBKxsi+Wt5JlWJ6d8n0s0UxdZLUPJfKgfR6NMiLUKA==', 64],
    } as const;
    const body = Buffer.from('[{"a":"ü"}]');
    for (const [algorithm, [signature, length]] of Object.entries(java)) {
      const headers = signed(key, body, algorithm);
      expect(headers).toEqual({
        'X-Connect-Authorization': signature,
        'X-Connect-Request-Signature-Algorithm': algorithm,
      });
      expect(keyLength(algorithm)).toBe(length);
      expect(() => checkSignature({ body, signature, algorithm }, key, [algorithm])).not.toThrow();
      expect(() => checkSignature({ body: Buffer.from('[]'), signature, algorithm }, key, [algorithm])).toThrow(
        'invalid signature',
      );
    }
    expect(() => checkSignature({ body, signature: 'x', algorithm: 'HmacMD5' }, key, ['HmacMD5'])).toThrow('HmacMD5');
    expect(() => checkSignature({ body, signature: 'x', algorithm: 'HmacSHA256' }, undefined, ['HmacSHA256'])).toThrow(
      'still starting up',
    );
    expect(newSessionKey(systemEnvironment, 'HmacSHA256', keyLength('HmacSHA256', 100)).key).toHaveLength(13);
  });
});

const name = fc.string({ minLength: 1, maxLength: 12 });
const some = fc
  .record({ connectors: fc.uniqueArray(name), tasks: fc.uniqueArray(fc.tuple(name, fc.nat(9))) })
  .map(({ connectors, tasks }) =>
    allotment(
      connectors,
      tasks.map(([connector, task]) => `${connector}-${task}`),
    ),
  );
const assignment: fc.Arbitrary<Assignment> = fc.record({
  version: fc.constantFrom(1, 2),
  hasFailed: fc.boolean(),
  leader: name,
  leaderUrl: name,
  offset: fc.integer({ min: -1, max: 2 ** 40 }),
  gets: some,
  givesUp: some,
  delayMs: fc.nat(),
});

test('what is written is read', () => {
  fc.assert(
    fc.property(assignment, fc.constantFrom('compatible', 'sessioned'), (held, mode) => {
      expect(decodeAssignment(encodeAssignment(held))).toEqual(held);
      const state = { url: held.leaderUrl, offset: held.offset, held };
      const again = decodeWorkerState(encodeWorkerState(state, mode as 'compatible'));
      expect(again.held?.gets).toEqual(held.gets);
      expect([again.url, again.offset]).toEqual([state.url, state.offset]);
    }),
  );
});

test('what is cut off, or is something else, is refused and nothing more', () => {
  const whole = encodeAssignment(ASSIGNMENT);
  for (let length = 0; length < whole.length - 1; length++) {
    try {
      decodeAssignment(whole.subarray(0, length));
    } catch (error) {
      expect(error).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeAssignment, decodeWorkerState]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(['MALFORMED_MESSAGE', 'CONNECT_BAD_DATA']).toContain((error as { code: string }).code);
        }
      }
    }),
  );
});

test('modes and their names', () => {
  expect(['default', 'compatible', 'sessioned'].map(modeOf)).toEqual(['eager', 'compatible', 'sessioned']);
  expect(offeredModes('sessioned')).toEqual(['sessioned', 'compatible', 'eager']);
  expect(offeredModes('eager')).toEqual(['eager']);
  expect(() => modeOf('range')).toThrow('range');
});
