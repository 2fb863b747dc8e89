import type { RecordCursor, TopicPartition } from '../../client/index.ts';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { assert, MillraceError, messageOf } from '../../util/index.ts';
import type { RecordView, TaskContext } from '../api/context.ts';
import type { DecodingPlan } from '../graph/decoding-plan.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import { checkEventTime } from '../api/checks.ts';
import type { DecodeErrorHandler, DropReason } from '../api/options.ts';
import type { StateStore } from '../state/store.ts';
import { PrefixedRecord } from './schema-headers.ts';
import { refuseRecord } from './undecodable.ts';
import { type Announcement, announcementsIn, type Watermark } from './watermarks.ts';

/** What a queue tells its task. */
export interface QueueOwner {
  readonly context: TaskContext;
  readonly plan: DecodingPlan;
  readonly onDecodeError: DecodeErrorHandler;
  /** Stores whose entries have the keys of the source's records. */
  storesBehind(node: GraphNode): readonly StateStore[];
  drop(reason: DropReason, node: GraphNode, error?: unknown): void;
  failed(error: unknown, node: GraphNode): void;
  timeHasPassed(): void;
}

/**
 * The records of one partition that wait to be processed, with the first one decoded as far as anybody needs it. Records
 * that can't be decoded are left out here, so the head is always one to process.
 */
export class SourceQueue {
  readonly topic: string;
  readonly partition: number;
  /** Event time of the head; Infinity when the queue is empty. */
  headTime = Number.POSITIVE_INFINITY;
  /** The offset behind the last record that was processed or left out: what is committed. -1 before the first. */
  position = -1;
  /** Records that have been processed. */
  records = 0;
  /** When a fetch last brought something, milliseconds since the epoch; -1: none yet. */
  arrivedAt = -1;
  /** The largest event time taken from this partition. */
  partitionTime = -1;
  /** Where time is the minimum over several feeders: how far they have come. */
  readonly watermark: Watermark | undefined;
  readonly #owner: QueueOwner;
  readonly node: GraphNode;
  readonly #emit: Emit;
  readonly #needsKey: boolean;
  readonly #needsValue: boolean;
  readonly #waiting: { readonly cursor: RecordCursor; readonly nextOffset: number }[] = [];
  #current: { readonly cursor: RecordCursor; readonly nextOffset: number } | undefined;
  /** The cursor stands on a record whose schema has to be loaded first. */
  #stalled = false;
  /** The head: what the cursor stands on, or that with its schemas' ids in front. */
  #record: RecordView | undefined;
  readonly #prefixed: PrefixedRecord | undefined;
  readonly #stores: readonly StateStore[];
  #key: unknown;
  #value: unknown;

  constructor(
    owner: QueueOwner,
    node: GraphNode,
    { topic, partition }: TopicPartition,
    emit: Emit,
    watermark: Watermark | undefined,
  ) {
    this.watermark = watermark;
    this.#owner = owner;
    this.node = node;
    this.topic = topic;
    this.partition = partition;
    this.#emit = emit;
    this.#stores = owner.storesBehind(node);
    this.#prefixed = PrefixedRecord.of(node.source!.key, node.source!.value);
    const extracts = node.source!.timestampExtractor !== undefined;
    this.#needsKey = extracts || owner.plan.childrenNeedKey(node);
    this.#needsValue = extracts || owner.plan.childrenNeedValue(node);
  }

  get isEmpty(): boolean {
    return this.headTime === Number.POSITIVE_INFINITY;
  }

  /** Fetches that have not been looked at yet. */
  get backlog(): number {
    return this.#waiting.length;
  }

  /** Everything that was pushed has been processed. */
  get isDrained(): boolean {
    return this.isEmpty && this.#current === undefined && this.#waiting.length === 0;
  }

