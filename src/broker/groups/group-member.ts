import { ErrorCode } from '../../protocol/index.ts';
import type { Environment } from '../../util/index.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import {
  type JoinRequest,
  type JoinResult,
  type MemberProtocol,
  refusedJoin,
  refusedSync,
  type SyncResult,
} from './group-requests.ts';
import { Session } from './session.ts';

/** What members within this process have in place of a host. */
export const IN_PROCESS_HOST = 'in-process';

/** A member of a classic group: who it is, what it offers, and the request of it that waits for an answer. */
export class GroupMember {
  readonly id: string;
  readonly instanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Buffer = Buffer.alloc(0);
  /** Whether it asked for its assignment in this generation. */
  isSynced = true;
  #answerJoin: ((result: JoinResult) => void) | undefined;
  #answerSync: ((result: SyncResult) => void) | undefined;
  readonly #session = new Session();

  constructor(
    id: string,
    from: Pick<
      JoinRequest,
      'instanceId' | 'clientId' | 'clientHost' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'protocols'
    >,
  ) {
    this.id = id;
    this.instanceId = from.instanceId;
    this.clientId = from.clientId;
    this.clientHost = from.clientHost;
    this.sessionTimeoutMs = from.sessionTimeoutMs;
    this.rebalanceTimeoutMs = from.rebalanceTimeoutMs;
    this.protocols = copied(from.protocols);
  }

  get isJoining(): boolean {
    return this.#answerJoin !== undefined;
  }

  /** About what it takes of memory. */
  get bytes(): number {
    const { id, instanceId, clientId, protocols, assignment } = this;
    const texts = textBytes(id) + textBytes(instanceId) + textBytes(clientId);
    const offered = protocols.reduce((sum, { name, metadata }) => sum + textBytes(name) + metadata.length, 0);
    return ENTRY_BYTES + texts + offered + assignment.length;
  }

  update(request: JoinRequest): void {
    this.clientId = request.clientId;
    this.clientHost = request.clientHost;
    this.sessionTimeoutMs = request.sessionTimeoutMs;
    this.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    this.protocols = copied(request.protocols);
  }

  /** The same static member under another id, with its assignment. */
  renamed(id: string): GroupMember {
    const member = new GroupMember(id, this);
    member.assignment = this.assignment;
    return member;
  }

  // ── Waiting requests ────────────────────────────────────────────────────────────────────────────────────────────

  waitForJoin(answer: (result: JoinResult) => void): void {
    this.#answerJoin?.(refusedJoin(ErrorCode.REBALANCE_IN_PROGRESS, this.id));
    this.#answerJoin = answer;
  }

  answerJoin(result: JoinResult): void {
    const answer = this.#answerJoin;
    this.#answerJoin = undefined;
    answer?.(result);
  }

  waitForSync(answer: (result: SyncResult) => void): void {
    this.#answerSync?.(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
    this.#answerSync = answer;
  }

  answerSync(result: SyncResult): void {
    const answer = this.#answerSync;
    this.#answerSync = undefined;
    answer?.(result);
  }

  /** Another process took over this member's instance id. */
  fence(): void {
    this.stop();
    this.answerJoin(refusedJoin(ErrorCode.FENCED_INSTANCE_ID, this.id));
    this.answerSync(refusedSync(ErrorCode.FENCED_INSTANCE_ID));
  }

  // ── Session ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins the session timeout anew. */
  keepAlive(environment: Environment, expire: () => void): void {
    this.#session.keepAlive(environment, this.sessionTimeoutMs, expire, () => this.isJoining);
  }

  stop(): void {
    this.#session.stop();
  }

  // ── Protocols ───────────────────────────────────────────────────────────────────────────────────────────────────

  supports(name: string): boolean {
    return this.protocols.some((protocol) => protocol.name === name);
  }

  metadataFor(name: string): Buffer {
    return this.protocols.find((protocol) => protocol.name === name)?.metadata ?? Buffer.alloc(0);
  }

  hasProtocols(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const mine = this.protocols[i]!;
        return mine.name === name && mine.metadata.equals(metadata);
      })
    );
  }
}

/** Received bytes are views of a frame: what is kept is copied. */
function copied(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
}
