// A consumer in a group whose partitions the broker assigns (KIP-848, `groupProtocol: 'consumer'`). Heartbeats go on by themselves,
// in the broker's rhythm; what an answer assigns is taken over inside `advance`, never behind the caller's back:
//
//     join (epoch 0) → beats → an assignment → what is not in it is given up, the rest is read on, what is new is read → told at once
//
// The member chooses its id and keeps it. When the broker has gone on without it, it loses what it had and joins again under that
// id. A static member (`groupInstanceId`) goes for a while, and finds what it had.
import {
  consumerGroupHeartbeat,
  create,
  ErrorCode,
  errorFor,
  isRetriable,
  MemberEpoch,
  type RequestOf,
  type ResponseOf,
} from '../protocol/index.ts';
import { deferred, MillraceError, randomUuid } from '../util/index.ts';
import type {
  ConsumerSettings,
  GroupMetadata,
  RebalanceListener,
  SubscriptionPattern,
  TopicPartition,
} from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';

const DEFAULT_REBALANCE_TIMEOUT_MS = 300_000;
const METADATA_TIMEOUT_MS = 60_000;
/** Until the broker has said how often. */
const FIRST_RHYTHM_MS = 1000;

export interface Subscribed {
  readonly topics: readonly string[] | SubscriptionPattern;
  readonly listener: RebalanceListener;
  /** Makes the fetcher read these partitions, from their committed offsets. */
  readonly assign: (partitions: readonly TopicPartition[]) => Promise<void>;
  /** Something happened that the poll that waits should see. */
  readonly wake: () => void;
}

type Answer = ResponseOf<typeof consumerGroupHeartbeat>;
type Assigned = NonNullable<Answer['assignment']>['topicPartitions'];

export class BrokerMembership {
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #settings: ConsumerSettings & { readonly groupId: string };
  readonly #subscribed: Subscribed;
  readonly #memberId: string;
  #epoch: number = MemberEpoch.join;
  #state: 'outside' | 'joining' | 'member' | 'left' | 'fenced' = 'outside';
  /** The group has gone on without this member, which has not given up what it had. */
  #isLost = false;
  /** What is read, and what the broker knows of it. */
  #owned: readonly TopicPartition[] = [];
  #ownedIds: Assigned = [];
  /** What the broker has assigned and is not taken over yet. */
  #target: Assigned | undefined;
  /** The same where the client does not know all of its topics yet: it is looked at again behind the next beat. */
  #unnamed: Assigned | undefined;
  #work: Promise<void> | undefined;
  #isArranging = false;
  #failure: unknown;
  #rhythmMs = FIRST_RHYTHM_MS;
  /** Whether the next beat says everything: after an answer that may have been lost. */
  #saysAll = false;
  #stopBeats = () => {};
  #beating: Promise<void> | undefined;
  #answered = deferred();

  constructor(
    cluster: Cluster,
    purpose: Purpose,
    settings: ConsumerSettings & { readonly groupId: string },
    subscribed: Subscribed,
  ) {
    this.#cluster = cluster;
    this.#purpose = purpose;
    this.#settings = settings;
    this.#subscribed = subscribed;
    this.#memberId = randomUuid(cluster.environment);
  }

  get metadata(): GroupMetadata {
    const { groupId, groupInstanceId } = this.#settings;
    const isMember = this.#state === 'member';
    return {
      groupId,
      generationId: isMember ? this.#epoch : -1,
      memberId: isMember ? this.#memberId : '',
      groupInstanceId: groupInstanceId ?? null,
    };
  }

