/**
 * A streams group (KIP-1071): an application of Kafka Streams. Members say what topology they run; the broker finds out what that means with
 * the topics that there are (streams-topology.ts), and decides who runs which task.
 *
 *     the topology, a member or a topic changes → the group's epoch rises → tasks are assigned for it (streams-assignor.ts)
 *     → each member, at its own heartbeats, comes from what it has to its target, giving up first (reconciliation.ts)
 *
 * While topics are missing or wrong nobody has a task, and members are told why with every heartbeat.
 */
import { ErrorCode, MemberEpoch, StreamsStatus } from '../../protocol/index.ts';
import { type Environment, MillraceError } from '../../util/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import type { NewTopic } from '../topics.ts';
import type { CommitCheck, Committer, GroupProtocol } from './group-protocol.ts';
import { isSame } from './partition-sets.ts';
import { isSameKeys, MemberState, type Ownership, reconciled } from './reconciliation.ts';
import { type StreamsAssignorMember, sticky } from './streams-assignor.ts';
import { type EndpointPartitions, partitionsByEndpoint } from './streams-endpoints.ts';
import { StreamsMember, type TaskOffset } from './streams-member.ts';
import {
  type StoredStreamsGroup,
  type StoredTasks,
  type StreamsDescription,
  streamsGroupCurrentMemberAssignment,
  streamsGroupMemberMetadata,
  streamsGroupMetadata,
  streamsGroupTargetAssignmentMember,
  streamsGroupTargetAssignmentMetadata,
  streamsGroupTopology,
  type StreamsTopology,
} from './streams-records.ts';
import {
  restoredTaskOwnership,
  roleOf,
  storedTaskOwnership,
  taskId,
  type TaskIds,
  taskKey,
  type TaskKey,
  taskKeys,
  taskOf,
  tasksByRole,
} from './streams-tasks.ts';
import {
  checkTopology,
  type ConfiguredTopology,
  configureTopology,
  type StatusOfGroup,
  tasksOf,
} from './streams-topology.ts';
import { hashOfTopics, type TopicCatalogue } from './subscriptions.ts';

export interface StreamsGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** The least time between two assignments. */
  readonly assignmentIntervalMs: number;
  /** How long a group that was empty waits for more members. */
  readonly initialRebalanceDelayMs: number;
  readonly standbyReplicas: number;
  readonly maxSize: number;
}

export interface StreamsGroupEnvironment {
  readonly environment: Environment;
  readonly topics: TopicCatalogue;
  settingsOf(groupId: string): StreamsGroupSettings;
  /** Stores records; calls back with an error code when they are durable. */
  append(groupId: string, records: readonly JournalRecord[], done: (errorCode: number) => void): void;
}

/** What a member says in a heartbeat; null where nothing has changed. */
export interface StreamsHeartbeat {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly endpointInformationEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly topology: StreamsTopology | null;
  readonly activeTasks: readonly TaskIds[] | null;
  readonly standbyTasks: readonly TaskIds[] | null;
  readonly warmupTasks: readonly TaskIds[] | null;
  readonly processId: string | null;
  readonly userEndpoint: StreamsDescription['userEndpoint'];
  readonly clientTags: StreamsDescription['clientTags'] | null;
  readonly taskOffsets: readonly TaskOffset[] | null;
  readonly taskEndOffsets: readonly TaskOffset[] | null;
  readonly shutdownApplication: boolean;
  readonly clientId: string;
  readonly clientHost: string;
}

export interface StreamsHeartbeatAnswer {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  readonly status: StatusOfGroup[];
  /** Null when they are as they were. */
  readonly tasks: StoredTasks | null;
  readonly endpointInformationEpoch: number;
  readonly partitionsByUserEndpoint: EndpointPartitions[] | null;
  /** Internal topics that the group needs and that are to be made. */
  readonly missing: readonly NewTopic[];
}

export type AnswerStreams = (answer: StreamsHeartbeatAnswer, errorCode: number) => void;

const FIRST_EPOCH = 1;
const NOTHING: ReadonlySet<TaskKey> = new Set();
const STANDBY_CONFIG = 'num.standby.replicas';

