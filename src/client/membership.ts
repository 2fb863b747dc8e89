// A consumer in its group (group-session.ts): what it subscribes to, what it is to read, and what it gives up. The round is the
// session's; here is what consumers say and do in it.
//
// Where the assignor is cooperative (KIP-429) nothing is given up before: the member reads on until it knows what it is to keep,
// gives up the rest, and begins the next round, in which others get that.
//
// The leader also looks at the topics: when partitions were added, or a topic has gone or was made again, it begins a round.
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  rangeAssignor,
} from './assignors.ts';
import { cooperativeStickyAssignor } from './cooperative-sticky.ts';
import type {
  AssignmentStrategy,
  ConsumerSettings,
  GroupAssignor,
  GroupMetadata,
  GroupProtocol,
  RebalanceListener,
  TopicPartition,
} from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';
import { GroupSession, type JoinedGroup } from './group-session.ts';

const DEFAULT_SESSION_TIMEOUT_MS = 45_000;
const DEFAULT_HEARTBEAT_MS = 3_000;
const DEFAULT_REBALANCE_TIMEOUT_MS = 300_000;
const METADATA_TIMEOUT_MS = 60_000;
const PROTOCOL_TYPE = 'consumer';
const OWN: Readonly<Record<AssignmentStrategy, GroupAssignor>> = {
  range: rangeAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
};

export interface Subscription {
  readonly topics: readonly string[];
  readonly listener: RebalanceListener;
  /** Makes the fetcher read these partitions, from their committed offsets. */
  readonly assign: (partitions: readonly TopicPartition[]) => Promise<void>;
  /** Something happened that the poll that waits should see. */
  readonly wake: () => void;
}

export class Membership {
  readonly #cluster: Cluster;
  readonly #session: GroupSession;
  /** The preferred first; all members have one of them in common. */
  readonly #assignors: readonly GroupAssignor[];
  readonly #mayCreateTopics: boolean;
  readonly #topics: readonly string[];
  readonly #listener: RebalanceListener;
  readonly #assign: (partitions: readonly TopicPartition[]) => Promise<void>;
  readonly #wake: () => void;
  #assigned: readonly TopicPartition[] = [];
  /** What the leader assigned: the topics of all members, and what they were made of. Empty for the others. */
  #assignedShapes: ReadonlyMap<string, string> = new Map();
  /** The version of the cluster's picture that these were compared with. */
  #comparedVersion = -1;
  #isLooking = false;

