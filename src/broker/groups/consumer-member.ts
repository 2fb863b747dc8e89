import type { Environment } from '../../util/index.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import type { StoredDescription, StoredOwnership } from './consumer-records.ts';
import { indexOf, type PartitionKey, partitionKey, topicIdOf } from './partition-sets.ts';
import { NOTHING_OWNED, type Ownership } from './reconciliation.ts';
import { Session } from './session.ts';
import type { Sight } from './subscriptions.ts';

/** What a member says of itself, as it is stored. A classic member's own metadata are in `classicMemberMetadata`. */
export type MemberDescription = StoredDescription;

/** A member of a consumer group: what it says, what it has, and the times within which it has to do something. */
export class ConsumerMember {
  readonly id: string;
  description: MemberDescription;
  ownership: Ownership = NOTHING_OWNED;
  /** Which topics are for its eyes, as it was heard last. */
  maySee: Sight;
  readonly #session = new Session();
  /** What it has to do in a time: give up partitions, or join or sync when it is a classic one. */
  readonly #tasks = new Map<MemberTask, () => void>();

  constructor(id: string, description: MemberDescription) {
    this.id = id;
    this.description = description;
  }

  get isClassic(): boolean {
    return this.description.classicMemberMetadata !== null;
  }

  /** About what it takes of memory. */
  get bytes(): number {
    const { instanceId, clientId, subscribedTopicNames, subscribedTopicRegex, classicMemberMetadata } =
      this.description;
    const said = [this.id, instanceId, clientId, subscribedTopicRegex, ...subscribedTopicNames];
    const offered = classicMemberMetadata?.supportedProtocols.reduce((sum, { metadata }) => sum + metadata.length, 0);
    const { assigned, revoking } = this.ownership;
    const partitions = (assigned.size + revoking.size) * PARTITION_BYTES;
    return ENTRY_BYTES + said.reduce((sum, text) => sum + textBytes(text), 0) + (offered ?? 0) + partitions;
  }

  keepAlive(environment: Environment, timeoutMs: number, expire: () => void): void {
    this.#session.keepAlive(environment, timeoutMs, expire);
  }

  /** Gives it a time to do something in, unless that runs already. */
  expect(task: MemberTask, within: { readonly environment: Environment; readonly ms: number }, miss: () => void): void {
    if (this.#tasks.has(task)) return;
    const cancel = within.environment.after(Math.max(0, within.ms), () => {
      this.#tasks.delete(task);
      miss();
    });
    this.#tasks.set(task, cancel);
  }

  done(task: MemberTask): void {
    this.#tasks.get(task)?.();
    this.#tasks.delete(task);
  }

  stop(): void {
    this.#session.stop();
    for (const cancel of this.#tasks.values()) cancel();
    this.#tasks.clear();
  }
}

export type MemberTask = 'revoke' | 'join' | 'sync';

/** A key in a set, and its entry among the owners. */
const PARTITION_BYTES = 150;

export function storedOwnership(ownership: Ownership): StoredOwnership {
  return {
    memberEpoch: ownership.epoch,
    previousMemberEpoch: ownership.previousEpoch,
    state: ownership.state,
    assignedPartitions: storedPartitions(ownership.assigned),
    partitionsPendingRevocation: storedPartitions(ownership.revoking),
  };
}

function storedPartitions(partitions: ReadonlyMap<PartitionKey, number>): StoredOwnership['assignedPartitions'] {
  const topics = Map.groupBy(partitions, ([key]) => topicIdOf(key));
  return [...topics].map(([topicId, entries]) => ({
    topicId,
    partitions: entries.map(([key]) => indexOf(key)),
    assignmentEpochs: entries.map(([, epoch]) => epoch),
  }));
}

export function restoredOwnership(stored: StoredOwnership): Ownership {
  const read = (listed: StoredOwnership['assignedPartitions']): Map<PartitionKey, number> =>
    new Map(
      listed.flatMap(({ topicId, partitions, assignmentEpochs }) =>
        partitions.map(
          (index, i) => [partitionKey(topicId, index), assignmentEpochs?.[i] ?? stored.memberEpoch] as const,
        ),
      ),
    );
  return {
    epoch: stored.memberEpoch,
    previousEpoch: stored.previousMemberEpoch,
    state: stored.state,
    assigned: read(stored.assignedPartitions),
    revoking: read(stored.partitionsPendingRevocation),
  };
}