export class StreamsGroup implements GroupProtocol {
  readonly type = 'streams';
  readonly protocolType = 'streams';
  readonly assignorName = 'sticky';
  readonly id: string;
  readonly members = new Map<string, StreamsMember>();
  epoch = FIRST_EPOCH;
  assignmentEpoch = FIRST_EPOCH;
  stateSince: number;
  topology: StreamsTopology | undefined;
  readonly #env: StreamsGroupEnvironment;
  #configured: ConfiguredTopology | undefined;
  /** Member ids by instance id. */
  readonly #static = new Map<string, string>();
  readonly #targets = new Map<string, ReadonlySet<TaskKey>>();
  /** Who has a task in a role, or has not given it up yet. */
  readonly #holders = new Map<TaskKey, Set<string>>();
  /** Who asked for the end of the whole application. */
  #shutdownBy: string | undefined;
  #endpointEpoch = 0;
  #standbyReplicas = -1;
  #metadataHash = 0;
  #seenVersion = -1;
  #assignedAt = Number.NEGATIVE_INFINITY;
  /** Until when a group that was empty waits for more members. */
  #waitsUntil = Number.NEGATIVE_INFINITY;
  /** Whether the journal lacks the group, or something of it: with the next change the whole of it is written. */
  #isUnsaved = true;

