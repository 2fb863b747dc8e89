// Kafka's `cooperative-sticky` (KIP-429): everybody gets as many as the others, or one more, and keeps what it has as far as that
// goes. What moves is assigned to nobody at first: whoever has it gives it up, and gets the next round to begin.
import type { GroupAssignor, GroupMember, MemberAssignment, TopicPartition } from './client.ts';

export const cooperativeStickyAssignor: GroupAssignor = {
  name: 'cooperative-sticky',
  protocol: 'cooperative',
  assign(members, partitionCounts) {
    const owners = ownersOf(members);
    const balanced = balance(members, partitionCounts, owners);
    const assigned = new Map<string, MemberAssignment>();
    for (const [memberId, partitions] of balanced) {
      const isFree = (each: TopicPartition): boolean => {
        const owner = owners.get(nameOf(each));
        return owner === undefined || owner === memberId;
      };
      assigned.set(memberId, { partitions: [...partitions.values()].filter(isFree) });
    }
    return assigned;
  },
};

/** Who has a partition. Where two say so one of them has not heard yet that it is not its own: the first gives it up for both. */
function ownersOf(members: readonly GroupMember[]): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { memberId, owned } of members) {
    for (const each of owned) if (!owners.has(nameOf(each))) owners.set(nameOf(each), memberId);
  }
  return owners;
}

type Balance = Map<string, Map<string, TopicPartition>>;

function balance(
  members: readonly GroupMember[],
  partitionCounts: ReadonlyMap<string, number>,
  owners: ReadonlyMap<string, string>,
): Balance {
  const assigned: Balance = new Map(members.map(({ memberId }) => [memberId, new Map()]));
  const readers = new Map([...partitionCounts.keys()].map((topic) => [topic, readersOf(members, topic)]));
  const free: TopicPartition[] = [];
  for (const [topic, count] of partitionCounts) {
    for (let partition = 0; partition < count; partition++) {
      const each = { topic, partition };
      const owner = owners.get(nameOf(each));
      if (owner !== undefined && readers.get(topic)!.includes(owner)) assigned.get(owner)!.set(nameOf(each), each);
      else if (readers.get(topic)!.length > 0) free.push(each);
    }
  }
  const load = (memberId: string): number => assigned.get(memberId)!.size;
  const lightest = (topic: string): string =>
    readers.get(topic)!.reduce((best, memberId) => (load(memberId) < load(best) ? memberId : best));
  // Those that fewest can read come first: nobody else can make up for them.
  free.sort((a, b) => readers.get(a.topic)!.length - readers.get(b.topic)!.length);
  for (const each of free) assigned.get(lightest(each.topic))!.set(nameOf(each), each);
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    for (const [memberId, partitions] of assigned) {
      for (const [name, each] of [...partitions].reverse()) {
        const to = lightest(each.topic);
        if (load(memberId) - load(to) < 2) continue;
        partitions.delete(name);
        assigned.get(to)!.set(name, each);
        hasMoved = true;
      }
    }
  }
  return assigned;
}

function readersOf(members: readonly GroupMember[], topic: string): string[] {
  return members.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
