// A member of a classic consumer group. One round: give up what was assigned (the listener commits) → JoinGroup, which
// the broker answers when everybody has come → the leader assigns → SyncGroup brings each its part → heartbeats until
// one of them says that the next round has begun. Rounds start inside `poll`, never behind the caller's back.
//
// Where the assignor is cooperative (KIP-429) nothing is given up before: the member reads on until it knows what it is to keep,
// gives up the rest, and begins the next round, in which others get that.
//
// The leader also looks at the topics: when partitions were added, or a topic has gone or was made again, it begins a round.
//
// A static member (KIP-345: `groupInstanceId`) does not leave: when it comes back within its session's time-out it gets what
// it had, and nobody else hears of it. Whoever joins with the same id takes its place, and it is fenced.
import {
  type Api,
  create,
  ErrorCode,
  errorFor,
  heartbeat,
  isRetriable,
  joinGroup,
  leaveGroup,
  syncGroup,
  type Transport,
} from '../protocol/index.ts';
import { deferred, MillraceError } from '../util/index.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  rangeAssignor,
} from './assignors.ts';
import type { ConsumerSettings, GroupAssignor, GroupMetadata, RebalanceListener, TopicPartition } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';

const DEFAULT_SESSION_TIMEOUT_MS = 45_000;
const DEFAULT_HEARTBEAT_MS = 3_000;
const DEFAULT_REBALANCE_TIMEOUT_MS = 300_000;
const METADATA_TIMEOUT_MS = 60_000;
const PROTOCOL_TYPE = 'consumer';

export interface Subscription {
  readonly topics: readonly string[];
  readonly listener: RebalanceListener;
  /** Makes the fetcher read these partitions, from their committed offsets. */
  readonly assign: (partitions: readonly TopicPartition[]) => Promise<void>;
  /** Something happened that the poll that waits should see. */
  readonly wake: () => void;
}

export class Membership {
  readonly groupId: string;
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #settings: ConsumerSettings;
  readonly #assignor: GroupAssignor;
  readonly #topics: readonly string[];
  readonly #listener: RebalanceListener;
  readonly #assign: (partitions: readonly TopicPartition[]) => Promise<void>;
  readonly #wake: () => void;
  #memberId = '';
  #generationId = -1;
  #assigned: readonly TopicPartition[] = [];
  /** What the leader assigned: the topics of all members, and what they were made of. Empty for the others. */
  #assignedShapes: ReadonlyMap<string, string> = new Map();
  /** The version of the cluster's picture that these were compared with. */
  #comparedVersion = -1;
  #isLooking = false;
  #state: 'outside' | 'joining' | 'arranging' | 'stable' | 'left' | 'fenced' = 'outside';
  #lost = false;
  #round: Promise<void> | undefined;
  /** The present round's joining has come to its end. */
  #synced = deferred();
  #failure: unknown;
  #stopHeartbeats = () => {};

  constructor(
    cluster: Cluster,
    purpose: Purpose,
    settings: ConsumerSettings & { groupId: string },
    { topics, listener, assign, wake }: Subscription,
  ) {
    this.groupId = settings.groupId;
    this.#cluster = cluster;
    this.#purpose = purpose;
    this.#settings = settings;
    this.#assignor = settings.assignor ?? rangeAssignor;
    this.#topics = topics;
    this.#listener = listener;
    this.#assign = assign;
    this.#wake = wake;
  }

  get metadata(): GroupMetadata {
    return {
      groupId: this.groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#settings.groupInstanceId ?? null,
    };
  }

  /** Called by every poll: starts a round when one is due. Undefined when the member is settled. */
  advance(): Promise<void> | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      // A member that was fenced stays it: joining again would fence the one that has its place now.
      if (this.#state !== 'fenced') this.#failure = undefined;
      throw failure;
    }
    if (this.#state === 'stable' && this.#topicsHaveChanged()) this.#state = 'outside';
    if (this.#state === 'outside' && this.#round === undefined) {
      this.#state = 'joining';
      this.#synced = deferred();
      this.#round = this.#join()
        .catch((error) => {
          this.#failure = error;
          if (this.#state === 'joining' || this.#state === 'arranging') this.#state = 'outside';
        })
        .finally(() => {
          this.#round = undefined;
          this.#synced.resolve();
          this.#wake();
        });
    }
    return this.#round;
  }

  /** Whether the round that is under way leaves the member what it has, for now. */
  get readsOn(): boolean {
    return this.#isCooperative && !this.#lost;
  }

  /** Whether the group knows what this member reads, and has to hear of it. */
  get #isSettled(): boolean {
    return this.#state === 'stable' || this.#state === 'arranging';
  }

