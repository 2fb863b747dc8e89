/**
 * Fetch: records of partitions, as views of the log's own bytes.
 *
 * * 4: isolation and aborted transactions; with read_committed up to the last stable offset. 5: where logs begin. 9: the leader's
 *   epoch is checked. 13: topics by id, UNKNOWN_TOPIC_ID for others.
 * * Waits until `minBytes` are there or `maxWaitMs` have passed. The first batch comes whole, however large (KIP-74).
 * * 7: sessions, in which requests and answers have only what is new (KIP-227, fetch-sessions.ts).
 *
 * Not done: followers and their epochs (DIVERGING_EPOCH), tiered storage, throttling.
 */
import { batchHeader, ErrorCode, fetch, type RequestOf, type ResponseOf } from '../../protocol/index.ts';
import type { BufferPool } from '../../util/index.ts';
import type { RequestContext } from '../core.ts';
import type { Partition, Reader } from '../partition.ts';
import type { Topic } from '../topics.ts';
import { mayFetch } from './access/topics.ts';
import { errorCodeOf } from './error-code.ts';
import { on } from './handler.ts';
import { findTopic } from './topic-reference.ts';

type Request = RequestOf<typeof fetch>;
type Response = ResponseOf<typeof fetch>;
type PartitionAnswer = Response['responses'][number]['partitions'][number];

const NO_EPOCH: PartitionAnswer['divergingEpoch'] = { epoch: -1, endOffset: -1 };
const NO_LEADER: PartitionAnswer['currentLeader'] = { leaderId: -1, leaderEpoch: -1 };
const NO_SNAPSHOT: PartitionAnswer['snapshotId'] = { endOffset: -1, epoch: -1 };
const NO_RECORDS = Buffer.alloc(0);
/** The first version that names topics by id. */
const FIRST_WITH_IDS = 13;

interface Wanted {
  readonly topicName: string;
  readonly topicId: string;
  readonly topic: Topic | undefined;
  readonly topicError: number;
  readonly partitions: Request['topics'][number]['partitions'];
}

/**
 * The life of a fetch: read what is there, up to the high watermark or the last stable offset. When that is less than
 * `minBytes` the fetch is parked; it holds no data meanwhile, and reads again when a partition has advanced. In a session the
 * request is what the client and the broker agreed on, and the answer what of it is new.
 */
export const handleFetch = on(fetch, (request, context) => {
  const scope = context.core.fetchSessions.scopeOf(request, context.version >= FIRST_WITH_IDS);
  if (scope.refusal !== undefined) return { ...emptyResponse(), errorCode: scope.refusal };
  const response = read({ ...request, topics: scope.topics }, context);
  return response instanceof Promise ? response.then(scope.answer) : scope.answer(response);
});

function read(request: Request, context: RequestContext): Response | Promise<Response> {
  const wanted = request.topics.map(({ topic: name, topicId, partitions }): Wanted => {
    const found = findTopic(context.core, name, topicId);
    const topicName = found.topic?.name ?? name;
    // An id that nothing has tells nobody anything.
    const isDenied = topicName !== '' && !mayFetch(context, topicName);
    const notFound = found.topic === undefined ? found.errorCode : ErrorCode.NONE;
    return {
      topicName,
      topicId: found.topic?.id ?? topicId,
      topic: isDenied ? undefined : found.topic,
      topicError: isDenied ? ErrorCode.TOPIC_AUTHORIZATION_FAILED : notFound,
      partitions,
    };
  });
  const attempt = readAll(request, context, wanted);
  if (attempt.isFinal || attempt.bytes >= request.minBytes || request.maxWaitMs <= 0) return attempt.response;
  giveBack(attempt.response, context.core.memory);
  return new Promise<Response>((resolve) => {
    new ParkedFetch(request, context, wanted, resolve).park();
  });
}

/** A fetch that waits in the partitions that it reads from. */
class ParkedFetch implements Reader {
  readonly #request: Request;
  readonly #context: RequestContext;
  readonly #wanted: readonly Wanted[];
  readonly #resolve: (response: Response) => void;
  readonly #watched: Partition[] = [];
  #cancelTimer: () => void = () => {};
  #isDone = false;
  #isChecking = false;

  constructor(
    request: Request,
    context: RequestContext,
    wanted: readonly Wanted[],
    resolve: (response: Response) => void,
  ) {
    this.#request = request;
    this.#context = context;
    this.#wanted = wanted;
    this.#resolve = resolve;
  }

  park(): void {
    for (const { topic, partitions } of this.#wanted) {
      for (const { partition: index } of partitions) {
        const partition = topic?.partitions[index];
        if (partition === undefined) continue;
        partition.watch(this);
        this.#watched.push(partition);
      }
    }
    this.#cancelTimer = this.#context.core.environment.after(this.#request.maxWaitMs, () => this.#finish());
    this.#context.onClose.add(this.#leave);
  }