  constructor(
    cluster: Cluster,
    purpose: Purpose,
    settings: ConsumerSettings & { groupId: string },
    { topics, listener, assign, wake }: Subscription,
  ) {
    this.#cluster = cluster;
    const { assignor, partitionAssignmentStrategy = ['range'] } = settings;
    this.#assignors = assignor === undefined ? partitionAssignmentStrategy.map((name) => OWN[name]) : [assignor];
    this.#mayCreateTopics = settings.allowAutoCreateTopics ?? false;
    this.#topics = topics;
    this.#listener = listener;
    this.#assign = assign;
    this.#wake = wake;
    this.#session = new GroupSession(
      cluster,
      purpose,
      {
        groupId: settings.groupId,
        protocolType: PROTOCOL_TYPE,
        groupInstanceId: settings.groupInstanceId,
        sessionTimeoutMs: settings.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS,
        heartbeatIntervalMs: settings.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS,
        rebalanceTimeoutMs: settings.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS,
      },
      {
        beforeRound: (isLost) => this.#beforeRound(isLost),
        protocols: () => this.#assignors.map((assignor) => this.#protocol(assignor)),
        lead: (joined) => this.#lead(joined),
        arrange: (assignment) => this.#arrange(assignment),
        beaten: () => this.#beaten(),
        wake,
      },
    );
  }

  get metadata(): GroupMetadata {
    return this.#session.metadata;
  }

  /** Called by every poll: starts a round when one is due. Undefined when the member is settled. */
  advance(): Promise<void> | undefined {
    return this.#session.advance(() => this.#topicsHaveChanged());
  }

  /** Whether the round that is under way leaves the member what it has, for now. */
  get readsOn(): boolean {
    return this.#isCooperative && !this.#session.isLost;
  }

  /** Waits for the generation behind the given one, if this member is on its way into it. */
  rejoined(generationId: number): Promise<boolean> {
    return this.#session.rejoined(generationId);
  }

  /** Begins a round with the next poll, unless one is under way or due. */
  enforce(): void {
    this.#session.enforce();
  }

  /** The group went on without this member. */
  lost(): void {
    this.#session.lost();
  }

  async leave(): Promise<void> {
    await this.#session.leave(() => this.#giveUp(this.#session.isLost));
  }

  /** Where one of the assignors that the group may choose is an eager one, all rounds are (as in the Java client). */
  get #isCooperative(): boolean {
    return this.#assignors.every(({ protocol }) => protocol === 'cooperative');
  }

  async #beforeRound(isLost: boolean): Promise<void> {
    this.#assignedShapes = new Map();
    if (isLost || !this.#isCooperative) await this.#giveUp(isLost);
  }

  #protocol(assignor: GroupAssignor): GroupProtocol {
    const owned = this.#isCooperative ? this.#assigned : undefined;
    return { name: assignor.name, metadata: encodeSubscription(this.#topics, assignor.userData?.(), owned) };
  }

  /** Takes over an assignment. False when partitions were given up, which others are to get in another round. */
  async #arrange(assignment: Buffer): Promise<boolean> {
    const { partitions, userData } = decodeAssignment(assignment);
    const [before, now] = [this.#assigned, partitions].map((list) => new Set(list.map(nameOf)));
    const revoked = this.#assigned.filter((each) => !now!.has(nameOf(each)));
    const added = partitions.filter((each) => !before!.has(nameOf(each)));
    if (revoked.length > 0) await this.#listener.onRevoked?.(revoked);
    this.#assigned = partitions;
    if (revoked.length > 0 || added.length > 0) await this.#assign(partitions);
    await this.#listener.onAssigned?.(added, userData);
    return revoked.length === 0;
  }

  /** The leader's part: looks at the topics of all members, and assigns them, unless it only watches the topics (KIP-814). */
  async #lead({
    members,
    skipAssignment,
    protocolName,
  }: JoinedGroup): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = members.map(({ memberId, metadata }) => decodeSubscription(memberId, metadata));
    const topics = [...new Set(subscriptions.flatMap((member) => member.topics))].sort();
    const found = await this.#cluster.retrying(METADATA_TIMEOUT_MS, () =>
      this.#cluster.refresh(topics, this.#mayCreateTopics),
    );
    this.#assignedShapes = new Map(topics.map((topic) => [topic, this.#cluster.shapeOf(topic)]));
    if (skipAssignment) return [];
    const counts = new Map(found.map(({ name, partitions }) => [name, partitions.length]));
    const assignor = this.#assignors.find(({ name }) => name === protocolName) ?? this.#assignors[0]!;
    const assigned = await assignor.assign(subscriptions, counts);
    return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }));
  }

  /** True once when a topic is not what it was when the leader assigned its partitions. */
  #topicsHaveChanged(): boolean {
    const { version } = this.#cluster;
    if (version === this.#comparedVersion) return false;
    this.#comparedVersion = version;
    return [...this.#assignedShapes].some(([topic, shape]) => this.#cluster.shapeOf(topic) !== shape);
  }

  async #giveUp(isLost: boolean): Promise<void> {
    const partitions = this.#assigned;
    if (partitions.length === 0) return;
    this.#assigned = [];
    if (isLost) await this.#listener.onLost?.(partitions);
    else await this.#listener.onRevoked?.(partitions);
    await this.#assign([]);
  }

  #beaten(): void {
    if (!this.#isLooking && this.#assignedShapes.size > 0) void this.#lookAtTopics();
  }

  /** The leader's look at its topics, in the rhythm of heartbeats; it takes as long as it takes, and holds none of them up. */
  async #lookAtTopics(): Promise<void> {
    this.#isLooking = true;
    try {
      await this.#cluster.renew([...this.#assignedShapes.keys()]);
      if (this.#cluster.version !== this.#comparedVersion) this.#wake();
    } catch {
      // Nobody answers at the moment; the next beat looks again.
    } finally {
      this.#isLooking = false;
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
