// A member of a classic group, whatever its members share out among themselves. One round: what may not go on is given up →
// JoinGroup, which the broker answers when everybody has come → the leader assigns → SyncGroup brings each its part → heartbeats
// until one of them says that the next round has begun. Rounds start inside `advance`, never behind the caller's back.
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
import type { GroupMetadata, GroupProtocol } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';

export interface SessionSettings {
  readonly groupId: string;
  /** `consumer`, or what else the members are. */
  readonly protocolType: string;
  readonly groupInstanceId?: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** A member that was not heard for so long takes its place for lost; undefined: it goes on asking. */
  readonly silenceMs?: number;
}

/** What the members have agreed upon. */
export interface JoinedGroup {
  readonly protocolName: string;
  readonly leader: string;
  /** Of the leader: all of them. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
  /** A static leader that came back leaves what was assigned as it is (KIP-814). */
  readonly skipAssignment: boolean;
}

/** What is done in a round by those whose session it is. Calls come one after the other, except for `wake` and `beaten`. */
export interface SessionUser {
  /** Before a round. Lost: the group has gone on without this member, and what it had may be others' now. */
  beforeRound(isLost: boolean): Promise<void>;
  /** What the member offers, the preferred first. */
  protocols(): readonly GroupProtocol[];
  /** The leader's part: what each member gets. */
  lead(joined: JoinedGroup): Promise<readonly { readonly memberId: string; readonly assignment: Buffer }[]>;
  /** Takes over what the member got. False: another round is due at once. */
  arrange(assignment: Buffer, joined: JoinedGroup): Promise<boolean>;
  /** A heartbeat was sent, and the next one is due in its time. */
  beaten?(): void;
  /** Something happened that `advance` is to see. */
  wake(): void;
}

export class GroupSession {
  readonly groupId: string;
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #settings: SessionSettings;
  readonly #user: SessionUser;
  #memberId = '';
  #generationId = -1;
  #state: 'outside' | 'joining' | 'arranging' | 'stable' | 'left' | 'fenced' = 'outside';
  #lost = false;
  #round: Promise<void> | undefined;
  /** The present round's joining has come to its end. */
  #synced = deferred();
  #failure: unknown;
  #stopHeartbeats = () => {};
  #stopWatch = () => {};

  constructor(cluster: Cluster, purpose: Purpose, settings: SessionSettings, user: SessionUser) {
    this.groupId = settings.groupId;
    this.#cluster = cluster;
    this.#purpose = purpose;
    this.#settings = settings;
    this.#user = user;
  }

  get metadata(): GroupMetadata {
    return {
      groupId: this.groupId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      groupInstanceId: this.#settings.groupInstanceId ?? null,
    };
  }

  /** Whether the group has gone on without this member, which has not given up what it had. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Whether it is in the group, and nothing is to be done. */
  get isStable(): boolean {
    return this.#state === 'stable';
  }

