// Who gets which partitions, decided here and not by a leader among the members: pure functions, from what members subscribe to and
// have to what each is to have.
import { topicIdOf, type PartitionKey, partitionKey } from './partition-sets.ts';

export interface AssignorMember {
  readonly instanceId: string | null;
  /** Ids of the topics that it reads and that there are. */
  readonly topics: ReadonlySet<string>;
  /** What it was to have before. */
  readonly before: ReadonlySet<PartitionKey>;
}

export interface AssignorInput {
  readonly members: ReadonlyMap<string, AssignorMember>;
  /** How many partitions there are, by topic id. */
  readonly partitions: ReadonlyMap<string, number>;
}

export type Assignments = Map<string, Set<PartitionKey>>;
export type Assignor = (input: AssignorInput) => Assignments;

/** Kafka's names, and what members of consumer groups can ask for. */
export const CONSUMER_ASSIGNORS: Readonly<Record<string, Assignor>> = { uniform, range };

/**
 * Everybody gets as many as everybody else, or one more, as far as the subscriptions let it; what a member has it keeps, unless
 * others would have less for it.
 */
export function uniform({ members, partitions }: AssignorInput): Assignments {
  const assigned: Assignments = new Map();
  const free = new Set(allPartitions(members, partitions));
  for (const [id, { topics, before }] of members) {
    const kept = [...before].filter((key) => topics.has(topicIdOf(key)) && free.delete(key));
    assigned.set(id, new Set(kept));
  }
  const readers = new Map<string, string[]>([...partitions.keys()].map((topicId) => [topicId, []]));
  for (const [id, { topics }] of members) for (const topicId of topics) readers.get(topicId)?.push(id);
  const readersOf = (key: PartitionKey): readonly string[] => readers.get(topicIdOf(key))!;
  const loads = new Loads(assigned);
  // Those that fewest can read come first: nobody else can make up for them.
  const ordered = [...free].sort((a, b) => readersOf(a).length - readersOf(b).length);
  for (const key of ordered) loads.give(key, loads.lightest(readersOf(key)));
  evenOut(loads, readersOf);
  return assigned;
}

/** What members have so far, and who has least of it. */
class Loads {
  readonly assigned: Assignments;

  constructor(assigned: Assignments) {
    this.assigned = assigned;
  }

  of(id: string): number {
    return this.assigned.get(id)!.size;
  }

  give(key: PartitionKey, id: string): void {
    this.assigned.get(id)!.add(key);
  }

  lightest(among: readonly string[]): string {
    let best = among[0]!;
    for (const id of among) if (this.of(id) < this.of(best)) best = id;
    return best;
  }
}

/** Moves partitions from who has two or more above another that could read them too, until nobody does. */
function evenOut(loads: Loads, readersOf: (key: PartitionKey) => readonly string[]): void {
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    const heaviestFirst = [...loads.assigned.keys()].sort((a, b) => loads.of(b) - loads.of(a));
    for (const from of heaviestFirst) {
      // The last ones go: what a member got first it keeps.
      for (const key of [...loads.assigned.get(from)!].reverse()) {
        const to = loads.lightest(readersOf(key));
        if (loads.of(from) - loads.of(to) < 2) continue;
        loads.assigned.get(from)!.delete(key);
        loads.give(key, to);
        hasMoved = true;
      }
    }
  }
}

/** Each topic is cut into ranges of neighbours, so that a member gets the same partitions of topics that have equally many. */
export function range({ members, partitions }: AssignorInput): Assignments {
  const assigned: Assignments = new Map([...members.keys()].map((id) => [id, new Set()]));
  const names = new Map([...members].map(([id, { instanceId }]) => [id, instanceId ?? id]));
  const inOrder = [...members.keys()].sort((a, b) => (names.get(a)! < names.get(b)! ? -1 : 1));
  for (const [topicId, count] of partitions) {
    const readers = inOrder.filter((id) => members.get(id)!.topics.has(topicId));
    const each = Math.floor(count / readers.length);
    const withOneMore = count % readers.length;
    let next = 0;
    for (const [i, id] of readers.entries()) {
      const end = next + each + (i < withOneMore ? 1 : 0);
      for (; next < end; next++) assigned.get(id)!.add(partitionKey(topicId, next));
    }
  }
  return assigned;
}

/**
 * Of share groups: each partition is read by somebody, and everybody has one to read, together with others where there are more
 * members than partitions. What a member has it keeps.
 */
export function simple({ members, partitions }: AssignorInput): Assignments {
  const assigned = uniform({ members, partitions });
  const readers = new Map<PartitionKey, number>([...allPartitions(members, partitions)].map((key) => [key, 1]));
  for (const [id, { topics, before }] of members) {
    const own = assigned.get(id)!;
    if (own.size > 0) continue;
    const readable = [...readers.keys()].filter((key) => topics.has(topicIdOf(key)));
    if (readable.length === 0) continue;
    const kept = readable.find((key) => before.has(key));
    const key = kept ?? readable.reduce((best, each) => (readers.get(each)! < readers.get(best)! ? each : best));
    own.add(key);
    readers.set(key, readers.get(key)! + 1);
  }
  return assigned;
}

/** All partitions that somebody reads. */
function* allPartitions(
  members: AssignorInput['members'],
  partitions: AssignorInput['partitions'],
): Iterable<PartitionKey> {
  const read = new Set([...members.values()].flatMap(({ topics }) => [...topics]));
  for (const [topicId, count] of partitions) {
    if (read.has(topicId)) for (let index = 0; index < count; index++) yield partitionKey(topicId, index);
  }
}
