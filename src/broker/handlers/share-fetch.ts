/**
 * ShareFetch and ShareAcknowledge: members of share groups get records, and say what has become of them (KIP-932).
 *
 * * ShareFetch 1: in a session (share/share-sessions.ts); what is acknowledged along with it counts first, and is durable when it is
 *   answered. Waits until there is something, or `maxWaitMs` have passed. Whole batches are sent, of which only the acquired records
 *   are the member's. 2: exactly as many as are wanted; renewing, which takes no records along (KIP-1206, KIP-1222).
 * * ShareAcknowledge 1: in the same session. -1: closes it, and gives back what the member has.
 *
 * Not done: `minBytes` counts as 1, as more would keep records from others for the time that they are waited for; `batchSize` counts
 * for nothing: what is acquired is told batch by batch of the log. Records that are given up are not written to another topic (KIP-1191).
 */
import {
  AcknowledgeType,
  ErrorCode,
  type RequestOf,
  respond,
  type ResponseOf,
  shareAcknowledge,
  ShareAcquireMode,
  shareFetch,
} from '../../protocol/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import type { RequestContext } from '../core.ts';
import { finalizedLevels } from '../features.ts';
import { indexOf, type PartitionKey, partitionKey, topicIdOf } from '../groups/partition-sets.ts';
import { ShareGroup } from '../groups/share-group.ts';
import type { Partition, Reader } from '../partition.ts';
import { readShared, type ShareRead } from '../share/share-reading.ts';
import type { AcknowledgedBatch } from '../share/share-partition.ts';
import { type ShareSession, ShareSessionEpoch } from '../share/share-sessions.ts';
import { mayFetch } from './access/topics.ts';
import { errorCodeOf } from './error-code.ts';
import { on } from './handler.ts';

type FetchRequest = RequestOf<typeof shareFetch>;
type FetchResponse = ResponseOf<typeof shareFetch>;
type Topics = RequestOf<typeof shareAcknowledge>['topics'];
type Fetched = FetchResponse['responses'][number]['partitions'][number];