  get #isCooperative(): boolean {
    return this.#assignor.protocol === 'cooperative';
  }

  /** Waits for the generation behind the given one, if this member is on its way into it. */
  async rejoined(generationId: number): Promise<boolean> {
    const isJoining = this.#state === 'joining';
    if (isJoining) await this.#synced.promise;
    return this.#memberId !== '' && (isJoining || this.#generationId !== generationId);
  }

  /** Begins a round with the next poll, unless one is under way or due. */
  enforce(): void {
    if (this.#state !== 'stable') return;
    this.#state = 'outside';
    this.#wake();
  }

  async leave(): Promise<void> {
    this.#stopHeartbeats();
    const wasMember = this.#memberId !== '';
    this.#state = 'left';
    try {
      if (this.#assigned.length > 0) await this.#giveUp();
    } finally {
      await this.#sayGoodbye(wasMember);
    }
  }

  async #sayGoodbye(wasMember: boolean): Promise<void> {
    if (!wasMember || this.#settings.groupInstanceId !== undefined) return;
    const { groupId } = this;
    const memberId = this.#memberId;
    this.#memberId = '';
    try {
      const transport = await this.#coordinator();
      const many = (transport.versionOf(leaveGroup) ?? 0) >= 3;
      await transport.request(
        leaveGroup,
        create(leaveGroup, many ? { groupId, members: [{ memberId, groupInstanceId: null }] } : { groupId, memberId }),
      );
    } catch {
      // The session timeout will remove the member.
    }
  }

  #coordinator(): Promise<Transport> {
    return this.#cluster.coordinator('group', this.groupId, this.#purpose);
  }

  async #join(): Promise<void> {
    this.#stopHeartbeats();
    if (!this.readsOn) await this.#giveUp();
    for (let failures = 0; ; failures++) {
      if (failures > 1) await this.#cluster.backOff(failures - 1);
      if (this.#state === 'left') return;
      if (this.#memberId === '' && this.#assigned.length > 0) {
        // The group has forgotten this member while it read on.
        this.#lost = true;
        await this.#giveUp();
      }
      const joined = await this.#ask(joinGroup, () => this.#joinRequest());
      if (this.#restarts(joined.errorCode, joined.memberId)) continue;
      this.#memberId = joined.memberId;
      this.#generationId = joined.generationId;
      this.#assignedShapes = new Map();
      const leads = joined.leader === joined.memberId;
      const assignments = leads ? await this.#lead(joined.members, joined.skipAssignment) : [];
      const { groupId } = this;
      const synced = await this.#ask(syncGroup, () =>
        create(syncGroup, {
          groupId,
          generationId: this.#generationId,
          memberId: this.#memberId,
          groupInstanceId: this.#settings.groupInstanceId ?? null,
          protocolType: PROTOCOL_TYPE,
          protocolName: joined.protocolName,
          assignments,
        }),
      );
      if (this.#restarts(synced.errorCode, this.#memberId)) continue;
      const { partitions, userData } = decodeAssignment(synced.assignment);
      if (this.#state !== 'joining') return;
      this.#state = 'arranging';
      this.#synced.resolve();
      this.#scheduleHeartbeat();
      const isKept = await this.#arrange(partitions, userData);
      if (this.#state === 'arranging') this.#state = isKept ? 'stable' : 'outside';
      return;
    }
  }

  /** Takes over an assignment. False when partitions were given up, which others are to get in another round. */
  async #arrange(partitions: readonly TopicPartition[], userData: Uint8Array): Promise<boolean> {
    const [before, now] = [this.#assigned, partitions].map((list) => new Set(list.map(nameOf)));
    const revoked = this.#assigned.filter((each) => !now!.has(nameOf(each)));
    const added = partitions.filter((each) => !before!.has(nameOf(each)));
    if (revoked.length > 0) await this.#listener.onRevoked?.(revoked);
    this.#assigned = partitions;
    if (revoked.length > 0 || added.length > 0) await this.#assign(partitions);
    await this.#listener.onAssigned?.(added, userData);
    return revoked.length === 0;
  }

  #joinRequest() {
    const owned = this.#isCooperative ? this.#assigned : undefined;
    return create(joinGroup, {
      groupId: this.groupId,
      sessionTimeoutMs: this.#settings.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: this.#settings.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: this.#settings.groupInstanceId ?? null,
      protocolType: PROTOCOL_TYPE,
      protocols: [
        { name: this.#assignor.name, metadata: encodeSubscription(this.#topics, this.#assignor.userData?.(), owned) },
      ],
    });
  }

  /** True when the round starts over: the broker gave an id, forgot the member, or began the next round meanwhile. */
  #restarts(errorCode: number, memberId: string): boolean {
    switch (errorCode) {
      case ErrorCode.NONE:
        return false;
      case ErrorCode.MEMBER_ID_REQUIRED:
        this.#memberId = memberId;
        return true;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        this.#memberId = '';
        return true;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return true;
      default:
        throw this.#refusal(errorCode);
    }
  }

  /** What to throw for an error of the group's own; being fenced is the end of the membership. */
  #refusal(errorCode: number): MillraceError {
    if (errorCode !== ErrorCode.FENCED_INSTANCE_ID) return errorFor(errorCode, `group ${this.groupId}`);
    this.#state = 'fenced';
    const instance = this.#settings.groupInstanceId;
    return new MillraceError(
      'FENCED_INSTANCE_ID',
      `another member with the groupInstanceId ${instance} has joined the group ${this.groupId}: this one is out of it for ` +
        'good; members that run at the same time need different ones',
    );
  }

  /** Asks the coordinator; "elsewhere" and "not yet" are tried again, the group's own errors are returned. */
  async #ask<Req, Res extends { readonly errorCode: number }>(api: Api<Req, Res>, bodyFor: () => Req): Promise<Res> {
    let answer: Res | undefined;
    await this.#cluster.askCoordinator(
      { type: 'group', key: this.groupId },
      api,
      bodyFor,
      (response) => {
        answer = response;
        const elsewhere = isRetriable(response.errorCode) && response.errorCode !== ErrorCode.REBALANCE_IN_PROGRESS;
        return elsewhere ? response.errorCode : ErrorCode.NONE;
      },
      { purpose: this.#purpose },
    );
    return answer!;
  }

  /**
   * The leader's part: looks at the topics of all members, and assigns them. A static leader that came back leaves what was
   * assigned as it is, and only watches the topics (KIP-814).
   */
  async #lead(
    members: readonly { readonly memberId: string; readonly metadata: Buffer }[],
    skipsAssignment: boolean,
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = members.map(({ memberId, metadata }) => decodeSubscription(memberId, metadata));
    const topics = [...new Set(subscriptions.flatMap((member) => member.topics))].sort();
    const mayCreate = this.#settings.allowAutoCreateTopics ?? false;
    const found = await this.#cluster.retrying(METADATA_TIMEOUT_MS, () => this.#cluster.refresh(topics, mayCreate));
    this.#assignedShapes = new Map(topics.map((topic) => [topic, this.#cluster.shapeOf(topic)]));
    if (skipsAssignment) return [];
    const counts = new Map(found.map(({ name, partitions }) => [name, partitions.length]));
    const assigned = await this.#assignor.assign(subscriptions, counts);
    return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }));
  }

  /** True once when a topic is not what it was when the leader assigned its partitions. */
  #topicsHaveChanged(): boolean {
    const { version } = this.#cluster;
    if (version === this.#comparedVersion) return false;
    this.#comparedVersion = version;
    return [...this.#assignedShapes].some(([topic, shape]) => this.#cluster.shapeOf(topic) !== shape);
  }

  async #giveUp(): Promise<void> {
    const partitions = this.#assigned;
    if (partitions.length === 0) return;
    this.#assigned = [];
    if (this.#lost) await this.#listener.onLost?.(partitions);
    else await this.#listener.onRevoked?.(partitions);
    this.#lost = false;
    await this.#assign([]);
  }

  #scheduleHeartbeat(): void {
    const intervalMs = this.#settings.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS;
    this.#stopHeartbeats = this.#cluster.environment.after(intervalMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    if (!this.#isSettled) return;
    try {
      const transport = await this.#coordinator();
      const { groupId, generationId, memberId, groupInstanceId } = this.metadata;
      const answer = await transport.request(
        heartbeat,
        create(heartbeat, { groupId, generationId, memberId, groupInstanceId }),
      );
      this.#heard(answer.errorCode);
    } catch {
      // The connection is gone; the next beat finds the coordinator again.
      this.#cluster.forgetCoordinator('group', this.groupId);
    }
    if (!this.#isSettled) return;
    this.#scheduleHeartbeat();
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

  #heard(errorCode: number): void {
    if (this.#state !== 'stable' || errorCode === ErrorCode.NONE) return;
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.#state = 'outside';
      this.#wake();
    } else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) {
      this.lost();
    } else if (isRetriable(errorCode)) {
      this.#cluster.forgetCoordinator('group', this.groupId);
    } else {
      this.#failure = this.#refusal(errorCode);
      this.#wake();
    }
  }

  /** The group went on without this member. */
  lost(): void {
    if (this.#state !== 'stable') return;
    this.#lost = true;
    this.#memberId = '';
    this.#state = 'outside';
    this.#wake();
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