  constructor(id: string, env: StreamsGroupEnvironment) {
    this.id = id;
    this.#env = env;
    this.stateSince = env.environment.now();
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get state(): string {
    if (this.isEmpty) return 'Empty';
    if (this.#configured?.subtopologies === undefined) return 'NotReady';
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    const isStable = ({ ownership }: StreamsMember): boolean =>
      ownership.state === MemberState.stable && ownership.epoch === this.assignmentEpoch;
    return [...this.members.values()].every(isStable) ? 'Stable' : 'Reconciling';
  }

  get bytes(): number {
    let sum = ENTRY_BYTES + textBytes(this.id) + (this.topology === undefined ? 0 : bytesOfTopology(this.topology));
    for (const member of this.members.values()) sum += member.bytes;
    return sum;
  }

  get settings(): StreamsGroupSettings {
    return this.#env.settingsOf(this.id);
  }

  /** What the topology means with the topics that there are; undefined before a member has told it. */
  get configured(): ConfiguredTopology | undefined {
    return this.#configured;
  }

  targetOf(memberId: string): ReadonlySet<TaskKey> {
    return this.#targets.get(memberId) ?? NOTHING;
  }

  // ── Heartbeats ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is refused throws before anything has changed. */
  heartbeat(beat: StreamsHeartbeat, answer: AnswerStreams): void {
    if (beat.memberEpoch < 0) return this.#leave(beat, answer);
    const isJoining = beat.memberEpoch === MemberEpoch.join;
    const owned = ownedBy(beat);
    if (isJoining) this.#checkJoin(beat);
    else this.#checkEpoch(this.#memberOf(beat), beat.memberEpoch, owned);
    const { environment } = this.#env;
    const changes: JournalRecord[] = [];
    if (isJoining && this.isEmpty) this.#waitsUntil = environment.now() + this.settings.initialRebalanceDelayMs;
    const member = isJoining ? this.#enter(beat, changes) : this.members.get(beat.memberId)!;
    const before = member.ownership;
    this.#take(member, beat, changes);
    this.#assign(changes);
    this.#reconcile(member, owned, changes);
    member.keepAlive(environment, this.settings.sessionTimeoutMs, () => this.#fence(member));
    const { ownership } = member;
    const isFull = owned !== null && beat.rebalanceTimeoutMs !== -1;
    const isTold = isJoining || isFull || !isSameKeys(before.assigned, ownership.assigned);
    const knowsEndpoints = beat.endpointInformationEpoch === this.#endpointEpoch;
    const result = {
      memberId: member.id,
      memberEpoch: ownership.epoch,
      heartbeatIntervalMs: this.settings.heartbeatIntervalMs,
      status: this.#statusOf(member),
      tasks: isTold ? tasksByRole(ownership.assigned.keys()) : null,
      endpointInformationEpoch: this.#endpointEpoch,
      partitionsByUserEndpoint: knowsEndpoints ? null : this.#partitionsByEndpoint(),
      missing: this.#configured?.missing ?? [],
    };
    this.#store(changes, (errorCode) => answer(result, errorCode));
  }

  #checkJoin({ memberId, instanceId, topology }: StreamsHeartbeat): void {
    const { maxSize } = this.settings;
    const holder = instanceId === null ? undefined : this.#staticMember(instanceId);
    if (holder === undefined && !this.members.has(memberId) && this.members.size >= maxSize) {
      const message = `The streams group has reached its maximum capacity of ${maxSize} members.`;
      throw new MillraceError('GROUP_MAX_SIZE_REACHED', message);
    }
    if (holder !== undefined && holder.id !== memberId && holder.ownership.epoch !== MemberEpoch.leaveForNow) {
      const owner = `the instance id is owned by ${holder.id} member.`;
      const message = `Static member ${memberId} with instance id ${instanceId} cannot join the group because ${owner}`;
      throw new MillraceError('UNRELEASED_INSTANCE_ID', message);
    }
    if (topology === null) return;
    checkTopology(topology);
    const known = this.topology;
    if (known === undefined || this.isEmpty || topology.epoch !== known.epoch) return;
    if (topologyText(topology) === topologyText(known)) return;
    const message = `Another topology of epoch ${known.epoch} runs in group ${this.id}: one that differs needs a higher epoch.`;
    throw new MillraceError('INVALID_REQUEST', message);
  }

  #enter({ memberId, instanceId }: StreamsHeartbeat, changes: JournalRecord[]): StreamsMember {
    const holder = instanceId === null ? undefined : this.#staticMember(instanceId);
    if (holder?.id === memberId) return holder;
    const known = this.members.get(memberId);
    if (holder === undefined && known !== undefined) return known;
    const member = new StreamsMember(memberId, holder?.description ?? NO_DESCRIPTION);
    if (holder === undefined) {
      this.members.set(memberId, member);
      return member;
    }
    const ownership = { ...holder.ownership, previousEpoch: 0 };
    const target = this.targetOf(holder.id);
    this.#drop(holder, changes);
    this.members.set(memberId, member);
    this.#own(member, ownership);
    this.#targets.set(memberId, target);
    changes.push(this.#targetRecord(memberId));
    return member;
  }

  /** Takes over what a member says of itself, of the topology and of its tasks; a new epoch begins where it matters. */
  #take(member: StreamsMember, beat: StreamsHeartbeat, changes: JournalRecord[]): void {
    const before = member.description;
    const description = described(before, beat);
    member.description = description;
    if (description.instanceId !== null) this.#static.set(description.instanceId, member.id);
    if (beat.taskOffsets !== null) member.taskOffsets = beat.taskOffsets;
    if (beat.taskEndOffsets !== null) member.taskEndOffsets = beat.taskEndOffsets;
    if (beat.shutdownApplication) this.#shutdownBy = member.id;
    if (JSON.stringify(before) !== JSON.stringify(description)) changes.push(this.#memberRecord(member));
    if (JSON.stringify(before.userEndpoint) !== JSON.stringify(description.userEndpoint)) this.#endpointEpoch++;
    const hasTopology = beat.topology !== null && this.#takeTopology(beat.topology, changes);
    const { standbyReplicas } = this.settings;
    const isOther = before.processId !== description.processId || before.topologyEpoch !== description.topologyEpoch;
    const isMoved = this.#lookAtTopics(hasTopology);
    if (!isOther && !isMoved && this.#standbyReplicas === standbyReplicas) return;
    this.#standbyReplicas = standbyReplicas;
    this.#bump(changes);
  }

  /** True when it is another one than before. An older one is its member's alone, which is told so. */
  #takeTopology(topology: StreamsTopology, changes: JournalRecord[]): boolean {
    const known = this.topology;
    const isReplaced = known === undefined || topology.epoch > known.epoch || this.members.size === 1;
    if (!isReplaced || (known !== undefined && topologyText(known) === topologyText(topology))) return false;
    this.topology = topology;
    changes.push(streamsGroupTopology.record({ groupId: this.id }, topology));
    return true;
  }

  /** What keeps the member or the group from running. */
  #statusOf({ description }: StreamsMember): StatusOfGroup[] {
    const status: StatusOfGroup[] = [];
    if (this.epoch > this.assignmentEpoch) {
      const isNew = this.#env.environment.now() < this.#waitsUntil;
      const statusDetail = `Assignment delayed due to the configured ${isNew ? 'initial rebalance delay' : 'assignment interval'}.`;
      status.push({ statusCode: StreamsStatus.assignmentDelayed, statusDetail });
    }
    const groupsEpoch = this.topology?.epoch ?? -1;
    if (description.topologyEpoch < groupsEpoch) {
      const statusDetail = `The member's topology epoch ${description.topologyEpoch} is behind the group's topology epoch ${groupsEpoch}.`;
      status.push({ statusCode: StreamsStatus.staleTopology, statusDetail });
    }
    if (this.#configured?.status !== undefined) status.push(this.#configured.status);
    if (this.#shutdownBy !== undefined) {
      const statusDetail = `Streams group member ${this.#shutdownBy} encountered a fatal error and requested a shutdown for the entire application.`;
      status.push({ statusCode: StreamsStatus.shutdownApplication, statusDetail });
    }
    return status;
  }

  #store(changes: readonly JournalRecord[], done: (errorCode: number) => void): void {
    if (changes.length === 0 && !this.#isUnsaved) return done(ErrorCode.NONE);
    const records = this.#isUnsaved ? [...changes, ...this.#allRecords()] : changes;
    this.#isUnsaved = false;
    this.#env.append(this.id, records, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) this.#isUnsaved = true;
      done(errorCode);
    });
  }

