/**
 * Produce: batches of format 2 into logs; answered when they are as durable as `acks` asks for.
 *
 * * 0–2 are offered, because older librdkafka turns compression off without them, and refused with UNSUPPORTED_VERSION. 3: record
 *   batches and transactions. 7: zstd. 8: what is wrong is said per record. 13: topics by id.
 * * A batch is checked whole before any of it is taken (record-validation.ts): its CRC, its records to the last header, offsets,
 *   times and sizes, the sequence of its producer, its transaction. The largest timestamp in its header is recomputed. `acks` 0 is not answered; 1 and -1 wait for the same, as there is one replica:
 *   what is acknowledged is as durable as `durability` says, and can be read.
 *
 * Not done: message formats 0 and 1; throttling.
 */
import {
  batchHeader,
  ErrorCode,
  produce,
  type RequestOf,
  type ResponseOf,
  TRANSACTIONAL,
} from '../../protocol/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import type { RequestContext } from '../core.ts';
import type { Partition } from '../partition.ts';
import { type RecordProblem, type RecordSchemas, type SchemaCheck, wantedSchemas } from '../record-schemas.ts';
import {
  endlessTurn,
  newTurnBudget,
  newUnpackBudget,
  type TurnBudget,
  validateBatch,
  type Validated,
  validateLargeBatch,
} from '../record-validation.ts';
import type { Topic } from '../topics.ts';
import { on } from './handler.ts';
import { findTopic } from './topic-reference.ts';

type Request = RequestOf<typeof produce>;
type Response = ResponseOf<typeof produce>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type PartitionAnswer = Mutable<Response['responses'][number]['partitionResponses'][number]>;

/** The oldest version with record batches of format 2. */
const OLDEST_VERSION = 3;
const NO_LEADER: PartitionAnswer['currentLeader'] = { leaderId: -1, leaderEpoch: -1 };

/** Refusals of a producer, whose records are read by then. */
const TOLD_WITH_START: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_TIMESTAMP,
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
]);

/** What a request has for one partition, and the answer to it. */
interface Part {
  readonly topic: Topic;
  readonly partition: Partition;
  records: Buffer | null;
  readonly answer: PartitionAnswer;
}

/** The life of a produce: check, append, and answer when the durability that was asked for is reached. */
export const handleProduce = on(produce, (request, context) => {
  if (context.version < OLDEST_VERSION) {
    throw new MillraceError('UNSUPPORTED_VERSION', `Produce before version ${OLDEST_VERSION} is not supported.`);
  }
  const production = new Production(request, context);
  if (production.take(context.hold === undefined ? endlessTurn() : newTurnBudget())) return production.answered();
  production.keep();
  const release = context.hold?.();
  return production
    .takeInTurns()
    .finally(() => release?.())
    .then(() => production.answered());
});

