/**
 * A classic consumer group: members join, the leader among them decides who reads what, and everybody is handed a part.
 *
 *     Empty → PreparingRebalance (members join) → CompletingRebalance (the leader assigns) → Stable
 *
 * A pure state machine: requests come in as calls, answers go out through callbacks, time is the environment's.
 */
import { ErrorCode } from '../../protocol/index.ts';
import type { Environment } from '../../util/index.ts';
import type { JournalRecord } from '../internal-topic.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { readSubscription } from './embedded-protocol.ts';
import { GroupMember } from './group-member.ts';
import type { CommitCheck, Committer, GroupProtocol } from './group-protocol.ts';
import {
  type JoinRequest,
  type JoinResult,
  refusedJoin,
  refusedSync,
  type SyncRequest,
  type SyncResult,
} from './group-requests.ts';
import { groupTombstone, type StoredGroup } from './journal-records.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export interface GroupEnvironment {
  readonly environment: Environment;
  readonly initialRebalanceDelayMs: number;
  readonly maxSize: number;
  /** A new, unique suffix for member ids. */
  newMemberSuffix(): string;
  /** Stores the group's generation and assignments; calls back with an error code. */
  persist(group: ClassicGroup, done: (errorCode: number) => void): void;
}

const NO_BYTES = Buffer.alloc(0);

export class ClassicGroup implements GroupProtocol {
  readonly type = 'classic';
  readonly id: string;
  state: GroupState = 'Empty';
  generation = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leader: string | null = null;
  /** When the state last changed: what offset retention counts from. */
  stateSince: number;
  readonly members = new Map<string, GroupMember>();
  readonly #env: GroupEnvironment;
  /** Member ids by `group.instance.id`. */
  readonly #static = new Map<string, string>();
  /** Ids that were handed out and not yet joined with; the functions cancel their expiry. */
  readonly #pending = new Map<string, () => void>();
  #cancelJoinTimer: () => void = () => {};
  #cancelSyncTimer: () => void = () => {};
  /** While an empty group waits for company: until when at most, and whether somebody came in this round. */
  #initialWait: { readonly until: number; grew: boolean } | undefined;

  constructor(id: string, env: GroupEnvironment) {
    this.id = id;
    this.#env = env;
    this.stateSince = env.environment.now();
  }

  get isEmpty(): boolean {
    return this.state === 'Empty';
  }

