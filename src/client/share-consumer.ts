// A consumer in a share group (KIP-932): membership says where it reads, sessions with brokers bring records and take what has become
// of them. `poll` drives it; a fetch that is under way when its time is over brings its records to the next one.
import {
  AcknowledgeType,
  BatchCursor,
  ErrorCode,
  errorFor,
  isIntactBatch,
  batchHeader,
  needsMetadata,
} from '../protocol/index.ts';
import { deferred, MillraceError } from '../util/index.ts';
import { checkNames, checkPollTimeout, checkShareConsumerSettings } from './checks.ts';
import type { AcknowledgeAs, ShareCommit, ShareConsumer, ShareConsumerSettings, ShareRecord } from './client.ts';
import type { Cluster } from './cluster.ts';
import { recordsOf } from './records.ts';
import { type SharedPartition, ShareMembership } from './share-membership.ts';
import { type SharedAnswer, ShareSession } from './share-session.ts';

const DEFAULT_MAX_POLL_RECORDS = 500;
const DEFAULT_FETCH_MAX_BYTES = 52_428_800;
const DEFAULT_FETCH_MAX_WAIT_MS = 500;

const TYPES: Readonly<Record<AcknowledgeAs, number>> = {
  accept: AcknowledgeType.accept,
  release: AcknowledgeType.release,
  reject: AcknowledgeType.reject,
  renew: AcknowledgeType.renew,
};

let consumers = 0;

/** A record that was handed out and that nothing was said of. */
interface InHand {
  readonly record: ShareRecord;
  readonly partition: SharedPartition;
  readonly session: ShareSession;
}

export class KafkaShareConsumer implements ShareConsumer {
  readonly #cluster: Cluster;
  readonly #settings: ShareConsumerSettings;
  readonly #purpose: string;
  readonly #sessions = new Map<number, ShareSession>();
  readonly #fetching = new Map<number, Promise<void>>();
  #membership: ShareMembership | undefined;
  #topics: readonly string[] = [];
  #lockMs: number | undefined;
  /** Brought and not handed out yet. */
  #waiting: InHand[] = [];
  #inHand = new Map<ShareRecord, InHand>();
  /** Handed out before, and to be handed out once more. */
  #renewed: InHand[] = [];
  /** What has become of acknowledgements since the last commit. */
  #commits: ShareCommit[] = [];
  #arrived = deferred();
  #failure: unknown;
  #woken = false;
  #closed = false;

  constructor(cluster: Cluster, settings: ShareConsumerSettings) {
    checkShareConsumerSettings(settings);
    this.#cluster = cluster;
    this.#settings = settings;
    this.#purpose = `share-${consumers++}`;
  }

  get acquisitionLockTimeoutMs(): number | undefined {
    return this.#lockMs;
  }

  subscription(): readonly string[] {
    return this.#topics;
  }