  /** Called by every poll: joins when that is due, and takes over what was assigned. Undefined when the member is settled. */
  advance(): Promise<void> | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      // A member that was fenced stays it: joining again would fence the one that has its place now.
      if (this.#state !== 'fenced') this.#failure = undefined;
      throw failure;
    }
    if (this.#work !== undefined) return this.#work;
    if (this.#state === 'outside') this.#work = this.#run(() => this.#join());
    else if (this.#target !== undefined) this.#work = this.#run(() => this.#arrange());
    return this.#work;
  }

  /** Whether what is under way leaves the member what it reads. */
  get readsOn(): boolean {
    return this.#state === 'member' && !this.#isArranging && !this.#isLost;
  }

  /** Waits for the epoch behind the given one, if this member is still in the group. */
  async rejoined(generationId: number): Promise<boolean> {
    if (this.#state === 'member' && this.#epoch === generationId) {
      const { promise } = this.#answered;
      this.#beatNow();
      await promise;
    }
    return this.#state === 'member' && this.#epoch !== generationId;
  }

  /** The broker assigns when it has to: all that can be done is to ask it now. */
  enforce(): void {
    if (this.#state === 'member') this.#beatNow();
  }

  /** The group went on without this member. */
  lost(): void {
    if (this.#state !== 'member') return;
    this.#stopBeats();
    this.#state = 'outside';
    this.#isLost = true;
    this.#target = undefined;
    this.#unnamed = undefined;
    this.#subscribed.wake();
  }

  /** Says goodbye behind what has to be given up first; a static member says that it means to come back. */
  async leave(): Promise<void> {
    const wasMember = this.#state === 'member' || this.#state === 'joining';
    this.#state = 'left';
    this.#stopBeats();
    await Promise.allSettled([this.#work, this.#beating]);
    this.#stopBeats();
    try {
      await this.#giveUp(this.#isLost);
    } finally {
      if (wasMember) await this.#sayGoodbye();
    }
  }

  #run(work: () => Promise<void>): Promise<void> {
    return work()
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#work = undefined;
        this.#subscribed.wake();
      });
  }

  // ── Joining and taking over ─────────────────────────────────────────────────────────────────────────────────────

  async #join(): Promise<void> {
    this.#state = 'joining';
    try {
      if (this.#isLost) await this.#giveUp(true);
      this.#isLost = false;
      this.#epoch = MemberEpoch.join;
      let answer: Answer | undefined;
      await this.#cluster.askCoordinator(
        { type: 'group', key: this.#settings.groupId },
        consumerGroupHeartbeat,
        () => this.#request(),
        (response) => {
          answer = response;
          return isRetriable(response.errorCode) ? response.errorCode : ErrorCode.NONE;
        },
        { purpose: this.#purpose },
      );
      if (this.#state !== 'joining') return;
      if (answer!.errorCode !== ErrorCode.NONE) throw this.#refusal(answer!);
      this.#state = 'member';
      this.#heard(answer!);
      this.#scheduleBeat();
    } finally {
      if (this.#state === 'joining') this.#state = 'outside';
    }
  }

  /** Takes over what was assigned, and tells the broker so, which may give to others what was given up. */
  async #arrange(): Promise<void> {
    const target = this.#target!;
    this.#target = undefined;
    const names = await this.#namesOf(target);
    const known = target.filter(({ topicId }) => names.has(topicId));
    this.#unnamed = known.length < target.length ? target : undefined;
    const wanted = known.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ topic: names.get(topicId)!, partition })),
    );
    const [before, now] = [this.#owned, wanted].map((list) => new Set(list.map(nameOf)));
    const revoked = this.#owned.filter((each) => !now!.has(nameOf(each)));
    const added = wanted.filter((each) => !before!.has(nameOf(each)));
    const { listener, assign } = this.#subscribed;
    this.#isArranging = revoked.length > 0;
    try {
      if (revoked.length > 0) await listener.onRevoked?.(revoked);
      // The broker may have gone on without this member meanwhile.
      if (this.#state !== 'member' || this.#isLost) return;
      this.#owned = wanted;
      this.#ownedIds = known;
      if (revoked.length > 0 || added.length > 0) await assign(wanted);
      await listener.onAssigned?.(added, Buffer.alloc(0));
    } finally {
      this.#isArranging = false;
    }
    this.#beatNow();
  }

  /** The names of topics by their ids. One that is gone, or that the client has not heard of yet, has none. */
  async #namesOf(assigned: Assigned): Promise<ReadonlyMap<string, string>> {
    if (assigned.length === 0) return new Map();
    const { topics } = this.#subscribed;
    const wanted = 'pattern' in topics ? null : topics;
    const mayCreate = this.#settings.allowAutoCreateTopics ?? false;
    const found = await this.#cluster.retrying(METADATA_TIMEOUT_MS, () => this.#cluster.refresh(wanted, mayCreate));
    return new Map(found.map(({ topicId, name }) => [topicId, name]));
  }

  async #giveUp(isLost: boolean): Promise<void> {
    const partitions = this.#owned;
    this.#owned = [];
    this.#ownedIds = [];
    if (partitions.length === 0) return;
    const { listener, assign } = this.#subscribed;
    if (isLost) await listener.onLost?.(partitions);
    else await listener.onRevoked?.(partitions);
    await assign([]);
  }

  // ── Heartbeats ──────────────────────────────────────────────────────────────────────────────────────────────────

  #request(): RequestOf<typeof consumerGroupHeartbeat> {
    const { groupId, groupInstanceId, groupRemoteAssignor, rebalanceTimeoutMs } = this.#settings;
    const { topics } = this.#subscribed;
    const isJoining = this.#epoch === MemberEpoch.join;
    const saysAll = isJoining || this.#saysAll;
    return create(consumerGroupHeartbeat, {
      groupId,
      memberId: this.#memberId,
      memberEpoch: this.#epoch,
      instanceId: groupInstanceId ?? null,
      // While it gives up partitions the broker is not told what it has: it would take it for done.
      topicPartitions: isJoining ? [] : this.#isArranging ? null : this.#ownedIds,
      ...(saysAll && {
        rebalanceTimeoutMs: rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS,
        subscribedTopicNames: 'pattern' in topics ? null : topics,
        subscribedTopicRegex: 'pattern' in topics ? topics.pattern : null,
        serverAssignor: groupRemoteAssignor ?? null,
      }),
    });
  }