  /** Starts a round when one is due, also when `isDue` says so. Undefined when the member is settled. */
  advance(isDue: () => boolean = () => false): Promise<void> | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      // A member that was fenced stays it: joining again would fence the one that has its place now.
      if (this.#state !== 'fenced') this.#failure = undefined;
      throw failure;
    }
    if (this.#state === 'stable' && isDue()) this.#state = 'outside';
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
          this.#user.wake();
        });
    }
    return this.#round;
  }

  /** Waits for the generation behind the given one, if this member is on its way into it. */
  async rejoined(generationId: number): Promise<boolean> {
    const isJoining = this.#state === 'joining';
    if (isJoining) await this.#synced.promise;
    return this.#memberId !== '' && (isJoining || this.#generationId !== generationId);
  }

  /** Has the next `advance` begin a round, unless one is under way or due. */
  enforce(): void {
    if (this.#state !== 'stable') return;
    this.#state = 'outside';
    this.#user.wake();
  }

  /** The group went on without this member. */
  lost(): void {
    if (this.#state !== 'stable') return;
    this.#memberId = '';
    this.#loseTouch();
  }

  /** Says goodbye behind what has to be given up first; a static member only goes. */
  async leave(giveUp: () => Promise<void>): Promise<void> {
    this.#stopHeartbeats();
    this.#stopWatch();
    const wasMember = this.#memberId !== '';
    this.#state = 'left';
    try {
      await giveUp();
    } finally {
      await this.#sayGoodbye(wasMember);
    }
  }

  /** One that has left may come again. */
  comeAgain(): void {
    if (this.#state === 'left') this.#state = 'outside';
  }

  /** Whether the group knows what this member has, and has to hear of it. */
  get #isSettled(): boolean {
    return this.#state === 'stable' || this.#state === 'arranging';
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
    this.#stopWatch();
    await this.#beforeRound(this.#lost);
    for (let failures = 0; ; failures++) {
      if (failures > 1) await this.#cluster.backOff(failures - 1);
      if (this.#state !== 'joining') return;
      // It may have kept something while it joined.
      if (this.#memberId === '') await this.#beforeRound(true);
      const joined = await this.#ask(joinGroup, () => this.#joinRequest());
      if (this.#restarts(joined.errorCode, joined.memberId)) continue;
      this.#memberId = joined.memberId;
      this.#generationId = joined.generationId;
      const round: JoinedGroup = { ...joined, protocolName: joined.protocolName ?? '' };
      const assignments = joined.leader === joined.memberId ? await this.#user.lead(round) : [];
      const { environment } = this.#cluster;
      const askedAt = environment.now();
      const synced = await this.#ask(syncGroup, () => this.#syncRequest(joined.protocolName, assignments));
      if (this.#restarts(synced.errorCode, this.#memberId)) continue;
      if (this.#state !== 'joining') return;
      this.#state = 'arranging';
      this.#synced.resolve();
      this.#scheduleHeartbeat();
      this.#watch(askedAt);
      const isKept = await this.#user.arrange(synced.assignment, round);
      if (this.#state === 'arranging') this.#state = isKept && !this.#lost ? 'stable' : 'outside';
      return;
    }
  }

  async #beforeRound(isLost: boolean): Promise<void> {
    this.#lost = isLost;
    await this.#user.beforeRound(isLost);
    this.#lost = false;
  }

  #joinRequest() {
    const { sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId, protocolType } = this.#settings;
    return create(joinGroup, {
      groupId: this.groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupInstanceId: groupInstanceId ?? null,
      protocolType,
      protocols: this.#user.protocols().map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    });
  }

  #syncRequest(protocolName: string | null, assignments: Awaited<ReturnType<SessionUser['lead']>>) {
    const { generationId, memberId, groupInstanceId } = this.metadata;
    const { protocolType } = this.#settings;
    const { groupId } = this;
    return create(syncGroup, {
      groupId,
      generationId,
      memberId,
      groupInstanceId,
      protocolType,
      protocolName,
      assignments: [...assignments],
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

  #scheduleHeartbeat(): void {
    const { heartbeatIntervalMs } = this.#settings;
    this.#stopHeartbeats = this.#cluster.environment.after(heartbeatIntervalMs, () => void this.#beat());
  }

  /** Takes the place for lost when nothing is heard for too long behind what was asked then. */
  #watch(askedAt: number): void {
    this.#stopWatch();
    const { silenceMs } = this.#settings;
    if (silenceMs === undefined) return;
    const { environment } = this.#cluster;
    const leftMs = Math.max(0, askedAt + silenceMs - environment.now());
    this.#stopWatch = environment.after(leftMs, () => this.#loseTouch());
  }

  #loseTouch(): void {
    if (!this.#isSettled) return;
    this.#stopHeartbeats();
    this.#stopWatch();
    this.#lost = true;
    // Whoever arranges what it got begins anew behind that.
    if (this.#state === 'stable') this.#state = 'outside';
    this.#user.wake();
  }

  async #beat(): Promise<void> {
    if (!this.#isSettled) return;
    const sentAt = this.#cluster.environment.now();
    try {
      const transport = await this.#coordinator();
      const { groupId, generationId, memberId, groupInstanceId } = this.metadata;
      const answer = await transport.request(
        heartbeat,
        create(heartbeat, { groupId, generationId, memberId, groupInstanceId }),
      );
      if (answer.errorCode === ErrorCode.NONE && this.#isSettled) this.#watch(sentAt);
      this.#heard(answer.errorCode);
    } catch {
      // The connection is gone; the next beat finds the coordinator again.
      this.#cluster.forgetCoordinator('group', this.groupId);
    }
    if (!this.#isSettled || this.#lost) return;
    this.#scheduleHeartbeat();
    this.#user.beaten?.();
  }

  #heard(errorCode: number): void {
    if (this.#state !== 'stable' || errorCode === ErrorCode.NONE) return;
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.#state = 'outside';
      this.#user.wake();
    } else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) {
      this.lost();
    } else if (isRetriable(errorCode)) {
      this.#cluster.forgetCoordinator('group', this.groupId);
    } else {
      this.#failure = this.#refusal(errorCode);
      this.#user.wake();
    }
  }
}