/** One request: its parts are taken in their order, and answered together. */
class Production {
  readonly #request: Request;
  readonly #context: RequestContext;
  readonly #parts: readonly Part[];
  readonly #response: Response;
  readonly #waiting: {
    readonly partition: Partition;
    readonly lastOffset: number;
    readonly answer: PartitionAnswer;
  }[] = [];
  readonly #budget = newUnpackBudget();
  /** The part whose turn it is. */
  #next = 0;

  constructor(request: Request, context: RequestContext) {
    this.#request = request;
    this.#context = context;
    const parts: Part[] = [];
    const responses = request.topicData.map(({ name, topicId, partitionData }) => {
      const found = findTopic(context.core, name, topicId);
      return {
        name: found.topic?.name ?? name,
        topicId: found.topic?.id ?? topicId,
        partitionResponses: partitionData.map(({ index, records }) => {
          const partition = found.topic?.partitions[index];
          if (partition === undefined) {
            return failed(index, found.topic === undefined ? found.errorCode : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
          }
          if (![0, 1, -1].includes(request.acks)) return failed(index, ErrorCode.INVALID_REQUIRED_ACKS);
          const answer = failed(index, ErrorCode.NONE);
          parts.push({ topic: found.topic!, partition, records, answer });
          return answer;
        }),
      };
    });
    this.#parts = parts;
    this.#response = { responses, throttleTimeMs: 0, nodeEndpoints: [] };
  }

  /** Takes parts for a turn; true when all are taken, false when others should have their turn before the next one. */
  take(turn: TurnBudget): boolean {
    const { version, core } = this.#context;
    const now = core.environment.now();
    for (; this.#next < this.#parts.length; this.#next++) {
      const part = this.#parts[this.#next]!;
      if (!isWelcome(part)) continue;
      const { records, topic } = part;
      if (wantedSchemas(topic.settings) !== undefined) return false;
      const validated = validateBatch(records!, topic.settings, { version, now, budget: this.#budget, turn });
      if (validated === undefined) return false;
      this.#append(part, validated);
    }
    return true;
  }

  /** Makes the rest outlive the turn: its memory is the connection's. */
  keep(): void {
    for (const part of this.#parts.slice(this.#next)) part.records = part.records && Buffer.from(part.records);
  }

  /** Takes the rest: a batch that is more than a turn allows beside the event loop, what follows in new turns. */
  async takeInTurns(): Promise<void> {
    const { version, core } = this.#context;
    const { environment, turns } = core;
    do {
      const part = this.#parts[this.#next++]!;
      const { records, topic } = part;
      const budget = this.#budget;
      const validating = validateLargeBatch(records!, topic.settings, { version, environment, turns, budget });
      const wanted = wantedSchemas(topic.settings);
      if (wanted === undefined) this.#append(part, await validating);
      else await this.#appendChecked(part, validating, wanted);
    } while (!this.take(this.#context.hold === undefined ? endlessTurn() : newTurnBudget()));
  }

  answered(): Response | Promise<Response> {
    const response = this.#response;
    if (this.#request.acks === 0 || this.#waiting.length === 0) return response;
    return new Promise<Response>((resolve) => {
      let left = this.#waiting.length;
      for (const { partition, lastOffset, answer } of this.#waiting) {
        partition.whenDurable(lastOffset, (errorCode) => {
          if (errorCode !== ErrorCode.NONE) {
            answer.errorCode = errorCode;
            answer.baseOffset = -1;
          }
          if (--left === 0) resolve(response);
        });
      }
    });
  }

  /** Whoever knows schemas is asked beside the event loop; batches of a partition stay in their order meanwhile. */
  async #appendChecked(
    part: Part,
    validating: Promise<Validated>,
    wanted: Pick<SchemaCheck, 'keys' | 'values'>,
  ): Promise<void> {
    const { recordSchemas } = this.#context.core;
    const checked = validating.then((validated) => withSchemas(validated, part.topic.name, wanted, recordSchemas));
    await part.partition.inTurn(async () => this.#append(part, await checked));
  }

  #append(part: Part, validated: Validated): void {
    const { answer, partition } = part;
    const lastOffset = append(this.#request, this.#context, part, validated);
    if (lastOffset >= 0) this.#waiting.push({ partition, lastOffset, answer });
  }
}

/** A batch whose records are what their schemas say, or why they are not. */
async function withSchemas(
  validated: Validated,
  topic: string,
  wanted: Pick<SchemaCheck, 'keys' | 'values'>,
  schemas: RecordSchemas | undefined,
): Promise<Validated> {
  if (!validated.ok) return validated;
  const refused = (errorCode: number, message: string, recordErrors: readonly RecordProblem[] = []): Validated => ({
    ok: false,
    errorCode,
    message,
    recordErrors,
  });
  if (schemas === undefined) return refused(ErrorCode.INVALID_RECORD, 'no registry is at hand to check records with');
  try {
    const problems = await schemas.check({ topic, ...wanted, batch: validated.batch });
    if (problems.length === 0) return validated;
    const { batchIndex, batchIndexErrorMessage } = problems[0]!;
    const what = `record ${batchIndex} of the batch is not of a schema of topic '${topic}': ${batchIndexErrorMessage}`;
    return refused(ErrorCode.INVALID_RECORD, what, problems);
  } catch (error) {
    return refused(ErrorCode.REQUEST_TIMED_OUT, `the registry can't be asked now: ${messageOf(error)}`);
  }
}

/** What can be refused before the records are looked at; the answer says why. */
function isWelcome({ topic, records, answer }: Part): boolean {
  if (topic.isInternal)
    return refuse(answer, ErrorCode.INVALID_TOPIC_EXCEPTION, 'internal topics are written by the broker');
  if (records === null || records.length === 0) return refuse(answer, ErrorCode.INVALID_RECORD, 'there are no records');
  return true;
}

function refuse(answer: PartitionAnswer, errorCode: number, message: string | null): false {
  answer.errorCode = errorCode;
  answer.errorMessage = message;
  return false;
}

/** Fills in the answer; returns the last offset that has to be durable before it is given, or -1. */
function append(
  request: Request,
  context: RequestContext,
  { topic, partition, answer }: Part,
  validated: Validated,
): number {
  const { core } = context;
  const refused = (errorCode: number, message: string | null = null): number => {
    refuse(answer, errorCode, message);
    // What is wrong with the records is told with where the log begins, as Kafka does.
    if (TOLD_WITH_START.has(errorCode) || answer.recordErrors.length > 0) {
      answer.logStartOffset = partition.log.startOffset;
    }
    return -1;
  };
  if (!validated.ok) {
    answer.recordErrors = validated.recordErrors;
    return refused(validated.errorCode, validated.message);
  }
  const { batch } = validated;
  const denied = admit(context, request.transactionalId, batch, topic, partition);
  if (denied !== ErrorCode.NONE) {
    refuse(answer, denied, 'the records are of no transaction that is known to write here');
    return -1;
  }
  const stamps = topic.settings['message.timestamp.type'] === 'LogAppendTime';
  const appendTime = stamps ? core.environment.now() : -1;
  const result = partition.append(batch, appendTime);
  if (result.kind === 'refused') return refused(result.errorCode, result.reason);
  answer.baseOffset = result.baseOffset;
  answer.logAppendTimeMs = result.kind === 'duplicate' ? result.timestamp : appendTime;
  answer.logStartOffset = partition.log.startOffset;
  return result.lastOffset;
}

/** Records of a transaction are taken only where their transaction is known to write. */
function admit(
  { core, version }: RequestContext,
  transactionalId: string | null,
  batch: Buffer,
  topic: Topic,
  partition: Partition,
): number {
  if ((batchHeader.attributes(batch) & TRANSACTIONAL) === 0) return ErrorCode.NONE;
  if (transactionalId === null) return ErrorCode.INVALID_RECORD;
  const producerId = batchHeader.producerId(batch);
  const epoch = batchHeader.producerEpoch(batch);
  const place = { topic: topic.name, partition: partition.index };
  return core.transactions.admit(transactionalId, producerId, epoch, place, version);
}

function failed(index: number, errorCode: number, errorMessage: string | null = null): Mutable<PartitionAnswer> {
  return {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage,
    currentLeader: NO_LEADER,
  };
}