  /** About what it takes of memory. */
  get bytes(): number {
    let sum = ENTRY_BYTES + textBytes(this.id) + textBytes(this.protocolType);
    for (const member of this.members.values()) sum += member.bytes;
    for (const id of this.#pending.keys()) sum += ENTRY_BYTES + textBytes(id);
    return sum;
  }

  /** Takes over a generation from the journal: its members have a session's time to be heard of. */
  restore(from: {
    readonly generation: number;
    readonly protocolType: string;
    readonly protocolName: string | null;
    readonly leader: string | null;
    readonly stateSince: number;
    readonly members: readonly GroupMember[];
  }): void {
    this.generation = from.generation;
    this.protocolType = from.protocolType === '' ? null : from.protocolType;
    this.protocolName = from.protocolName;
    this.leader = from.leader;
    this.state = from.members.length === 0 ? 'Empty' : 'Stable';
    this.stateSince = from.stateSince < 0 ? this.#env.environment.now() : from.stateSince;
    for (const member of from.members) {
      this.members.set(member.id, member);
      if (member.instanceId !== null) this.#static.set(member.instanceId, member.id);
      member.keepAlive(this.#env.environment, () => this.#expire(member));
    }
  }

  // ── Joining ─────────────────────────────────────────────────────────────────────────────────────────────────────

  join(request: JoinRequest, answer: (result: JoinResult) => void): void {
    const { memberId, instanceId } = request;
    const refuse = (errorCode: number, id = memberId): void => answer(refusedJoin(errorCode, id));
    if (this.state === 'Dead') return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    if (!this.#supports(request)) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const isMember = this.members.has(memberId) || this.#pending.has(memberId);
    if (!isMember && this.members.size >= this.#env.maxSize) return refuse(ErrorCode.GROUP_MAX_SIZE_REACHED);

    if (memberId === '') {
      const known = instanceId === null ? undefined : this.#static.get(instanceId);
      const newId = `${instanceId ?? request.clientId}-${this.#env.newMemberSuffix()}`;
      if (known !== undefined) return this.#replaceStatic(known, newId, request, answer);
      if (instanceId === null && request.requiresKnownMemberId) {
        this.#expectMember(newId, request.sessionTimeoutMs);
        return refuse(ErrorCode.MEMBER_ID_REQUIRED, newId);
      }
      return this.#addMember(newId, request, answer);
    }

    const pending = this.#pending.get(memberId);
    if (pending !== undefined) {
      if (instanceId !== null) return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
      pending();
      this.#pending.delete(memberId);
      return this.#addMember(memberId, request, answer);
    }
    const fenced = this.#checkIdentity(memberId, instanceId);
    if (fenced !== ErrorCode.NONE) return refuse(fenced);
    return this.#rejoin(this.members.get(memberId)!, request, answer);
  }

  #rejoin(member: GroupMember, request: JoinRequest, answer: (result: JoinResult) => void): void {
    const isUnchanged = member.hasProtocols(request.protocols);
    switch (this.state) {
      case 'PreparingRebalance':
        return this.#updateAndRebalance(member, request, answer);
      case 'CompletingRebalance':
        // The answer to its first join got lost: it is given once more.
        if (isUnchanged) return answer(this.#joined(member));
        return this.#updateAndRebalance(member, request, answer);
      case 'Stable':
        if (member.id === this.leader || !isUnchanged) return this.#updateAndRebalance(member, request, answer);
        return answer(this.#joined(member));
      case 'Empty':
      case 'Dead':
        return answer(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, member.id));
    }
  }

  #addMember(id: string, request: JoinRequest, answer: (result: JoinResult) => void): void {
    const member = new GroupMember(id, request);
    this.members.set(id, member);
    if (request.instanceId !== null) this.#static.set(request.instanceId, id);
    this.protocolType ??= request.protocolType;
    this.leader ??= id;
    if (this.#initialWait !== undefined) this.#initialWait.grew = true;
    member.waitForJoin(answer);
    this.#prepareRebalance();
    this.#tryCompleteJoin();
  }

  #updateAndRebalance(member: GroupMember, request: JoinRequest, answer: (result: JoinResult) => void): void {
    member.update(request);
    member.waitForJoin(answer);
    this.#prepareRebalance();
    this.#tryCompleteJoin();
  }

  /**
   * A static member came back under a new id: the old one is fenced. Nobody is disturbed, unless the group would choose
   * another protocol now, or the member reads other topics; what else it says about itself may be new.
   */
  #replaceStatic(oldId: string, newId: string, request: JoinRequest, answer: (result: JoinResult) => void): void {
    const old = this.members.get(oldId)!;
    const wasLeader = this.leader === oldId;
    old.fence();
    const member = old.renamed(newId);
    this.members.delete(oldId);
    this.members.set(newId, member);
    this.#static.set(request.instanceId!, newId);
    if (wasLeader) this.leader = newId;
    member.update(request);
    if (this.state !== 'Stable' || this.#chooseProtocol() !== this.protocolName || !this.#readsTheSame(old, member)) {
      member.waitForJoin(answer);
      this.#prepareRebalance();
      return this.#tryCompleteJoin();
    }
    this.#keepAlive(member);
    const joined = this.#joined(member);
    // Stored first: after a restart of the broker the member would be taken for the one that it has fenced.
    this.#env.persist(this, (errorCode) => {
      if (errorCode !== ErrorCode.NONE) answer(refusedJoin(errorCode, ''));
      else if (!wasLeader) answer(joined);
      else if (request.supportsSkippingAssignment) answer({ ...joined, skipAssignment: true });
      // An older client that sees itself lead would assign anew; one that sees another lead asks for its assignment.
      else answer({ ...joined, leader: oldId, members: [] });
    });
  }