  #scheduleBeat(): void {
    this.#stopBeats();
    this.#stopBeats = this.#cluster.environment.after(this.#rhythmMs, () => this.#beatNow());
  }

  /** Beats at once, or right behind the beat that is under way. */
  #beatNow(): void {
    if (this.#state !== 'member') return;
    this.#stopBeats();
    const last = this.#beating ?? Promise.resolve();
    const beating = last
      .then(() => this.#beat())
      .finally(() => {
        if (this.#beating === beating) this.#beating = undefined;
      });
    this.#beating = beating;
  }

  async #beat(): Promise<void> {
    if (this.#state !== 'member') return;
    const sent = this.#epoch;
    try {
      const transport = await this.#cluster.coordinator('group', this.#settings.groupId, this.#purpose);
      const answer = await transport.request(consumerGroupHeartbeat, this.#request());
      if (this.#state === 'member' && this.#epoch === sent) this.#heard(answer);
    } catch {
      // The connection is gone; the next beat finds the coordinator again.
      this.#saysAll = true;
      this.#cluster.forgetCoordinator('group', this.#settings.groupId);
    }
    const { resolve } = this.#answered;
    this.#answered = deferred();
    resolve();
    if (this.#state === 'member') this.#scheduleBeat();
  }

  #heard(answer: Answer): void {
    const { errorCode, memberEpoch, heartbeatIntervalMs, assignment } = answer;
    switch (errorCode) {
      case ErrorCode.NONE:
        this.#saysAll = false;
        this.#epoch = memberEpoch;
        this.#rhythmMs = heartbeatIntervalMs;
        if (assignment !== null) this.#target = assignment.topicPartitions;
        else if (this.#unnamed !== undefined) this.#target ??= this.#unnamed;
        else return;
        return this.#subscribed.wake();
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.GROUP_ID_NOT_FOUND:
        return this.lost();
      default:
        if (isRetriable(errorCode)) {
          this.#saysAll = true;
          return this.#cluster.forgetCoordinator('group', this.#settings.groupId);
        }
        this.#failure = this.#refusal(answer);
        this.lost();
    }
  }

  /** What to throw for an error of the group's own; being fenced is the end of the membership. */
  #refusal({ errorCode, errorMessage }: Answer): MillraceError {
    const { groupId, groupInstanceId } = this.#settings;
    if (errorCode !== ErrorCode.FENCED_INSTANCE_ID) return errorFor(errorCode, `group ${groupId}`, errorMessage);
    this.lost();
    this.#state = 'fenced';
    return new MillraceError(
      'FENCED_INSTANCE_ID',
      `another member with the groupInstanceId ${groupInstanceId} has joined the group ${groupId}: this one is out of it for ` +
        'good; members that run at the same time need different ones',
    );
  }

  async #sayGoodbye(): Promise<void> {
    const { groupId, groupInstanceId } = this.#settings;
    const memberEpoch = groupInstanceId === undefined ? MemberEpoch.leave : MemberEpoch.leaveForNow;
    const instanceId = groupInstanceId ?? null;
    try {
      const transport = await this.#cluster.coordinator('group', groupId, this.#purpose);
      await transport.request(
        consumerGroupHeartbeat,
        create(consumerGroupHeartbeat, { groupId, memberId: this.#memberId, memberEpoch, instanceId }),
      );
    } catch {
      // The session will end without it.
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