  /** Takes over a fetch that came at `now`. `nextOffset` is committed when all of it has been processed. */
  push(cursor: RecordCursor, nextOffset: number, now: number): void {
    const before = this.#waiting.at(-1)?.nextOffset ?? this.#current?.nextOffset ?? this.position;
    assert(
      nextOffset >= before,
      `a fetch of ${this.topic}-${this.partition} goes back from ${before} to ${nextOffset}`,
    );
    if (nextOffset > before) this.arrivedAt = now;
    // The records before them give the disk time to answer.
    if (this.#stores.length > 0 && !this.isDrained) this.#readAhead(cursor);
    this.#waiting.push({ cursor, nextOffset });
  }

  #readAhead(cursor: RecordCursor): void {
    for (const { ahead } of this.#stores) {
      const records = ahead?.isWanted ? cursor.again() : undefined;
      if (records === undefined) continue;
      try {
        while (ahead!.isWanted && records.advance()) {
          if (records.keyStart < 0 || (records.headerCount > 0 && this.#prefixed !== undefined)) continue;
          ahead!.expect(records.bytes, records.keyStart, records.keyEnd);
        }
      } catch {
        // Whoever comes to the record that can't be read says so.
      }
      void ahead!.read();
    }
  }

  /** Forgets what is waiting; the next record will be the one at `position` (-1: not known). */
  reset(position: number): void {
    this.#waiting.length = 0;
    this.#current = undefined;
    this.#stalled = false;
    this.headTime = Number.POSITIVE_INFINITY;
    this.position = position;
  }

  /** Makes the next record the head. Throws `SchemaNotLoaded`; call again once it is. */
  load(): void {
    if (!this.isEmpty) return;
    for (;;) {
      if (this.#current === undefined) {
        this.#current = this.#waiting.shift();
        if (this.#current === undefined) return;
      }
      const { cursor, nextOffset } = this.#current;
      if (!this.#stalled && !cursor.advance()) {
        this.position = nextOffset;
        this.#current = undefined;
        continue;
      }
      if (!this.#hears(cursor) && this.#decode(cursor)) return;
      this.position = cursor.offset + 1;
    }
  }

  /** Runs the head through the operators. The next record is loaded by `load`. */
  processHead(): void {
    const { context } = this.#owner;
    const record = this.#record!;
    const time = this.headTime;
    const key = this.#key;
    const value = this.#value;
    context.topic = this.topic;
    context.partition = this.partition;
    context.moveTo(record, time);
    context.source = this.#current!.cursor;
    this.headTime = Number.POSITIVE_INFINITY;
    if (time > this.partitionTime) this.partitionTime = time;
    this.#emit(key, value, time, context);
    this.position = record.offset + 1;
    this.records++;
  }

  /** Takes in how far those have come who write the topic; it holds for what has been read until now. */
  hearAll(announcements: readonly Announcement[]): void {
    this.watermark!.hearAll(announcements);
    this.#owner.timeHasPassed();
  }

  /** Takes in what feeders announce; false for records. */
  #hears(cursor: RecordCursor): boolean {
    const { watermark } = this;
    if (watermark?.isInBand !== true || cursor.headerCount !== 1 || cursor.keyStart >= 0 || cursor.valueStart >= 0)
      return false;
    try {
      const announcements = announcementsIn(cursor.headers());
      if (announcements === undefined) return false;
      watermark.hear(announcements);
      this.#owner.timeHasPassed();
    } catch (error) {
      this.#refuse(cursor, error, 'value');
    }
    return true;
  }

  #decode(cursor: RecordCursor): boolean {
    const source = this.node.source!;
    let part: 'key' | 'value' = 'key';
    this.#stalled = false;
    const prefixed = cursor.headerCount > 0 ? this.#prefixed : undefined;
    const record = prefixed ?? cursor;
    this.#record = record;
    try {
      prefixed?.begin(cursor);
      prefixed?.takeKey();
      const { keyStart } = record;
      this.#key =
        keyStart < 0 ? null : this.#needsKey ? source.key.decode(record.bytes, keyStart, record.keyEnd) : undefined;
      part = 'value';
      prefixed?.takeValue();
      const { valueStart } = record;
      this.#value =
        valueStart < 0
          ? null
          : this.#needsValue
            ? source.value.decode(record.bytes, valueStart, record.valueEnd)
            : undefined;
    } catch (error) {
      if (error instanceof SchemaNotLoaded) {
        this.#stalled = true;
        throw error;
      }
      this.#refuse(cursor, error, part);
      return false;
    }
    let time = cursor.timestamp;
    if (source.timestampExtractor !== undefined) {
      const { context } = this.#owner;
      context.topic = this.topic;
      context.partition = this.partition;
      context.moveTo(record, time);
      context.source = cursor;
      try {
        time = source.timestampExtractor(this.#key, this.#value, context, this.partitionTime);
      } catch (error) {
        if (error instanceof MillraceError) throw error;
        throw new MillraceError(
          'TIMESTAMP_EXTRACTION_FAILED',
          `the timestamp of the record at ${this.topic}-${this.partition}@${cursor.offset} can't be extracted: ${messageOf(error)}`,
          { cause: error },
        );
      }
      // Below 0 is how an extractor says that it wants none of the record.
      if (!(time < 0)) {
        try {
          checkEventTime(`${this.node.name}: the extracted timestamp`, time);
        } catch (error) {
          this.#owner.failed(error, this.node);
          return false;
        }
      }
    }
    if (!(time >= 0)) {
      const { context } = this.#owner;
      context.topic = this.topic;
      context.partition = this.partition;
      context.moveTo(cursor, time);
      context.source = cursor;
      this.#owner.drop('negative-timestamp', this.node);
      return false;
    }
    this.headTime = time;
    return true;
  }

  #refuse(cursor: RecordCursor, error: unknown, part: 'key' | 'value'): void {
    const { context } = this.#owner;
    context.topic = this.topic;
    context.partition = this.partition;
    context.moveTo(cursor, cursor.timestamp);
    context.source = cursor;
    const { topic, partition } = this;
    const handler = this.node.source!.onDecodeError ?? this.#owner.onDecodeError;
    refuseRecord(handler, error, cursor, { topic, partition, node: this.node.name, part });
    this.#owner.drop('undecodable', this.node, error);
  }
}
