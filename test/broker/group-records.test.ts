// What groups keep in journals, and what classic consumers say in bytes of their own: any bytes are read or refused, and what is
// written is read again.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consumerGroupCurrentMemberAssignment,
  consumerGroupMemberMetadata,
  replayConsumerRecord,
} from '../../src/broker/groups/consumer-records.ts';
import { readAssignment, readSubscription, writeAssignment } from '../../src/broker/groups/embedded-protocol.ts';
import { replayShareRecord } from '../../src/broker/groups/share-records.ts';
import { shareSnapshot, shareUpdate } from '../../src/broker/share/share-records.ts';
import { ByteReader } from '../../src/protocol/index.ts';
import { MillraceError } from '../../src/util/index.ts';

const someBytes = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));

/** Reads, or refuses as whoever reads expects it. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
  }
}

describe('any bytes are read or refused', () => {
  test.each([
    ['a subscription', readSubscription],
    ['an assignment', readAssignment],
  ] as const)('as %s', (_what, read) => {
    fc.assert(fc.property(someBytes, (bytes) => readsOrRefuses(() => read(bytes))));
  });

  test('as records of the journal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 17 }), someBytes, someBytes, (type, key, value) => {
        const version = Buffer.concat([Buffer.alloc(2), value]);
        readsOrRefuses(() => replayConsumerRecord(new Map(), type, new ByteReader(key), version));
        readsOrRefuses(() => replayShareRecord(new Map(), type, new ByteReader(key), version));
        readsOrRefuses(() => shareSnapshot.readValue(version));
        readsOrRefuses(() => shareUpdate.readValue(version));
      }),
    );
  });
});

describe('what is written is read again', () => {
  const someText = fc.string({ maxLength: 8 });
  const topicId = 'T'.repeat(21) + 'A';
  const somePartitions = fc.uniqueArray(fc.nat(50), { maxLength: 5 }).map((partitions) => ({
    topicId,
    partitions,
    assignmentEpochs: partitions.map((each) => each + 1),
  }));

  test('members of consumer groups, and what they have', () => {
    const someMember = fc.record({
      instanceId: fc.option(someText),
      rackId: fc.option(someText),
      clientId: someText,
      clientHost: someText,
      subscribedTopicNames: fc.array(someText, { maxLength: 4 }),
      subscribedTopicRegex: fc.option(someText),
      rebalanceTimeoutMs: fc.nat(),
      serverAssignor: fc.option(someText),
      classicMemberMetadata: fc.option(
        fc.record({
          sessionTimeoutMs: fc.nat(),
          supportedProtocols: fc.array(fc.record({ name: someText, metadata: someBytes }), { maxLength: 2 }),
        }),
      ),
    });
    const someOwnership = fc.record({
      memberEpoch: fc.nat(),
      previousMemberEpoch: fc.nat(),
      state: fc.constantFrom(1, 2, 3),
      assignedPartitions: fc.array(somePartitions, { maxLength: 2 }),
      partitionsPendingRevocation: fc.array(somePartitions, { maxLength: 2 }),
    });
    const key = { groupId: 'g', memberId: 'm' };
    fc.assert(
      fc.property(someMember, someOwnership, (member, ownership) => {
        const stored = consumerGroupMemberMetadata.record(key, member);
        expect(consumerGroupMemberMetadata.readKey(new ByteReader(stored.key, 2))).toEqual(key);
        expect(consumerGroupMemberMetadata.readValue(stored.value!)).toEqual(member);
        const owned = consumerGroupCurrentMemberAssignment.record(key, ownership);
        expect(consumerGroupCurrentMemberAssignment.readValue(owned.value!)).toEqual(ownership);
      }),
    );
  });

  test('assignments of classic members, in the version that the member speaks', () => {
    const someAssigned = fc.array(fc.record({ topic: someText, partitions: fc.array(fc.nat(9), { maxLength: 3 }) }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 5 }), someAssigned, (version, assignedPartitions) => {
        const metadata = Buffer.alloc(2);
        metadata.writeInt16BE(version);
        const written = writeAssignment(metadata, assignedPartitions);
        expect(readAssignment(written)).toEqual({ assignedPartitions, userData: null });
        expect(written.readInt16BE(0)).toBe(Math.min(Math.max(version, 0), 3));
      }),
    );
  });
});
