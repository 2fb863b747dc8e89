// A member of a group whose members are not consumers: the session's rounds (group-session.ts), with bytes that only the members
// understand.
import type { GroupMemberSettings, GroupMembership, GroupParticipant } from './client.ts';
import { deferred, MillraceError } from '../util/index.ts';
import { checkGroupMember } from './checks.ts';
import type { Cluster } from './cluster.ts';
import { GroupSession, type JoinedGroup } from './group-session.ts';

const DEFAULT_SESSION_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 3_000;
const DEFAULT_REBALANCE_TIMEOUT_MS = 60_000;

let members = 0;

export class GroupMember implements GroupMembership {
  readonly #cluster: Cluster;
  readonly #participant: GroupParticipant;
  readonly #session: GroupSession;
  /** Connections of its own: a parked JoinGroup must hold up nobody else. */
  readonly #purpose: string;
  #hasPlace = false;
  /** Calls of `join` that have not ended: they see by themselves what is due. */
  #joining = 0;
  #isClosed = false;
  readonly #closed = deferred();

  constructor(cluster: Cluster, settings: GroupMemberSettings, participant: GroupParticipant) {
    checkGroupMember(settings, participant);
    const { groupId, protocolType, sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = settings;
    this.#cluster = cluster;
    this.#participant = participant;
    this.#purpose = `member-${members++}`;
    this.#session = new GroupSession(
      cluster,
      this.#purpose,
      {
        groupId,
        protocolType,
        sessionTimeoutMs,
        heartbeatIntervalMs: settings.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS,
        rebalanceTimeoutMs: settings.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS,
        silenceMs: settings.silenceMs ?? sessionTimeoutMs,
      },
      {
        beforeRound: (isLost) => this.#beforeRound(isLost),
        protocols: () => participant.protocols(),
        lead: (joined) => this.#lead(joined),
        arrange: (assignment, joined) => this.#arrange(assignment, joined),
        wake: () => this.#wake(),
      },
    );
  }

  get memberId(): string {
    return this.#session.metadata.memberId;
  }

  get isSettled(): boolean {
    return this.#session.isStable;
  }

  async join(): Promise<void> {
    if (this.#isClosed) throw new MillraceError('CLIENT_CLOSED', 'the member of the group has been closed');
    this.#joining++;
    try {
      for (;;) {
        const round = this.#session.advance();
        if (round === undefined) return;
        // Whoever closes need not wait for a broker that does not answer.
        await Promise.race([round, this.#closed.promise]);
        if (this.#isClosed) return;
      }
    } finally {
      this.#joining--;
    }
  }

  requestRejoin(): void {
    this.#session.enforce();
  }

  async leave(): Promise<void> {
    await this.#session.leave(async () => {});
    this.#hasPlace = false;
    if (!this.#isClosed) this.#session.comeAgain();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    try {
      await this.leave();
    } finally {
      await this.#cluster.release(this.#purpose);
    }
  }

  async #beforeRound(isLost: boolean): Promise<void> {
    if (!this.#hasPlace) return;
    if (isLost) {
      this.#hasPlace = false;
      await this.#participant.onLost?.();
    } else await this.#participant.onJoining?.();
  }

  async #lead({ protocolName, leader, members: all }: JoinedGroup) {
    const { generationId } = this.#session.metadata;
    const round = { protocol: protocolName, leaderId: leader, generationId, members: all };
    const assigned = await this.#participant.assign(round);
    return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: Buffer.from(assignment) }));
  }

  async #arrange(assignment: Buffer, { protocolName, leader }: JoinedGroup): Promise<boolean> {
    this.#hasPlace = true;
    const { memberId, generationId } = this.#session.metadata;
    await this.#participant.onJoined({ protocol: protocolName, memberId, leaderId: leader, generationId, assignment });
    return true;
  }

  #wake(): void {
    if (this.#joining === 0 && !this.#session.isStable) this.#participant.onDue?.();
  }
}