  #readsTheSame(before: GroupMember, after: GroupMember): boolean {
    const name = this.protocolName ?? '';
    const [was, is] = [before.metadataFor(name), after.metadataFor(name)];
    if (was.equals(is)) return true;
    if (this.protocolType !== 'consumer') return false;
    try {
      const [before, after] = [was, is].map((metadata) => readSubscription(metadata).topics.toSorted().join());
      return before === after;
    } catch {
      return false;
    }
  }

  /** Begins to collect joins, unless that goes on already. */
  #prepareRebalance(): void {
    if (this.state === 'PreparingRebalance') return;
    if (this.state === 'CompletingRebalance') {
      for (const member of this.members.values()) member.answerSync(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
    }
    const wasEmpty = this.state === 'Empty';
    this.#setState('PreparingRebalance');
    this.#cancelSyncTimer();
    const { environment, initialRebalanceDelayMs } = this.#env;
    if (wasEmpty && initialRebalanceDelayMs > 0) {
      this.#initialWait = { until: environment.now() + this.#rebalanceTimeout(), grew: false };
      this.#waitForCompany();
    } else {
      this.#cancelJoinTimer = environment.after(this.#rebalanceTimeout(), () => this.#completeJoin());
    }
  }

  /** An empty group waits a little for more members, and again as long as some came. */
  #waitForCompany(): void {
    const { environment, initialRebalanceDelayMs } = this.#env;
    const wait = this.#initialWait!;
    const delay = Math.max(0, Math.min(initialRebalanceDelayMs, wait.until - environment.now()));
    this.#cancelJoinTimer = environment.after(delay, () => {
      if (wait.grew && environment.now() < wait.until) {
        wait.grew = false;
        this.#waitForCompany();
      } else {
        this.#initialWait = undefined;
        this.#completeJoin();
      }
    });
  }

  #tryCompleteJoin(): void {
    if (this.state !== 'PreparingRebalance' || this.#initialWait !== undefined || this.#pending.size > 0) return;
    for (const member of this.members.values()) if (!member.isJoining) return;
    this.#completeJoin();
  }

  /** Everybody is here, or the time is up for those who are not. */
  #completeJoin(): void {
    if (this.state !== 'PreparingRebalance') return;
    this.#cancelJoinTimer();
    this.#initialWait = undefined;
    for (const member of this.members.values()) {
      if (!member.isJoining && member.instanceId === null) this.#forget(member);
    }
    const joining = [...this.members.values()].filter((member) => member.isJoining);
    if (this.members.size > 0 && joining.length === 0) {
      // Only static members, none of them heard of: they have until their sessions end.
      this.#cancelJoinTimer = this.#env.environment.after(this.#rebalanceTimeout(), () => this.#completeJoin());
      return;
    }
    this.generation++;
    if (this.members.size === 0) return this.#becomeEmpty();
    if (!joining.some((member) => member.id === this.leader)) this.leader = joining[0]!.id;
    this.protocolName = this.#chooseProtocol();
    this.#setState('CompletingRebalance');
    for (const member of joining) {
      member.isSynced = false;
      member.assignment = NO_BYTES;
      this.#keepAlive(member);
      member.answerJoin(this.#joined(member));
    }
    this.#cancelSyncTimer = this.#env.environment.after(this.#rebalanceTimeout(), () =>
      this.#dropUnsynced(this.generation),
    );
  }

  #becomeEmpty(): void {
    this.#setState('Empty');
    this.protocolName = null;
    this.leader = null;
    this.#env.persist(this, () => {});
  }

  // ── Syncing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  sync(request: SyncRequest, answer: (result: SyncResult) => void): void {
    const errorCode = this.#checkMember(request.memberId, request.instanceId, request.generationId);
    if (errorCode !== ErrorCode.NONE) return answer(refusedSync(errorCode));
    const { protocolType, protocolName } = request;
    if (
      (protocolType !== null && protocolType !== this.protocolType) ||
      (protocolName !== null && protocolName !== this.protocolName)
    ) {
      return answer(refusedSync(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
    }
    const member = this.members.get(request.memberId)!;
    switch (this.state) {
      case 'PreparingRebalance':
        return answer(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      case 'CompletingRebalance':
        member.isSynced = true;
        member.waitForSync(answer);
        if (member.id === this.leader) this.#assign(request.assignments);
        return;
      case 'Stable':
        this.#keepAlive(member);
        return answer(this.#synced(member));
      case 'Empty':
      case 'Dead':
        return answer(refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    }
  }

  #assign(assignments: SyncRequest['assignments']): void {
    for (const member of this.members.values()) member.assignment = NO_BYTES;
    for (const { memberId, assignment } of assignments) {
      const member = this.members.get(memberId);
      // A copy: the received frame must not be kept for it.
      if (member !== undefined) member.assignment = Buffer.from(assignment);
    }
    const { generation } = this;
    this.#env.persist(this, (errorCode) => {
      if (this.state !== 'CompletingRebalance' || this.generation !== generation) return;
      if (errorCode !== ErrorCode.NONE) {
        for (const member of this.members.values()) member.answerSync(refusedSync(errorCode));
        this.#prepareRebalance();
        return;
      }
      this.#setState('Stable');
      for (const member of this.members.values()) {
        this.#keepAlive(member);
        member.answerSync(this.#synced(member));
      }
    });
  }

  /** Members that joined but never asked for their assignment are taken out. */
  #dropUnsynced(generation: number): void {
    if (generation !== this.generation || (this.state !== 'CompletingRebalance' && this.state !== 'Stable')) return;
    const silent = [...this.members.values()].filter((member) => !member.isSynced);
    if (silent.length === 0) return;
    for (const member of silent) this.#forget(member);
    this.#prepareRebalance();
    this.#tryCompleteJoin();
  }

  // ── Staying and leaving ─────────────────────────────────────────────────────────────────────────────────────────

  heartbeat(memberId: string, instanceId: string | null, generationId: number): number {
    const errorCode = this.#checkMember(memberId, instanceId, generationId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    if (this.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID;
    this.#keepAlive(this.members.get(memberId)!);
    return this.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  leave(memberId: string, instanceId: string | null): number {
    if (instanceId !== null) {
      const known = this.#static.get(instanceId);
      if (known === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (memberId !== '' && memberId !== known) return ErrorCode.FENCED_INSTANCE_ID;
      this.#remove(this.members.get(known)!);
      return ErrorCode.NONE;
    }
    const pending = this.#pending.get(memberId);
    if (pending !== undefined) {
      pending();
      this.#pending.delete(memberId);
      this.#tryCompleteJoin();
      return ErrorCode.NONE;
    }
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    this.#remove(member);
    return ErrorCode.NONE;
  }

  /** Whether a member may commit offsets. Without a generation it need not be one, as long as the group is empty. */
  checkCommit(memberId: string, instanceId: string | null, generationId: number, isTransactional: boolean): number {
    // Whoever it says it is: nobody is in the group.
    if (generationId < 0 && this.state === 'Empty') return ErrorCode.NONE;
    if (generationId < 0 && memberId === '' && instanceId === null) {
      return isTransactional ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
    }
    const errorCode = this.#checkMember(memberId, instanceId, generationId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    if (this.state === 'CompletingRebalance' && !isTransactional) return ErrorCode.REBALANCE_IN_PROGRESS;
    this.#keepAlive(this.members.get(memberId)!);
    return ErrorCode.NONE;
  }

  commitCheck({ memberId, instanceId, epoch, isTransactional }: Committer): CommitCheck {
    const errorCode = this.checkCommit(memberId, instanceId, epoch, isTransactional);
    return () => errorCode;
  }

  /** Whoever asks may read the offsets. */
  checkFetch(): number {
    return ErrorCode.NONE;
  }

  /** The topics that members say they read; undefined when they speak another protocol than consumers do. */
  subscribedTopics(): ReadonlySet<string> | undefined {
    if (this.members.size === 0) return new Set();
    if (this.protocolType !== 'consumer') return undefined;
    const topics = new Set<string>();
    try {
      for (const member of this.members.values()) {
        const name = this.protocolName ?? member.protocols[0]?.name ?? '';
        for (const topic of readSubscription(member.metadataFor(name)).topics) topics.add(topic);
      }
    } catch {
      return undefined;
    }
    return topics;
  }

  forgetMember(memberId: string): void {
    this.leave(memberId, null);
  }

  /** As the journal has it. */
  stored(): StoredGroup {
    const protocol = this.protocolName;
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocol,
      leader: this.leader,
      currentStateTimestamp: this.stateSince,
      members: [...this.members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadataFor(protocol ?? ''),
        assignment: member.assignment,
      })),
    };
  }

  tombstones(): JournalRecord[] {
    return [groupTombstone(this.id)];
  }

  /** The group goes on in another protocol: whoever waits is told the error, and comes again. */
  dissolve(errorCode: number): void {
    this.stop();
    for (const member of this.members.values()) {
      member.answerJoin(refusedJoin(errorCode, member.id));
      member.answerSync(refusedSync(errorCode));
    }
    this.#setState('Dead');
  }

  /** Has the members of a restored group join again. */
  rebalance(): void {
    this.#prepareRebalance();
  }

  /** The end of the group: nobody may wait for it any more. */
  kill(): void {
    this.#cancelJoinTimer();
    this.#cancelSyncTimer();
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
    for (const member of this.members.values()) this.#forget(member);
    this.#setState('Dead');
  }

  /** Stops all timers, without telling anyone: the broker closes. */
  stop(): void {
    this.#cancelJoinTimer();
    this.#cancelSyncTimer();
    for (const cancel of this.#pending.values()) cancel();
    for (const member of this.members.values()) member.stop();
  }

  #remove(member: GroupMember): void {
    this.#forget(member);
    if (this.state === 'Stable' || this.state === 'CompletingRebalance') this.#prepareRebalance();
    this.#tryCompleteJoin();
  }

  #expire(member: GroupMember): void {
    if (this.members.get(member.id) === member) this.#remove(member);
  }

  #forget(member: GroupMember): void {
    member.stop();
    this.members.delete(member.id);
    if (member.instanceId !== null) this.#static.delete(member.instanceId);
    member.answerJoin(refusedJoin(ErrorCode.UNKNOWN_MEMBER_ID, member.id));
    member.answerSync(refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    if (this.leader === member.id) this.leader = this.members.keys().next().value ?? null;
  }

  #expectMember(id: string, timeoutMs: number): void {
    const cancel = this.#env.environment.after(timeoutMs, () => {
      this.#pending.delete(id);
      this.#tryCompleteJoin();
    });
    this.#pending.set(id, cancel);
  }

  #keepAlive(member: GroupMember): void {
    member.keepAlive(this.#env.environment, () => this.#expire(member));
  }

  #checkMember(memberId: string, instanceId: string | null, generationId: number): number {
    if (this.state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const errorCode = this.#checkIdentity(memberId, instanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    return generationId === this.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }

  #checkIdentity(memberId: string, instanceId: string | null): number {
    if (instanceId !== null) {
      const known = this.#static.get(instanceId);
      if (known === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (known !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  // ── Protocols ───────────────────────────────────────────────────────────────────────────────────────────────────

  #supports(request: JoinRequest): boolean {
    if (request.protocolType === '' || request.protocols.length === 0) return false;
    if (this.members.size === 0) {
      this.protocolType = request.protocolType;
      return true;
    }
    if (request.protocolType !== this.protocolType) return false;
    const common = this.#commonProtocols(request.memberId);
    return request.protocols.some(({ name }) => common.has(name));
  }

  /** The protocols that all members support, except the one that is about to change its mind. */
  #commonProtocols(exceptId = ''): Set<string> {
    const others = [...this.members.values()].filter((member) => member.id !== exceptId);
    const first = others[0] ?? this.members.get(exceptId);
    const names = first?.protocols.map(({ name }) => name) ?? [];
    return new Set(names.filter((name) => others.every((member) => member.supports(name))));
  }

  /** Each member votes for its first protocol among those that all support; the most votes win. */
  #chooseProtocol(): string {
    const common = this.#commonProtocols();
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.protocols.find(({ name }) => common.has(name))?.name;
      if (choice !== undefined) votes.set(choice, (votes.get(choice) ?? 0) + 1);
    }
    let best = '';
    for (const [name, count] of votes) if (count > (votes.get(best) ?? 0)) best = name;
    return best;
  }

  #rebalanceTimeout(): number {
    let timeout = 0;
    for (const member of this.members.values()) timeout = Math.max(timeout, member.rebalanceTimeoutMs);
    return timeout;
  }

  #setState(state: GroupState): void {
    this.state = state;
    this.stateSince = this.#env.environment.now();
  }

  // ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #joined(member: GroupMember): JoinResult {
    const protocolName = this.protocolName ?? '';
    const isLeader = member.id === this.leader;
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName,
      leader: this.leader ?? '',
      memberId: member.id,
      skipAssignment: false,
      members: isLeader
        ? [...this.members.values()].map((each) => ({
            memberId: each.id,
            groupInstanceId: each.instanceId,
            metadata: each.metadataFor(protocolName),
          }))
        : [],
    };
  }

  #synced(member: GroupMember): SyncResult {
    return {
      errorCode: ErrorCode.NONE,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      assignment: member.assignment,
    };
  }
}
