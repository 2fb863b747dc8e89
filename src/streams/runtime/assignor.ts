// Which instance runs which task: balanced, and where the state already is.
import type { GroupAssignor, GroupMember, MemberAssignment, TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';

interface MemberData {
  /** Tasks whose state is at hand, because the member runs them or has a checkpoint of them. */
  readonly tasks: readonly string[];
  /** The member wants the whole application to stop. */
  readonly endsAll?: boolean;
}

/** What the leader tells each member: the partitions that it found, by topic, and whether the application is to stop. */
interface LeaderData {
  readonly counts: Readonly<Record<string, number>>;
  readonly endsAll?: boolean;
}

export const ASSIGNOR_NAME = 'millrace-streams';

/** A task's partitions travel as the assignment; what a member holds travels as its user data. */
export class StreamsAssignor implements GroupAssignor {
  readonly name = ASSIGNOR_NAME;
  readonly #topology: Topology;
  readonly #fullName: (topic: string) => string;
  /** Partitions per topic, by full name, as this instance found them. */
  readonly #counts: ReadonlyMap<string, number>;
  readonly #held: () => readonly string[];
  readonly #endsAll: boolean;

  // oxlint-disable-next-line max-params -- what a member knows
  constructor(
    topology: Topology,
    fullName: (topic: string) => string,
    counts: ReadonlyMap<string, number>,
    held: () => readonly string[],
    endsAll = false,
  ) {
    this.#endsAll = endsAll;
    this.#topology = topology;
    this.#fullName = fullName;
    this.#counts = counts;
    this.#held = held;
  }

  userData(): Uint8Array {
    return Buffer.from(JSON.stringify({ tasks: this.#held(), endsAll: this.#endsAll } satisfies MemberData));
  }

  assign(members: readonly GroupMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, MemberAssignment> {
    this.checkCounts(partitionCounts);
    const tasks = new Map<string, TopicPartition[]>();
    for (const sub of this.#topology.subTopologies) {
      for (const topic of sub.sources.flatMap((node) => node.source!.topics).map(this.#fullName)) {
        for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
          const id = `${sub.id}_${partition}`;
          const known = tasks.get(id);
          if (known === undefined) tasks.set(id, [{ topic, partition }]);
          else known.push({ topic, partition });
        }
      }
    }
    const known = new Map(members.map((member) => [member.memberId, dataOf(member)]));
    const held = new Map([...known].map(([memberId, data]) => [memberId, data.tasks]));
    const endsAll = [...known.values()].some((data) => data.endsAll);
    const given = assignTasks([...tasks.keys()], held);
    const userData = Buffer.from(
      JSON.stringify({ counts: Object.fromEntries(partitionCounts), endsAll } satisfies LeaderData),
    );
    return new Map(
      [...given].map(([memberId, ids]) => [memberId, { partitions: ids.flatMap((id) => tasks.get(id)!), userData }]),
    );
  }

  /** What a member does with what the leader found; members of other versions may read other topics. */
  checkLeaderData(userData: Uint8Array): void {
    const { counts, endsAll = false } = JSON.parse(Buffer.from(userData).toString() || '{"counts":{}}') as LeaderData;
    if (endsAll) {
      throw new MillraceError('APPLICATION_SHUTDOWN', 'an instance asked for the whole application to stop');
    }
    this.checkCounts(new Map(Object.entries(counts).filter(([topic]) => this.#counts.has(topic))), true);
  }

  /**
   * Topics that have changed since this instance looked at them: its tasks and internal topics are not those that it needs
   * now, so it has to begin anew (and finds out then whether it can).
   */
  checkCounts(found: ReadonlyMap<string, number>, isPartial = false): void {
    for (const [topic, count] of this.#counts) {
      const now = found.get(topic);
      if (now === count || (now === undefined && isPartial)) continue;
      throw new MillraceError(
        'SOURCE_TOPICS_CHANGED',
        `the topic ${topic} had ${count} partitions when the application started, and has ${now ?? 'none'} now`,
        { retriable: true },
      );
    }
  }
}

/** Nobody gets more than one task more than anybody else; within that, tasks stay with those who hold their state. */
export function assignTasks(
  tasks: readonly string[],
  held: ReadonlyMap<string, readonly string[]>,
): Map<string, string[]> {
  const members = [...held.keys()].sort();
  const given = new Map<string, string[]>(members.map((member) => [member, []]));
  if (members.length === 0) return given;
  const least = Math.floor(tasks.length / members.length);
  let extras = tasks.length % members.length;
  const open = new Set(tasks);
  const take = (member: string, task: string): void => {
    given.get(member)!.push(task);
    open.delete(task);
  };
  for (const member of members) {
    for (const task of held.get(member)!) {
      if (!open.has(task)) continue;
      const count = given.get(member)!.length;
      if (count < least) {
        take(member, task);
      } else if (count === least && extras > 0) {
        extras--;
        take(member, task);
      }
    }
  }
  for (const task of [...open].sort()) {
    const [member] = [...members].sort((a, b) => given.get(a)!.length - given.get(b)!.length);
    take(member!, task);
  }
  return given;
}

function dataOf(member: GroupMember): Required<MemberData> {
  const none = { tasks: [], endsAll: false };
  try {
    const data: unknown = JSON.parse(Buffer.from(member.userData).toString());
    if (typeof data !== 'object' || data === null || !('tasks' in data) || !Array.isArray(data.tasks)) return none;
    const tasks = data.tasks.filter((task): task is string => typeof task === 'string');
    return { tasks, endsAll: 'endsAll' in data && data.endsAll === true };
  } catch {
    return none;
  }
}
