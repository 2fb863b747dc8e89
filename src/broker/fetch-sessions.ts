/**
 * Incremental fetches (KIP-227). A consumer of many partitions need not name all of them in each request, nor be told of those
 * where nothing has happened: the broker remembers per session what is fetched and what was answered last.
 *
 * The life of a session: a full fetch with epoch 0 begins one, and its answer has the session's id. Each further request names
 * that id, the next epoch, partitions that are new or whose position has moved, and those that are not wanted any more. It is
 * carried out for all partitions of the session; the answer has those with records, an error, or another watermark. A session
 * ends when its client says so, when it has no partitions left, or when others need its place and it was not used for long.
 */
import { ErrorCode, type fetch, type RequestOf, type ResponseOf } from '../protocol/index.ts';
import type { Environment } from '../util/index.ts';
import { ENTRY_BYTES, textBytes } from './memory-size.ts';

type Request = RequestOf<typeof fetch>;
type Response = ResponseOf<typeof fetch>;
type WantedPartition = Request['topics'][number]['partitions'][number];
type AnsweredPartition = Response['responses'][number]['partitions'][number];

/** The request begins a session, or ends one. */
const INITIAL_EPOCH = 0;
/** The request belongs to none. */
const FINAL_EPOCH = -1;
const LAST_EPOCH = 0x7fffffff;
const NO_SESSION = 0;
/** A session that was not used for so long gives its place to others. */
const IDLE_MS = 120_000;
const UNKNOWN = -1;
/** What a partition of a session takes beside its name: two objects, and its place in a map. */
const FOLLOWED_BYTES = 2 * ENTRY_BYTES;

/** What to read for a request, and how what was read becomes its answer. */
export type FetchScope =
  | { readonly refusal: number }
  | {
      readonly refusal?: undefined;
      readonly topics: Request['topics'];
      /** Turns an answer about all of `topics` into that of the request. */
      readonly answer: (response: Response) => Response;
    };

/** A partition of a session. */
interface Followed {
  readonly topic: string;
  readonly topicId: string;
  wanted: WantedPartition;
  /** As they were answered last; -1: they are to be answered. */
  highWatermark: number;
  logStartOffset: number;
}

interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** Those that were given records go to the end: with limits on an answer's size all have their turn. */
  readonly partitions: Map<string, Followed>;
  epoch: number;
  usedAt: number;
  /** About what it takes of memory. */
  bytes: number;
}

/** How much there may be of sessions. */
export interface SessionLimits {
  /** How many. */
  readonly slots: () => number;
  /** Whether so many bytes more may be kept. */
  readonly admits: (bytes: number) => boolean;
}

/** The sessions of all clients. */
export class FetchSessions {
  readonly #environment: Environment;
  readonly #limits: SessionLimits;
  /** Those that were used longest ago first. */
  readonly #sessions = new Map<number, Session>();

  #bytes = 0;

  constructor(environment: Environment, limits: SessionLimits) {
    this.#environment = environment;
    this.#limits = limits;
  }