  /** Waits for nothing any more. */
  readonly #leave = (): void => {
    this.#isDone = true;
    this.#cancelTimer();
    for (const partition of this.#watched) partition.unwatch(this);
    this.#context.onClose.delete(this.#leave);
  };

  /** Several partitions advance in one round: they are looked at together, once the round is over. */
  advanced(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    this.#context.core.environment.afterThis(() => {
      this.#isChecking = false;
      if (this.#isDone) return;
      const attempt = readAll(this.#request, this.#context, this.#wanted);
      if (attempt.isFinal || attempt.bytes >= this.#request.minBytes) this.#finish(attempt.response);
      else giveBack(attempt.response, this.#context.core.memory);
    });
  }

  #finish(response = readAll(this.#request, this.#context, this.#wanted).response): void {
    this.#leave();
    this.#resolve(response);
  }
}

/** Nobody looks any more at the records of an answer, which the logs have lent. */
export function giveBack({ responses }: Response, memory: BufferPool): void {
  for (const { partitions } of responses) {
    for (const { records } of partitions) if (records !== null && records.length > 0) memory.give(records);
  }
}

interface Attempt {
  readonly response: Response;
  readonly bytes: number;
  /** True when waiting can't improve it: an error is answered at once. */
  readonly isFinal: boolean;
}

function readAll(request: Request, context: RequestContext, wanted: readonly Wanted[]): Attempt {
  let left = Math.min(request.maxBytes, context.core.settings['fetch.max.bytes']);
  let bytes = 0;
  let isFinal = false;
  const responses = wanted.map(({ topicName, topicId, topic, topicError, partitions }) => ({
    topic: topicName,
    topicId,
    partitions: partitions.map((part) => {
      const partition = topic?.partitions[part.partition];
      const errorCode =
        partition === undefined
          ? topicError || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          : problemWith(partition, part.currentLeaderEpoch, part.fetchOffset);
      if (partition === undefined || errorCode !== ErrorCode.NONE) {
        isFinal = true;
        return answer(part.partition, errorCode, partition);
      }
      const limit = partition.limitFor(request.isolationLevel);
      const maxBytes = Math.min(left, part.partitionMaxBytes);
      let records: Buffer | undefined;
      try {
        // The very first batch is sent even when it is larger than all limits: else a reader would be stuck before it.
        records = partition.log.read(part.fetchOffset, limit, maxBytes, bytes === 0);
      } catch (error) {
        isFinal = true;
        partition.readFailed(error);
        return answer(part.partition, errorCodeOf(error), partition);
      }
      if (records === undefined) {
        const abortedTransactions = request.isolationLevel === 0 ? null : [];
        return { ...answer(part.partition, ErrorCode.NONE, partition), abortedTransactions };
      }
      bytes += records.length;
      left = Math.max(0, left - records.length);
      return {
        ...answer(part.partition, ErrorCode.NONE, partition),
        abortedTransactions:
          request.isolationLevel === 0 ? null : partition.log.aborted.between(part.fetchOffset, endOfBatches(records)),
        records,
      };
    }),
  }));
  return { response: { ...emptyResponse(), responses }, bytes, isFinal };
}

/** The offset behind the last batch. */
function endOfBatches(records: Buffer): number {
  let at = 0;
  let last = 0;
  while (at < records.length) {
    last = at;
    at += batchHeader.sizeInBytes(records, at);
  }
  return batchHeader.lastOffset(records, last) + 1;
}

function problemWith(partition: Partition, leaderEpoch: number, offset: number): number {
  if (partition.failure !== ErrorCode.NONE) return partition.failure;
  const epoch = checkLeaderEpoch(partition, leaderEpoch);
  if (epoch !== ErrorCode.NONE) return epoch;
  const isOutside = offset < partition.log.startOffset || offset > partition.log.endOffset;
  return isOutside ? ErrorCode.OFFSET_OUT_OF_RANGE : ErrorCode.NONE;
}

/** A client that knows an older or a newer leader than there is has to look again. -1: it does not know any. */
export function checkLeaderEpoch(partition: Partition, leaderEpoch: number): number {
  if (leaderEpoch < 0 || leaderEpoch === partition.log.leaderEpoch) return ErrorCode.NONE;
  return leaderEpoch < partition.log.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
}

function answer(partitionIndex: number, errorCode: number, partition: Partition | undefined): PartitionAnswer {
  const isKnown = partition !== undefined && errorCode === ErrorCode.NONE;
  return {
    partitionIndex,
    errorCode,
    highWatermark: isKnown ? partition.highWatermark : -1,
    lastStableOffset: isKnown ? partition.lastStableOffset : -1,
    logStartOffset: isKnown ? partition.log.startOffset : -1,
    divergingEpoch: NO_EPOCH,
    currentLeader: NO_LEADER,
    snapshotId: NO_SNAPSHOT,
    abortedTransactions: partition === undefined ? [] : null,
    preferredReadReplica: -1,
    records: NO_RECORDS,
  };
}

function emptyResponse(): Response {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId: 0, responses: [], nodeEndpoints: [] };
}
