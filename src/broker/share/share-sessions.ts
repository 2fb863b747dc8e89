/**
 * Sessions in which members of share groups fetch and acknowledge (KIP-932). A session remembers the partitions that its member reads,
 * so that requests name only what is new; it counts requests, so that none is lost or taken twice. It ends when its member says so,
 * when the member opens another one, or with its connection: what the member had acquired is given back then.
 */
import { MillraceError } from '../../util/index.ts';
import { type PartitionKey, partitionKey } from '../groups/partition-sets.ts';

export const ShareSessionEpoch = { open: 0, close: -1 } as const;
const LAST_EPOCH = 0x7fffffff;

export interface ShareSession {
  readonly groupId: string;
  readonly memberId: string;
  /** That the next request has to have. */
  epoch: number;
  /** In the order in which they are read; whoever was given records goes to the end. */
  readonly partitions: Set<PartitionKey>;
  isEnded: boolean;
  readonly leave: () => void;
}

interface Asked {
  readonly groupId: string;
  readonly memberId: string;
  readonly shareSessionEpoch: number;
}

export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>();
  readonly #most: () => number;
  readonly #ended: (session: ShareSession) => void;

  /** `ended` gives back what the member had. */
  constructor(most: () => number, ended: (session: ShareSession) => void) {
    this.#most = most;
    this.#ended = ended;
  }

  /** Begins a session, in the place of another one of the member. It ends with the connection whose callbacks these are. */
  open({ groupId, memberId }: Asked, onClose: Set<() => void>): ShareSession {
    const name = nameOf(groupId, memberId);
    const before = this.#sessions.get(name);
    if (before !== undefined) this.end(before);
    if (this.#sessions.size >= this.#most()) {
      throw new MillraceError('SHARE_SESSION_LIMIT_REACHED', 'There are as many share sessions as there may be.');
    }
    const lost = (): void => this.end(session);
    const session: ShareSession = {
      groupId,
      memberId,
      epoch: 1,
      partitions: new Set(),
      isEnded: false,
      leave: () => onClose.delete(lost),
    };
    onClose.add(lost);
    this.#sessions.set(name, session);
    return session;
  }

  /** The session that a request belongs to, which counts it; the error where there is none, or it is another request's turn. */
  next({ groupId, memberId, shareSessionEpoch }: Asked): ShareSession {
    const session = this.#sessions.get(nameOf(groupId, memberId));
    if (session === undefined) throw new MillraceError('SHARE_SESSION_NOT_FOUND', '');
    if (shareSessionEpoch === ShareSessionEpoch.close) return session;
    if (shareSessionEpoch !== session.epoch) throw new MillraceError('INVALID_SHARE_SESSION_EPOCH', '');
    session.epoch = session.epoch === LAST_EPOCH ? 1 : session.epoch + 1;
    return session;
  }

  end(session: ShareSession): void {
    const name = nameOf(session.groupId, session.memberId);
    if (this.#sessions.get(name) !== session) return;
    this.#sessions.delete(name);
    session.isEnded = true;
    session.leave();
    this.#ended(session);
  }

  /** Adds and takes away partitions. */
  follow(
    { partitions }: ShareSession,
    added: readonly { readonly topicId: string; readonly partitions: readonly { readonly partitionIndex: number }[] }[],
    forgotten: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
  ): void {
    for (const { topicId, partitions: indexes } of forgotten) {
      for (const index of indexes) partitions.delete(partitionKey(topicId, index));
    }
    for (const { topicId, partitions: parts } of added) {
      for (const { partitionIndex } of parts) partitions.add(partitionKey(topicId, partitionIndex));
    }
  }
}

function nameOf(groupId: string, memberId: string): string {
  return `${memberId} ${groupId}`;
}