  /** About what all sessions take of memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** What a request is about; `usesTopicIds`: it names topics by their ids. */
  scopeOf(request: Request, usesTopicIds: boolean): FetchScope {
    const { sessionId, sessionEpoch, topics } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#end(this.#sessions.get(sessionId));
      if (sessionEpoch === FINAL_EPOCH) return { topics, answer: (response) => response };
      return {
        topics,
        answer: (response) => ({ ...response, sessionId: this.#begin(topics, response, usesTopicIds) }),
      };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { refusal: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch) return { refusal: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== usesTopicIds) return { refusal: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR };
    // Without a session, requests are answered all the same.
    const added = bytesOfNew(session, topics);
    if (added > 0 && !this.#limits.admits(added)) {
      this.#end(session);
      return { refusal: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    }
    this.#use(session);
    const before = session.bytes;
    update(session, request);
    this.#bytes += session.bytes - before;
    if (session.partitions.size === 0) {
      this.#end(session);
      return { topics: [], answer: (response) => response };
    }
    session.epoch = session.epoch === LAST_EPOCH ? 1 : session.epoch + 1;
    return { topics: grouped(session.partitions.values()), answer: (response) => changesIn(session, response) };
  }

  #use(session: Session): void {
    session.usedAt = this.#environment.now();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** The id of a new session, or of none where there is no place for one. */
  #begin(topics: Request['topics'], response: Response, usesTopicIds: boolean): number {
    if (!this.#hasRoom() || !this.#limits.admits(bytesOf(topics))) return NO_SESSION;
    const session: Session = {
      id: this.#newId(),
      usesTopicIds,
      partitions: new Map(),
      epoch: 1,
      usedAt: this.#environment.now(),
      bytes: 0,
    };
    for (const { topic, topicId, partitions } of topics) {
      for (const wanted of partitions) follow(session, topic, topicId, wanted);
    }
    note(session, response);
    this.#sessions.set(session.id, session);
    this.#bytes += session.bytes;
    return session.id;
  }

  #hasRoom(): boolean {
    if (this.#sessions.size < this.#limits.slots()) return true;
    const [oldest] = this.#sessions.values();
    if (oldest === undefined || this.#environment.now() - oldest.usedAt < IDLE_MS) return false;
    this.#end(oldest);
    return true;
  }

  #end(session: Session | undefined): void {
    if (session === undefined) return;
    this.#sessions.delete(session.id);
    this.#bytes -= session.bytes;
  }

  #newId(): number {
    for (;;) {
      const id = this.#environment.randomBytes(4).readInt32BE() & LAST_EPOCH;
      if (id !== NO_SESSION && !this.#sessions.has(id)) return id;
    }
  }
}

function keyOf({ usesTopicIds }: Session, topic: string, topicId: string, partition: number): string {
  return usesTopicIds ? `${topicId}/${partition}` : `${topic}/${partition}`;
}

function follow(session: Session, topic: string, topicId: string, wanted: WantedPartition): void {
  const key = keyOf(session, topic, topicId, wanted.partition);
  const followed = session.partitions.get(key);
  if (followed === undefined) {
    session.partitions.set(key, { topic, topicId, wanted, highWatermark: UNKNOWN, logStartOffset: UNKNOWN });
    session.bytes += FOLLOWED_BYTES + textBytes(key);
  } else followed.wanted = wanted;
}

/** Takes over what a request adds, moves and forgets. */
function update(session: Session, { topics, forgottenTopicsData }: Request): void {
  for (const { topic, topicId, partitions } of topics) {
    for (const wanted of partitions) follow(session, topic, topicId, wanted);
  }
  for (const { topic, topicId, partitions } of forgottenTopicsData) {
    for (const partition of partitions) {
      const key = keyOf(session, topic, topicId, partition);
      if (session.partitions.delete(key)) session.bytes -= FOLLOWED_BYTES + textBytes(key);
    }
  }
}

/** About what partitions take that are followed. */
function bytesOf(topics: Request['topics']): number {
  return topics.reduce(
    (sum, { topic, partitions }) => sum + partitions.length * (FOLLOWED_BYTES + textBytes(topic)),
    0,
  );
}

/** The same of those that are not followed yet. */
function bytesOfNew(session: Session, topics: Request['topics']): number {
  let sum = 0;
  for (const { topic, topicId, partitions } of topics) {
    for (const { partition } of partitions) {
      const key = keyOf(session, topic, topicId, partition);
      if (!session.partitions.has(key)) sum += FOLLOWED_BYTES + textBytes(key);
    }
  }
  return sum;
}

/** As a request that names them all. */
function grouped(partitions: Iterable<Followed>): Request['topics'] {
  const topics: { topic: string; topicId: string; partitions: WantedPartition[] }[] = [];
  for (const { topic, topicId, wanted } of partitions) {
    const last = topics.at(-1);
    if (last !== undefined && last.topic === topic && last.topicId === topicId) last.partitions.push(wanted);
    else topics.push({ topic, topicId, partitions: [wanted] });
  }
  return topics;
}

/** The part of an answer that says something new. */
function changesIn(session: Session, response: Response): Response {
  const responses = response.responses
    .map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.filter((answered) => noteOne(session, topic, topicId, answered)),
    }))
    .filter(({ partitions }) => partitions.length > 0);
  return { ...response, sessionId: session.id, responses };
}

function note(session: Session, { responses }: Response): void {
  for (const { topic, topicId, partitions } of responses) {
    for (const answered of partitions) noteOne(session, topic, topicId, answered);
  }
}

/** Takes note of an answer; true when it says something new. */
function noteOne(session: Session, topic: string, topicId: string, answered: AnsweredPartition): boolean {
  const { partitionIndex, errorCode, highWatermark, logStartOffset, records } = answered;
  const key = keyOf(session, topic, topicId, partitionIndex);
  const followed = session.partitions.get(key);
  // Forgotten by a request behind this one.
  if (followed === undefined) return true;
  const hasRecords = records !== null && records.length > 0;
  const isNew =
    hasRecords ||
    errorCode !== ErrorCode.NONE ||
    followed.highWatermark !== highWatermark ||
    followed.logStartOffset !== logStartOffset;
  // An error is told until it is over, and then what holds is.
  followed.highWatermark = errorCode === ErrorCode.NONE ? highWatermark : UNKNOWN;
  followed.logStartOffset = errorCode === ErrorCode.NONE ? logStartOffset : UNKNOWN;
  if (hasRecords) {
    session.partitions.delete(key);
    session.partitions.set(key, followed);
  }
  return isNew;
}