  // ── Who may speak ───────────────────────────────────────────────────────────────────────────────────────────────

  #staticMember(instanceId: string): StreamsMember | undefined {
    return this.members.get(this.#static.get(instanceId) ?? '');
  }

  #memberOf({ memberId, instanceId }: StreamsHeartbeat): StreamsMember {
    if (instanceId !== null) {
      const holder = this.#staticMember(instanceId);
      if (holder === undefined) throw new MillraceError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`);
      if (holder.id !== memberId) {
        const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`;
        throw new MillraceError('FENCED_INSTANCE_ID', message);
      }
      return holder;
    }
    const member = this.members.get(memberId);
    if (member !== undefined) return member;
    throw new MillraceError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.id}.`);
  }

  #checkEpoch({ ownership }: StreamsMember, received: number, owned: ReadonlySet<TaskKey> | null): void {
    const { epoch, previousEpoch, assigned } = ownership;
    if (received === epoch) return;
    // Its last answer was lost: what it has is still its own.
    if (received === previousEpoch && owned !== null && [...owned].every((key) => assigned.has(key))) return;
    const comparison = received > epoch ? 'greater' : 'smaller';
    const message =
      `The streams group member has a ${comparison} member epoch (${received}) than the one known by the group coordinator ` +
      `(${epoch}). The member must abandon all its partitions and rejoin.`;
    throw new MillraceError('FENCED_MEMBER_EPOCH', message);
  }

  commitCheck({ memberId, epoch, isTransactional, knowsEpochs }: Committer): CommitCheck {
    if (epoch < 0 && this.isEmpty) return () => ErrorCode.NONE;
    // A transaction without a member in it is by a producer that was not told of one.
    if (epoch < 0 && memberId === '' && isTransactional) return () => ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return () => ErrorCode.UNKNOWN_MEMBER_ID;
    if (!knowsEpochs && !isTransactional) return () => ErrorCode.UNSUPPORTED_VERSION;
    // The answer to a transaction's commit knows no epochs.
    const stale = isTransactional ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
    const { ownership } = member;
    if (epoch > ownership.epoch) return () => stale;
    if (epoch === ownership.epoch) return () => ErrorCode.NONE;
    // One that has not heard of its new epoch yet may commit for the tasks that it has had since before.
    return (topicId, partition) => {
      const name = this.#env.topics.byId(topicId)?.name ?? '';
      const readers = (this.#configured?.subtopologies ?? []).filter(({ sources }) => sources.includes(name));
      const keys = readers.map(({ id }) => taskKey('A', taskId(id, partition)));
      const isIts = keys.some(
        (key) => (ownership.assigned.get(key) ?? ownership.revoking.get(key) ?? Infinity) <= epoch,
      );
      return isIts ? ErrorCode.NONE : stale;
    };
  }

  checkFetch(memberId: string | null, epoch: number): number {
    if (epoch < 0 && (memberId === null || memberId === '')) return ErrorCode.NONE;
    const member = this.members.get(memberId ?? '');
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return member.ownership.epoch === epoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH;
  }

  // ── Topics and targets ──────────────────────────────────────────────────────────────────────────────────────────

  subscribedTopics(): ReadonlySet<string> {
    if (this.isEmpty) return new Set();
    return this.#configured?.names ?? new Set();
  }

  /** True when the topology, its topics or their partitions are others than before. */
  #lookAtTopics(hasTopology: boolean): boolean {
    const { topics } = this.#env;
    if (this.topology === undefined || (!hasTopology && this.#seenVersion === topics.version)) return false;
    this.#seenVersion = topics.version;
    this.#configured = configureTopology(this.topology, topics);
    const hash = hashOfTopics(topics, this.#configured.names);
    const isOther = hasTopology || hash !== this.#metadataHash;
    this.#metadataHash = hash;
    const hasEndpoints = this.members.values().some(({ description }) => description.userEndpoint !== null);
    if (isOther && hasEndpoints) this.#endpointEpoch++;
    return isOther;
  }

  #bump(changes: JournalRecord[]): void {
    this.epoch++;
    changes.push(this.#epochRecord());
  }

  #assign(changes: JournalRecord[]): void {
    const now = this.#env.environment.now();
    if (this.assignmentEpoch === this.epoch || now < this.#waitsUntil) return;
    if (now - this.#assignedAt < this.settings.assignmentIntervalMs) return;
    const { tasks, stateful } = tasksOf(this.#configured?.subtopologies ?? []);
    const members = new Map<string, StreamsAssignorMember>();
    for (const { id, description } of this.members.values()) {
      // A member with an older topology does not know what the tasks are.
      if (description.topologyEpoch !== this.topology?.epoch) continue;
      members.set(id, { processId: description.processId, before: this.targetOf(id) });
    }
    const given = sticky({ members, tasks, stateful, standbyReplicas: this.settings.standbyReplicas });
    for (const id of this.members.keys()) {
      const target = given.get(id) ?? NOTHING;
      if (this.#targets.has(id) && isSame(target, this.targetOf(id))) continue;
      this.#targets.set(id, target);
      changes.push(this.#targetRecord(id));
    }
    this.assignmentEpoch = this.epoch;
    this.#assignedAt = now;
    changes.push(this.#assignmentEpochRecord());
  }

  #reconcile(member: StreamsMember, owned: ReadonlySet<TaskKey> | null, changes: JournalRecord[]): void {
    const ownership = reconciled(member.ownership, {
      targetEpoch: this.assignmentEpoch,
      target: this.targetOf(member.id),
      isTaken: (key) => this.#isTaken(key, member),
      owned,
      isUnwanted: () => false,
    });
    if (ownership !== member.ownership) {
      this.#own(member, ownership);
      changes.push(this.#ownershipRecord(member));
    }
    this.#watchRevocation(member);
  }

  #watchRevocation(member: StreamsMember): void {
    const { ownership, description } = member;
    if (ownership.state !== MemberState.unrevoked) return member.hasRevoked();
    member.expectRevocation(this.#env.environment, description.rebalanceTimeoutMs, () => {
      if (member.ownership.epoch === ownership.epoch) this.#fence(member);
    });
  }

  /** A task runs once, and a process has nothing of it twice: its state is in one directory there. */
  #isTaken(key: TaskKey, member: StreamsMember): boolean {
    const { processId } = member.description;
    for (const role of ['A', 'S', 'W'] as const) {
      for (const id of this.#holders.get(taskKey(role, taskOf(key))) ?? []) {
        if (id === member.id) continue;
        if (role === 'A' && roleOf(key) === 'A') return true;
        if (this.members.get(id)?.description.processId === processId) return true;
      }
    }
    return false;
  }

  #own(member: StreamsMember, ownership: Ownership): void {
    const keysOf = ({ assigned, revoking }: Ownership): TaskKey[] => [...assigned.keys(), ...revoking.keys()];
    for (const key of keysOf(member.ownership)) {
      const holders = this.#holders.get(key);
      holders?.delete(member.id);
      if (holders?.size === 0) this.#holders.delete(key);
    }
    if (member.description.userEndpoint !== null) this.#endpointEpoch++;
    member.ownership = ownership;
    for (const key of keysOf(ownership)) {
      const holders = this.#holders.get(key) ?? new Set();
      this.#holders.set(key, holders.add(member.id));
    }
  }

  #partitionsByEndpoint(): EndpointPartitions[] {
    const countOf = (name: string): number => this.#env.topics.get(name)?.partitions.length ?? 0;
    return partitionsByEndpoint(this.members.values(), this.#configured?.subtopologies ?? [], countOf);
  }

  // ── Leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #leave(beat: StreamsHeartbeat, answer: AnswerStreams): void {
    const member = this.#memberOf(beat);
    const { memberId, memberEpoch } = beat;
    const gone = {
      memberId,
      memberEpoch,
      heartbeatIntervalMs: 0,
      status: [],
      tasks: null,
      endpointInformationEpoch: this.#endpointEpoch,
      partitionsByUserEndpoint: null,
      missing: [],
    };
    if (beat.shutdownApplication) this.#shutdownBy = memberId;
    if (memberEpoch !== MemberEpoch.leaveForNow) return this.#remove([member], (errorCode) => answer(gone, errorCode));
    member.hasRevoked();
    this.#own(member, { ...member.ownership, epoch: memberEpoch, revoking: new Map() });
    this.#store([this.#ownershipRecord(member)], (errorCode) => answer(gone, errorCode));
  }

  #remove(members: readonly StreamsMember[], done: (errorCode: number) => void): void {
    if (members.length === 0) return done(ErrorCode.NONE);
    const changes: JournalRecord[] = [];
    for (const member of members) {
      this.#drop(member, changes);
      const { instanceId } = member.description;
      if (instanceId !== null) this.#static.delete(instanceId);
    }
    this.#bump(changes);
    if (this.isEmpty) {
      this.stateSince = this.#env.environment.now();
      this.#shutdownBy = undefined;
      this.#waitsUntil = Number.NEGATIVE_INFINITY;
      this.#assignedAt = Number.NEGATIVE_INFINITY;
      this.#assign(changes);
      // Whoever comes next need not wait for the interval.
      this.#assignedAt = Number.NEGATIVE_INFINITY;
    }
    this.#store(changes, done);
  }

  /** A member that was not heard of, or did not give up in time what it had to. */
  #fence(member: StreamsMember): void {
    if (this.members.get(member.id) === member) this.#remove([member], () => {});
  }

  forgetMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) this.#fence(member);
  }

  #drop(member: StreamsMember, changes: JournalRecord[]): void {
    member.stop();
    this.#own(member, { ...member.ownership, assigned: new Map(), revoking: new Map() });
    this.members.delete(member.id);
    this.#targets.delete(member.id);
    changes.push(...memberTombstones(this.id, member.id));
  }

  kill(): void {
    this.stop();
    this.members.clear();
  }

  stop(): void {
    for (const member of this.members.values()) member.stop();
  }

  // ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over what the journal has; members have a session's time to be heard of. `isGone` says who can't come back. */
  restore(stored: StoredStreamsGroup, isGone: (member: StreamsDescription) => boolean): void {
    this.epoch = stored.epoch;
    this.assignmentEpoch = stored.assignmentEpoch;
    this.topology = stored.topology;
    this.#lookAtTopics(false);
    this.#metadataHash = stored.metadataHash;
    this.#seenVersion = -1;
    this.#standbyReplicas = this.settings.standbyReplicas;
    for (const [id, target] of stored.targets) this.#targets.set(id, taskKeys(target));
    for (const [id, description] of stored.members) {
      const member = new StreamsMember(id, description);
      this.members.set(id, member);
      if (description.instanceId !== null) this.#static.set(description.instanceId, id);
      const owned = stored.owned.get(id);
      if (owned !== undefined) this.#own(member, restoredTaskOwnership(owned));
      member.keepAlive(this.#env.environment, this.settings.sessionTimeoutMs, () => this.#fence(member));
      this.#watchRevocation(member);
    }
    this.#isUnsaved = false;
    this.#remove(
      [...this.members.values()].filter(({ description }) => isGone(description)),
      () => {},
    );
  }

  tombstones(): JournalRecord[] {
    const groupId = this.id;
    return [
      ...[...this.members.keys()].flatMap((memberId) => memberTombstones(groupId, memberId)),
      streamsGroupTargetAssignmentMetadata.tombstone({ groupId }),
      streamsGroupTopology.tombstone({ groupId }),
      streamsGroupMetadata.tombstone({ groupId }),
    ];
  }

  #allRecords(): JournalRecord[] {
    const members = [...this.members.values()];
    const { topology, id: groupId } = this;
    return [
      ...members.map((member) => this.#memberRecord(member)),
      this.#epochRecord(),
      ...(topology === undefined ? [] : [streamsGroupTopology.record({ groupId }, topology)]),
      ...members.map(({ id }) => this.#targetRecord(id)),
      this.#assignmentEpochRecord(),
      ...members.map((member) => this.#ownershipRecord(member)),
    ];
  }

  #epochRecord(): JournalRecord {
    const isReady = this.#configured?.subtopologies !== undefined;
    return streamsGroupMetadata.record(
      { groupId: this.id },
      {
        epoch: this.epoch,
        metadataHash: this.#metadataHash,
        validatedTopologyEpoch: isReady ? this.topology!.epoch : -1,
        lastAssignmentConfigs: [{ key: STANDBY_CONFIG, value: String(Math.max(0, this.#standbyReplicas)) }],
        storedDescriptionTopologyEpoch: -1,
        failedDescriptionTopologyEpoch: -1,
      },
    );
  }

  #assignmentEpochRecord(): JournalRecord {
    const value = { assignmentEpoch: this.assignmentEpoch, assignmentTimestamp: Math.max(0, this.#assignedAt) };
    return streamsGroupTargetAssignmentMetadata.record({ groupId: this.id }, value);
  }

  #memberRecord({ id, description }: StreamsMember): JournalRecord {
    return streamsGroupMemberMetadata.record({ groupId: this.id, memberId: id }, description);
  }

  #targetRecord(memberId: string): JournalRecord {
    const target = tasksByRole(this.targetOf(memberId));
    return streamsGroupTargetAssignmentMember.record({ groupId: this.id, memberId }, target);
  }

  #ownershipRecord({ id, ownership }: StreamsMember): JournalRecord {
    const key = { groupId: this.id, memberId: id };
    return streamsGroupCurrentMemberAssignment.record(key, storedTaskOwnership(ownership));
  }
}

const NO_DESCRIPTION: StreamsDescription = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  rebalanceTimeoutMs: -1,
  topologyEpoch: -1,
  processId: '',
  userEndpoint: null,
  clientTags: [],
};

/** What a member has said so far, with what it says now. */
function described(before: StreamsDescription, beat: StreamsHeartbeat): StreamsDescription {
  const tags = beat.clientTags;
  return {
    instanceId: beat.instanceId ?? before.instanceId,
    rackId: beat.rackId ?? before.rackId,
    clientId: beat.clientId,
    clientHost: beat.clientHost,
    rebalanceTimeoutMs: beat.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : beat.rebalanceTimeoutMs,
    topologyEpoch: beat.topology?.epoch ?? before.topologyEpoch,
    processId: beat.processId ?? before.processId,
    userEndpoint: beat.userEndpoint ?? before.userEndpoint,
    clientTags: tags === null ? before.clientTags : [...tags].sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** What it says it has; null when it says nothing of some role. */
function ownedBy({ activeTasks, standbyTasks, warmupTasks }: StreamsHeartbeat): Set<TaskKey> | null {
  if (activeTasks === null || standbyTasks === null || warmupTasks === null) return null;
  return taskKeys({ activeTasks, standbyTasks, warmupTasks });
}

/** The same for the same topology; indexes into lists make the order of these a part of it. */
function topologyText({ epoch, subtopologies }: StreamsTopology): string {
  return JSON.stringify([epoch, [...subtopologies].sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))]);
}

/** About what a topology takes of memory. */
export function bytesOfTopology(topology: StreamsTopology): number {
  return 2 * JSON.stringify(topology).length;
}

function memberTombstones(groupId: string, memberId: string): JournalRecord[] {
  return [
    streamsGroupCurrentMemberAssignment.tombstone({ groupId, memberId }),
    streamsGroupTargetAssignmentMember.tombstone({ groupId, memberId }),
    streamsGroupMemberMetadata.tombstone({ groupId, memberId }),
  ];
}
