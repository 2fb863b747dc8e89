// How the group's members and its leader tell each other who has what, and who is to do what (task-assignment.ts decides).
import type { GroupAssignor, GroupMember, MemberAssignment, TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';
import type { HostTasks } from './instances.ts';
import { type AssignmentRules, assignTasks, type MemberHoldings, type TaskToAssign } from './task-assignment.ts';

export const ASSIGNOR_NAME = 'millrace-streams';

/** What a member tells the leader: what it holds, and whether it wants the whole application to stop. */
interface MemberData extends Omit<MemberHoldings, 'reached'> {
  readonly reached: Readonly<Record<string, number>>;
  /** Where its stores can be asked. */
  readonly applicationServer?: string | undefined;
  /** Of its producer, when it has one that writes transactions. */
  readonly transactionalId?: string | undefined;
  readonly endsAll: boolean;
  /** How often it has asked for another assignment: a member that says nothing new is not listened to. */
  readonly probes: number;
}

/** What the leader tells each member besides the partitions of the tasks that it runs. */
interface LeaderData {
  /** The partitions that the leader found, by topic. */
  readonly counts: Readonly<Record<string, number>>;
  /** The application is to stop. */
  readonly endsAll?: boolean;
  /** Tasks whose state the member is to follow. */
  readonly standby?: readonly string[];
  readonly warmup?: readonly string[];
  /** After how long the member is to ask for the work to be assigned again. */
  readonly probeAfterMs?: number;
  /** Who has which tasks, as far as members can be asked. */
  readonly hosts?: HostTasks;
  /** The transactional ids of all members, so that whoever leads next knows who is gone. */
  readonly transactionalIds?: readonly string[];
}

/** What a member is to do that is not in its partitions. */
export interface Orders {
  readonly standby: readonly string[];
  readonly warmup: readonly string[];
  readonly probeAfterMs: number | undefined;
  readonly hosts: HostTasks;
}

export interface StreamsAssignorOptions {
  readonly topology: Topology;
  readonly fullName: (topic: string) => string;
  /** Partitions per topic, by full name, as this instance found them. */
  readonly counts: ReadonlyMap<string, number>;
  readonly holdings: () => MemberHoldings;
  readonly probes: () => number;
  readonly applicationServer: string | undefined;
  readonly transactionalId: string | undefined;
  /** Ends what members had open that are in the group no more. Not waited for; does not throw. */
  readonly endTransactionsOf: (transactionalIds: readonly string[]) => void;
  /** How many records there are in the changelogs of tasks that have some. */
  readonly ends: (tasks: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly rules: AssignmentRules & { readonly probingRebalanceIntervalMs: number };
  readonly endsAll: boolean;
}

/** A task's partitions travel as the assignment; what a member holds, and what it is told besides, as user data. */
export class StreamsAssignor implements GroupAssignor {
  readonly name = ASSIGNOR_NAME;
  readonly protocol = 'cooperative';
  readonly #options: StreamsAssignorOptions;
  /** The transactional ids of the members of the last assignment. */
  #transactionalIds: readonly string[] = [];

  constructor(options: StreamsAssignorOptions) {
    this.#options = options;
  }

  userData(): Uint8Array {
    const { holdings, probes, endsAll, applicationServer, transactionalId } = this.#options;
    const { reached, ...held } = holdings();
    return encode<MemberData>({
      ...held,
      reached: Object.fromEntries(reached),
      endsAll,
      probes: probes(),
      applicationServer,
      transactionalId,
    });
  }

  async assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): Promise<Map<string, MemberAssignment>> {
    this.checkCounts(partitionCounts);
    const { ends, rules } = this.#options;
    const partitions = this.#taskPartitions(partitionCounts);
    const known = await ends([...partitions.keys()]);
    const tasks = [...partitions.keys()].map((id): TaskToAssign => ({ id, end: known.get(id) }));
    const data = new Map(members.map((member) => [member.memberId, memberData(member)]));
    const holdings = new Map([...data].map(([id, { held }]) => [id, held]));
    const { shares, isPassing } = assignTasks(tasks, holdings, rules);
    const endsAll = [...data.values()].some((member) => member.endsAll);
    const transactionalIds = [...data.values()].flatMap((member) => member.transactionalId ?? []);
    // Whoever died within a transaction would hold up those who take over until it times out.
    const gone = this.#transactionalIds.filter((id) => !transactionalIds.includes(id));
    if (gone.length > 0) this.#options.endTransactionsOf(gone);
    const counts = Object.fromEntries(partitionCounts);
    const ownerOf = new Map(members.flatMap(({ memberId, owned }) => owned.map((each) => [nameOf(each), memberId])));
    // What somebody else still has is given up first, and assigned in the round behind that.
    const ownersOf = (id: string): string[] => partitions.get(id)!.flatMap((each) => ownerOf.get(nameOf(each)) ?? []);
    const isFree = (memberId: string, id: string): boolean => ownersOf(id).every((owner) => owner === memberId);
    const isNear = (memberId: string, id: string): boolean =>
      ownersOf(id).some((owner) => holdings.get(owner)!.home === holdings.get(memberId)!.home);
    const givenTo = (memberId: string): string[] => shares.get(memberId)!.active.filter((id) => isFree(memberId, id));
    // The threads of an instance are members of their own, and have one address.
    const hosts: Record<string, { readonly active: string[]; readonly standby: string[] }> = {};
    for (const [memberId, { applicationServer }] of data) {
      if (applicationServer === undefined) continue;
      const host = (hosts[applicationServer] ??= { active: [], standby: [] });
      host.active.push(...givenTo(memberId));
      host.standby.push(...shares.get(memberId)!.standby);
    }
    // One member is enough to ask again.
    const [prober] = [...shares.keys()];
    return new Map(
      [...shares].map(([memberId, { active, standby, warmup }]) => {
        const probe = isPassing && memberId === prober ? { probeAfterMs: rules.probingRebalanceIntervalMs } : {};
        const given = givenTo(memberId);
        // Until then their state is followed, as it would be let go of otherwise; in the same home its owner has it open.
        const coming = active.filter((id) => known.has(id) && !isFree(memberId, id) && !isNear(memberId, id));
        const userData = encode<LeaderData>({
          counts,
          endsAll,
          standby,
          warmup: [...warmup, ...coming],
          ...probe,
          hosts,
          transactionalIds,
        });
        return [memberId, { partitions: given.flatMap((id) => partitions.get(id)!), userData }];
      }),
    );
  }

  /** What the leader says; throws where the application is to stop, or topics are not what this instance found. */
  read(userData: Uint8Array): Orders {
    const text = Buffer.from(userData).toString();
    const data = JSON.parse(text === '' ? '{"counts":{}}' : text) as LeaderData;
    if (data.endsAll === true) {
      throw new MillraceError('APPLICATION_SHUTDOWN', 'an instance asked for the whole application to stop');
    }
    // Members of other versions may read other topics.
    const { counts } = this.#options;
    this.checkCounts(new Map(Object.entries(data.counts).filter(([topic]) => counts.has(topic))), true);
    const { standby = [], warmup = [], probeAfterMs, hosts = {}, transactionalIds = [] } = data;
    this.#transactionalIds = transactionalIds;
    return { standby, warmup, probeAfterMs, hosts };
  }

  /**
   * Topics that have changed since this instance looked at them: its tasks and internal topics are not those that it needs
   * now, so it has to begin anew (and finds out then whether it can).
   */
  checkCounts(found: ReadonlyMap<string, number>, isPartial = false): void {
    for (const [topic, count] of this.#options.counts) {
      const now = found.get(topic);
      if (now === count || (now === undefined && isPartial)) continue;
      throw new MillraceError(
        'SOURCE_TOPICS_CHANGED',
        `the topic ${topic} had ${count} partitions when the application started, and has ${now ?? 'none'} now`,
        { retriable: true },
      );
    }
  }

  #taskPartitions(partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
    const { topology, fullName } = this.#options;
    const tasks = new Map<string, TopicPartition[]>();
    for (const sub of topology.subTopologies) {
      for (const topic of sub.sources.flatMap((node) => node.source!.topics).map(fullName)) {
        for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
          const id = `${sub.id}_${partition}`;
          const known = tasks.get(id);
          if (known === undefined) tasks.set(id, [{ topic, partition }]);
          else known.push({ topic, partition });
        }
      }
    }
    return tasks;
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

function encode<T>(data: T): Buffer {
  return Buffer.from(JSON.stringify(data));
}

/** What a member says, as far as it can be understood: nobody's data may keep the group from being formed. */
function memberData({ memberId, userData }: GroupMember): {
  readonly held: MemberHoldings;
  readonly endsAll: boolean;
  readonly applicationServer: string | undefined;
  readonly transactionalId: string | undefined;
} {
  let data: Partial<Record<keyof MemberData, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(userData).toString());
    if (typeof parsed === 'object' && parsed !== null) data = parsed;
  } catch {
    // It holds nothing.
  }
  const { running, reached, home, tags, endsAll, applicationServer, transactionalId } = data;
  const isTask = (task: unknown): task is string => typeof task === 'string' && /^\d+_\d+$/.test(task);
  const entries = <T>(given: unknown, isValue: (value: unknown) => value is T): [string, T][] =>
    Object.entries(given ?? {}).filter((entry): entry is [string, T] => isValue(entry[1]));
  const isOffset = (value: unknown): value is number => typeof value === 'number' && value >= 0;
  return {
    held: {
      running: Array.isArray(running) ? running.filter(isTask) : [],
      reached: new Map(entries(reached, isOffset).filter(([task]) => isTask(task))),
      home: typeof home === 'string' ? home : memberId,
      tags: Object.fromEntries(entries(tags, (value): value is string => typeof value === 'string')),
    },
    endsAll: endsAll === true,
    applicationServer: typeof applicationServer === 'string' ? applicationServer : undefined,
    transactionalId: typeof transactionalId === 'string' ? transactionalId : undefined,
  };
}