interface Problem {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const NO_LEADER: Fetched['currentLeader'] = { leaderId: 0, leaderEpoch: 0 };
const FINE: Problem = { errorCode: ErrorCode.NONE, errorMessage: null };
const NO_RECORDS = Buffer.alloc(0);
const LAST_TYPE = AcknowledgeType.renew;
const DENIED = new MillraceError('TOPIC_AUTHORIZATION_FAILED', '');

export const handleShareFetch = on(shareFetch, async (request, context) => {
  const { core } = context;
  try {
    const asked = checkAsked(request, context);
    const { groupId, shareSessionEpoch } = asked;
    const settings = core.shares.settingsOf(groupId);
    const acknowledging = withAcknowledgements(request.topics);
    if (shareSessionEpoch === ShareSessionEpoch.open && acknowledging.length > 0) throw invalid('');
    const isRenewal = request.isRenewAck;
    if (isRenewal && request.maxBytes + request.maxRecords + request.minBytes + request.maxWaitMs > 0)
      throw invalid('');
    const isOpening = shareSessionEpoch === ShareSessionEpoch.open;
    const session = isOpening ? core.shareSessions.open(asked, context.onClose) : core.shareSessions.next(asked);
    const isClosing = shareSessionEpoch === ShareSessionEpoch.close;
    if (!isClosing) core.shareSessions.follow(session, request.topics, request.forgottenTopicsData);
    const acknowledged = await acknowledgeAll(context, session, acknowledging, isRenewal);
    if (isClosing) core.shareSessions.end(session);
    // Its connection may be gone by now.
    const isDone = session.isEnded || isRenewal;
    const fetched = isDone ? new Map<PartitionKey, Fetched>() : await fetchAll(request, context, session);
    for (const [key, { errorCode, errorMessage }] of acknowledged) {
      const problem = { acknowledgeErrorCode: errorCode, acknowledgeErrorMessage: errorMessage };
      fetched.set(key, { ...(fetched.get(key) ?? answerOf(key, FINE)), ...problem });
    }
    // The first answer has all partitions, others what is new.
    if (isOpening) for (const key of session.partitions) if (!fetched.has(key)) fetched.set(key, answerOf(key, FINE));
    return respond(shareFetch, {
      acquisitionLockTimeoutMs: settings.lockDurationMs,
      responses: [...Map.groupBy(fetched, ([key]) => topicIdOf(key))].map(([topicId, parts]) => ({
        topicId,
        partitions: parts.map(([, answer]) => answer),
      })),
    });
  } catch (error) {
    return respond(shareFetch, problemOf(error));
  }
});

export const handleShareAcknowledge = on(shareAcknowledge, async (request, context) => {
  const { core } = context;
  try {
    const asked = checkAsked(request, context);
    if (asked.shareSessionEpoch === ShareSessionEpoch.open) throw new MillraceError('INVALID_SHARE_SESSION_EPOCH', '');
    const session = core.shareSessions.next(asked);
    const acknowledged = await acknowledgeAll(
      context,
      session,
      withAcknowledgements(request.topics),
      request.isRenewAck,
    );
    if (asked.shareSessionEpoch === ShareSessionEpoch.close) core.shareSessions.end(session);
    const responses = [...Map.groupBy(acknowledged, ([key]) => topicIdOf(key))].map(([topicId, parts]) => ({
      topicId,
      partitions: parts.map(([key, problem]) => ({ partitionIndex: indexOf(key), ...problem })),
    }));
    const { lockDurationMs } = core.shares.settingsOf(asked.groupId);
    return respond(shareAcknowledge, { acquisitionLockTimeoutMs: lockDurationMs, responses });
  } catch (error) {
    return respond(shareAcknowledge, problemOf(error));
  }
});

/** Refuses what is not of a share group's member. */
function checkAsked(
  { groupId, memberId, shareSessionEpoch }: Pick<FetchRequest, 'groupId' | 'memberId' | 'shareSessionEpoch'>,
  { core }: RequestContext,
) {
  const isOn = core.settings['group.coordinator.rebalance.protocols'].split(',').includes('share');
  if (!isOn || !finalizedLevels(core.metadata).has('share.version')) {
    throw new MillraceError('UNSUPPORTED_VERSION', 'Share groups are disabled.');
  }
  if (!groupId || !memberId) throw invalid('A group and a member must be named.');
  if (!(core.groups.get(groupId)?.protocol instanceof ShareGroup)) {
    throw new MillraceError('GROUP_ID_NOT_FOUND', `Share group ${groupId} not found.`);
  }
  return { groupId, memberId, shareSessionEpoch };
}

// ── Acknowledging ─────────────────────────────────────────────────────────────────────────────────────────────────

type Acknowledging = readonly { readonly key: PartitionKey; readonly batches: readonly AcknowledgedBatch[] }[];

function withAcknowledgements(topics: Topics): Acknowledging {
  return topics.flatMap(({ topicId, partitions }) =>
    partitions
      .filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
      .map(({ partitionIndex, acknowledgementBatches }) => ({
        key: partitionKey(topicId, partitionIndex),
        batches: acknowledgementBatches,
      })),
  );
}

/** Each partition by itself; resolves when what was taken is durable. */
async function acknowledgeAll(
  context: RequestContext,
  { groupId, memberId }: ShareSession,
  acknowledging: Acknowledging,
  isRenewal: boolean,
): Promise<Map<PartitionKey, Problem>> {
  const { core } = context;
  const mayRenew = isRenewal && core.shares.settingsOf(groupId).allowsRenewal;
  const answers = acknowledging.map(async ({ key, batches }): Promise<[PartitionKey, Problem]> => {
    const [topicId, index] = [topicIdOf(key), indexOf(key)];
    try {
      checkBatches(batches, mayRenew);
      const topic = core.topics.byId(topicId);
      if (topic !== undefined && !mayFetch(context, topic.name)) throw DENIED;
      if (topic?.partitions[index] === undefined) throw unknown(topic !== undefined);
      const partition = core.shares.find(groupId, topicId, index);
      if (partition === undefined) throw new MillraceError('INVALID_RECORD_STATE', 'Nothing of it was acquired.');
      partition.acknowledge(memberId, batches);
    } catch (error) {
      return [key, problemOf(error)];
    }
    const errorCode = await core.shares.stored(groupId, topicId, index);
    return [key, { errorCode, errorMessage: null }];
  });
  return new Map(await Promise.all(answers));
}

function checkBatches(batches: readonly AcknowledgedBatch[], mayRenew: boolean): void {
  let next = 0;
  for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
    const count = lastOffset - firstOffset + 1;
    const isCounted = acknowledgeTypes.length === 1 || acknowledgeTypes.length === count;
    if (count < 1 || firstOffset < 0 || !isCounted) throw invalid('');
    for (const type of acknowledgeTypes) {
      if (type < AcknowledgeType.gap || type > LAST_TYPE) throw invalid('');
      if (type === AcknowledgeType.renew && !mayRenew) throw invalid('');
    }
    if (firstOffset < next) {
      throw new MillraceError('INVALID_RECORD_STATE', 'The offset cannot be acknowledged. The offset is not acquired.');
    }
    next = lastOffset + 1;
  }
}

// ── Fetching ──────────────────────────────────────────────────────────────────────────────────────────────────────

function fetchAll(
  request: FetchRequest,
  context: RequestContext,
  session: ShareSession,
): Promise<Map<PartitionKey, Fetched>> {
  const fetched = readAll(request, context, session);
  if (fetched.size > 0 || request.maxWaitMs <= 0) return Promise.resolve(fetched);
  return new Promise((resolve) => {
    new ParkedShareFetch(request, context, session, resolve).park();
  });
}

