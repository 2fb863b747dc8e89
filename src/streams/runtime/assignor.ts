// Which instance runs which task: balanced, and where the state already is.
import type { GroupAssignor, GroupMember, MemberAssignment, TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';

/** Tasks whose state is at hand: those that the member runs, and those of which its state directory has a checkpoint. */
export interface HeldTasks {
  readonly running: readonly string[];
  readonly checkpointed: readonly string[];
}

/** What a member tells the leader. */
interface MemberData extends HeldTasks {
  /** The member wants the whole application to stop. */
  readonly endsAll: boolean;
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
  readonly #held: () => HeldTasks;
  readonly #endsAll: boolean;

  // oxlint-disable-next-line max-params -- what a member knows
  constructor(
    topology: Topology,
    fullName: (topic: string) => string,
    counts: ReadonlyMap<string, number>,
    held: () => HeldTasks,
    endsAll = false,
  ) {
    this.#endsAll = endsAll;
    this.#topology = topology;
    this.#fullName = fullName;
    this.#counts = counts;
    this.#held = held;
  }

  userData(): Uint8Array {
    return Buffer.from(JSON.stringify({ ...this.#held(), endsAll: this.#endsAll } satisfies MemberData));
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
    const held = new Map(members.map((member) => [member.memberId, heldBy(member)]));
    const given = assignTasks([...tasks.keys()], held);
    const endsAll = members.some((member) => dataOf(member)['endsAll'] === true);
    const found: LeaderData = { counts: Object.fromEntries(partitionCounts), endsAll };
    const userData = Buffer.from(JSON.stringify(found));
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

/**
 * Nobody gets more than one task more than anybody else. Within that, tasks stay with those who run them; then they go to
 * those who have a checkpoint of them, by turns, as instances that share a state directory all have the same ones; then to
 * whoever has least. A member that gives some up keeps all its sub-topologies: they may differ in what they cost.
 */
export function assignTasks(tasks: readonly string[], held: ReadonlyMap<string, HeldTasks>): Map<string, string[]> {
  const members = [...held.keys()].sort();
  const given = new Map<string, string[]>(members.map((member) => [member, []]));
  if (members.length === 0) return given;
  const least = Math.floor(tasks.length / members.length);
  let extras = tasks.length % members.length;
  const open = new Set(tasks);
  /** Gives a member the first of its claims that is still open, if there is room for it. */
  const claim = (member: string, claims: readonly string[]): boolean => {
    const task = claims.find((id) => open.has(id));
    const own = given.get(member)!;
    if (task === undefined || own.length > least || (own.length === least && extras === 0)) return false;
    if (own.length === least) extras--;
    own.push(task);
    open.delete(task);
    return true;
  };
  for (const member of members) {
    const claims = [...held.get(member)!.running].sort(byPartition);
    while (claim(member, claims));
  }
  const claims = new Map(members.map((member) => [member, [...held.get(member)!.checkpointed].sort(bySubTopology)]));
  for (let waiting = members; waiting.length > 0; ) {
    waiting = waiting.filter((member) => claim(member, claims.get(member)!));
  }
  for (const task of [...open].sort(bySubTopology)) {
    const [member] = [...members].sort((a, b) => given.get(a)!.length - given.get(b)!.length);
    given.get(member!)!.push(task);
  }
  return given;
}

const numbersOf = (task: string): [sub: number, partition: number] => task.split('_').map(Number) as [number, number];

function bySubTopology(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[0] - right[0] || left[1] - right[1];
}

function byPartition(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[1] - right[1] || left[0] - right[0];
}

function heldBy(member: GroupMember): HeldTasks {
  const data = dataOf(member);
  const listOf = (name: string): string[] => {
    const list = data[name];
    return Array.isArray(list) ? list.filter((task): task is string => typeof task === 'string') : [];
  };
  return { running: listOf('running'), checkpointed: listOf('checkpointed') };
}

function dataOf(member: GroupMember): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(Buffer.from(member.userData).toString());
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