  subscribe(topics: readonly string[]): void {
    checkNames('subscribe', topics);
    if (this.#membership !== undefined) throw invalid('the consumer is subscribed already');
    this.#topics = [...topics];
    this.#membership = new ShareMembership(this.#cluster, this.#purpose, this.#settings.groupId, topics);
  }

  async poll(timeoutMs: number): Promise<ShareRecord[]> {
    checkPollTimeout(timeoutMs);
    if (this.#closed) throw new MillraceError('CLIENT_CLOSED', 'the consumer has been closed');
    if (this.#membership === undefined) throw invalid('the consumer is not subscribed');
    this.#settle();
    if (this.#renewed.length > 0) {
      await Promise.all([...this.#sessions.values()].map((session) => session.commit()));
      return this.#handOut(this.#renewed.splice(0));
    }
    const { environment } = this.#cluster;
    const until = environment.now() + timeoutMs;
    for (;;) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      if (this.#waiting.length > 0) return this.#handOut(this.#waiting.splice(0));
      const arrived = this.#arrived.promise;
      await this.#fetchMore(this.#membership.assigned());
      if (this.#waiting.length > 0 || this.#failure !== undefined) continue;
      const leftMs = until - environment.now();
      if (leftMs <= 0 || this.#woken) {
        this.#woken = false;
        return [];
      }
      const timeout = deferred();
      const cancel = environment.after(leftMs, timeout.resolve);
      await Promise.race([arrived, this.#membership.changed, timeout.promise]);
      cancel();
    }
  }

  acknowledge(record: ShareRecord, as: AcknowledgeAs = 'accept'): void {
    if (!this.#isExplicit) throw invalid("acknowledge needs shareAcknowledgementMode: 'explicit'");
    if (!Object.hasOwn(TYPES, as)) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `acknowledge: one of ${Object.keys(TYPES).join(', ')}, not ${String(as)}`,
      );
    }
    const inHand = this.#inHand.get(record);
    if (inHand === undefined)
      throw invalid('the record is not one that the last poll has brought, or was acknowledged already');
    this.#inHand.delete(record);
    inHand.session.acknowledge(inHand.partition, record.offset, TYPES[as]);
    if (as === 'renew') this.#renewed.push(inHand);
  }

  async commit(): Promise<readonly ShareCommit[]> {
    if (!this.#isExplicit) this.#acceptAll();
    await Promise.all([...this.#sessions.values()].map((session) => session.commit()));
    return this.#commits.splice(0);
  }

  wakeup(): void {
    this.#woken = true;
    this.#tell();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await Promise.all([...this.#sessions.values()].map((session) => session.close()));
      await this.#membership?.leave();
    } finally {
      await this.#cluster.release(this.#purpose);
    }
  }

  get #isExplicit(): boolean {
    return this.#settings.shareAcknowledgementMode === 'explicit';
  }

  /** What the last poll has brought is accepted, or has to be acknowledged by now. */
  #settle(): void {
    if (!this.#isExplicit) return this.#acceptAll();
    if (this.#inHand.size === 0) return;
    throw invalid(
      `all records must be acknowledged before the next poll; ${this.#inHand.size} of the last one are not`,
    );
  }

  #acceptAll(): void {
    for (const { session, partition, record } of this.#inHand.values()) {
      session.acknowledge(partition, record.offset, AcknowledgeType.accept);
    }
    this.#inHand.clear();
  }

  #handOut(records: readonly InHand[]): ShareRecord[] {
    for (const each of records) this.#inHand.set(each.record, each);
    return records.map(({ record }) => record);
  }

  // ── Fetching ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a fetch with each broker that leads something, where none is under way. */
  async #fetchMore(assigned: readonly SharedPartition[]): Promise<void> {
    const leaders = await Promise.all(
      assigned.map(async (each) => [await this.#cluster.leader(each.topic, each.partition), each] as const),
    );
    for (const [nodeId, entries] of Map.groupBy(leaders, ([leader]) => leader)) {
      if (this.#fetching.has(nodeId)) continue;
      const session = this.#session(nodeId);
      const wanted = entries.map(([, partition]) => partition);
      const fetching = this.#fetch(session, wanted).finally(() => {
        this.#fetching.delete(nodeId);
        this.#tell();
      });
      this.#fetching.set(nodeId, fetching);
    }
  }

  #session(nodeId: number): ShareSession {
    let session = this.#sessions.get(nodeId);
    if (session === undefined) {
      const { groupId } = this.#settings;
      const member = { cluster: this.#cluster, purpose: this.#purpose, groupId, memberId: this.#membership!.memberId };
      session = new ShareSession(nodeId, member, (commits) => {
        this.#commits.push(...commits);
        this.#settings.onAcknowledged?.(commits);
      });
      this.#sessions.set(nodeId, session);
    }
    return session;
  }

  async #fetch(session: ShareSession, wanted: readonly SharedPartition[]): Promise<void> {
    const { fetchMaxWaitMs, fetchMaxBytes, maxPollRecords, shareAcquireMode } = this.#settings;
    try {
      const { lockMs, answers } = await session.fetch(wanted, {
        maxWaitMs: fetchMaxWaitMs ?? DEFAULT_FETCH_MAX_WAIT_MS,
        maxBytes: fetchMaxBytes ?? DEFAULT_FETCH_MAX_BYTES,
        maxRecords: maxPollRecords ?? DEFAULT_MAX_POLL_RECORDS,
        isExact: shareAcquireMode === 'record_limit',
      });
      this.#lockMs = lockMs;
      for (const [partition, answer] of answers) this.#take(session, partition, answer);
    } catch (error) {
      if (this.#closed) return;
      // A lost session, or connection, begins anew with the next fetch.
      for (const { topic } of wanted) this.#cluster.doubt(topic);
      if (error instanceof MillraceError && error.retriable) await this.#cluster.backOff(1);
      else this.#failure = error;
    }
  }

  #take(session: ShareSession, partition: SharedPartition, answer: SharedAnswer): void {
    const { errorCode, errorMessage, records, acquiredRecords } = answer;
    if (errorCode !== ErrorCode.NONE) {
      if (needsMetadata(errorCode)) this.#cluster.doubt(partition.topic);
      else this.#failure = errorFor(errorCode, `ShareFetch of ${partition.topic}-${partition.partition}`, errorMessage);
      return;
    }
    const checksCrcs = this.#settings.checkCrcs ?? true;
    const counts = new Map<number, number>();
    for (const { firstOffset, lastOffset, deliveryCount } of acquiredRecords) {
      for (let offset = firstOffset; offset <= lastOffset; offset++) counts.set(offset, deliveryCount);
    }
    const damaged = checksCrcs ? damagedIn(records) : undefined;
    if (damaged !== undefined) {
      // Nobody can read it: others need not try.
      for (const offset of counts.keys()) session.acknowledge(partition, offset, AcknowledgeType.reject);
      const what = `the batch at offset ${damaged} of ${partition.topic}-${partition.partition} is damaged`;
      this.#failure = new MillraceError('CORRUPT_MESSAGE', `${what}; the records that came with it are rejected`);
      return;
    }
    const { topic, partition: index } = partition;
    const fetched = { topic, partition: index, cursor: new BatchCursor(records) };
    for (const record of recordsOf([{ ...fetched, nextOffset: 0, highWatermark: 0, lastStableOffset: 0 }])) {
      const deliveryCount = counts.get(record.offset);
      if (deliveryCount === undefined) continue;
      counts.delete(record.offset);
      this.#waiting.push({ record: { ...record, deliveryCount }, partition, session });
    }
    for (const offset of counts.keys()) session.acknowledge(partition, offset, AcknowledgeType.gap);
  }

  #tell(): void {
    const { resolve } = this.#arrived;
    this.#arrived = deferred();
    resolve();
  }
}

/** The offset of the first batch whose bytes are not what they were. */
function damagedIn(records: Buffer): number | undefined {
  for (let at = 0; at < records.length; at += batchHeader.sizeInBytes(records, at)) {
    if (!isIntactBatch(records, at)) return batchHeader.baseOffset(records, at);
  }
  return undefined;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_STATE', why);
}