/** What there is for the member now: partitions with records, and those that have a problem. */
function readAll(request: FetchRequest, context: RequestContext, session: ShareSession): Map<PartitionKey, Fetched> {
  const { core } = context;
  const { groupId, memberId, partitions } = session;
  const { readsCommitted } = core.shares.settingsOf(groupId);
  const isExact = request.shareAcquireMode === ShareAcquireMode.recordLimit;
  const found = new Map<PartitionKey, Fetched>();
  let maxBytes = Math.min(request.maxBytes, core.settings['fetch.max.bytes']);
  let maxRecords = request.maxRecords;
  for (const key of [...partitions]) {
    const topic = core.topics.byId(topicIdOf(key));
    const partition = topic?.partitions[indexOf(key)];
    const isDenied = topic !== undefined && !mayFetch(context, topic.name);
    const failure = isDenied ? DENIED : partition === undefined ? unknown(topic !== undefined) : failureOf(partition);
    if (partition === undefined || failure !== undefined) {
      found.set(key, answerOf(key, problemOf(failure)));
      continue;
    }
    if (maxRecords <= 0) continue;
    let read: ShareRead;
    try {
      const state = core.shares.read(groupId, partition, topicIdOf(key));
      const atLeastOne = maxBytes === Math.min(request.maxBytes, core.settings['fetch.max.bytes']);
      read = readShared(state, partition, memberId, { maxRecords, isExact, maxBytes, atLeastOne, readsCommitted });
    } catch (error) {
      partition.readFailed(error);
      found.set(key, answerOf(key, problemOf(error)));
      continue;
    }
    if (read.acquired.length === 0) continue;
    found.set(key, { ...answerOf(key, FINE), records: read.records, acquiredRecords: read.acquired });
    maxBytes = Math.max(0, maxBytes - read.records.length);
    maxRecords -= read.acquired.reduce((sum, { firstOffset, lastOffset }) => sum + lastOffset - firstOffset + 1, 0);
    // Others have their turn before it.
    partitions.delete(key);
    partitions.add(key);
  }
  return found;
}

/** A fetch that waits for records, and for those that others give back. */
class ParkedShareFetch implements Reader {
  readonly #request: FetchRequest;
  readonly #context: RequestContext;
  readonly #session: ShareSession;
  readonly #resolve: (fetched: Map<PartitionKey, Fetched>) => void;
  #stops: (() => void)[] = [];
  #isDone = false;
  #isChecking = false;

  constructor(
    request: FetchRequest,
    context: RequestContext,
    session: ShareSession,
    resolve: (fetched: Map<PartitionKey, Fetched>) => void,
  ) {
    this.#request = request;
    this.#context = context;
    this.#session = session;
    this.#resolve = resolve;
  }

  park(): void {
    const { core, onClose } = this.#context;
    const lost = (): void => this.#finish(new Map());
    onClose.add(lost);
    this.#stops = [
      () => onClose.delete(lost),
      core.environment.after(this.#request.maxWaitMs, () => this.#finish(new Map())),
    ];
    for (const key of this.#session.partitions) this.#watch(topicIdOf(key), indexOf(key));
  }

  #watch(topicId: string, index: number): void {
    const { core } = this.#context;
    const partition = core.topics.byId(topicId)?.partitions[index];
    partition?.watch(this);
    const state = core.shares.find(this.#session.groupId, topicId, index);
    const again = (): void => {
      this.advanced();
      if (!this.#isDone && state !== undefined) this.#stops.push(state.whenAvailable(again));
    };
    this.#stops.push(() => partition?.unwatch(this));
    if (state !== undefined) this.#stops.push(state.whenAvailable(again));
  }

  /** Several things happen in one round: they are looked at together, once the round is over. */
  advanced(): void {
    if (this.#isChecking || this.#isDone) return;
    this.#isChecking = true;
    this.#context.core.environment.afterThis(() => {
      this.#isChecking = false;
      if (this.#isDone) return;
      const fetched = readAll(this.#request, this.#context, this.#session);
      if (fetched.size > 0) this.#finish(fetched);
    });
  }

  #finish(fetched: Map<PartitionKey, Fetched>): void {
    if (this.#isDone) return;
    this.#isDone = true;
    for (const stop of this.#stops) stop();
    this.#resolve(fetched);
  }
}

function answerOf(key: PartitionKey, { errorCode, errorMessage }: Problem): Fetched {
  return {
    partitionIndex: indexOf(key),
    errorCode,
    errorMessage,
    acknowledgeErrorCode: ErrorCode.NONE,
    acknowledgeErrorMessage: null,
    currentLeader: NO_LEADER,
    records: NO_RECORDS,
    acquiredRecords: [],
  };
}

function failureOf(partition: Partition): MillraceError | undefined {
  if (partition.failure === ErrorCode.NONE) return undefined;
  const name = Object.entries(ErrorCode).find(([, code]) => code === partition.failure)?.[0] ?? 'UNKNOWN_SERVER_ERROR';
  return new MillraceError(name, '');
}

function unknown(isTopicKnown: boolean): MillraceError {
  return new MillraceError(isTopicKnown ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'UNKNOWN_TOPIC_ID', '');
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_REQUEST', message);
}

/** An error without a message of its own is told by its code. */
function problemOf(error: unknown): Problem {
  const message = messageOf(error);
  return { errorCode: errorCodeOf(error), errorMessage: message === '' ? null : message };
}
