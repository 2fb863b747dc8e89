import type { Header } from '../../client/index.ts';
import { RecordCopy, type RecordContext, type TaskContext } from '../api/context.ts';
import type { StreamPartitioner } from '../api/options.ts';
import type { AnySerde, Emit, GraphNode, NodeOptions } from '../graph/node.ts';
import type { TaskScope } from '../graph/node.ts';
import { SpanView } from '../state/span-view.ts';
import { ByteWriter, partitionForKey } from '../../util/index.ts';
import { checkEventTime, checkPartition, checkTopicName } from '../api/checks.ts';

export interface SinkOptions {
  /** The topic, how to name an internal one, or how to choose it per record. */
  readonly topic:
    | { readonly fixed: string }
    | { readonly internal: string }
    | { readonly choose: (key: unknown, value: unknown, context: RecordContext) => string };
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly partitioner?: StreamPartitioner<unknown, unknown> | undefined;
  readonly timestamp?: ((key: unknown, value: unknown, context: RecordContext) => number) | undefined;
  /** Records with a null key stay behind: the topic is read by an operator that could not use them. */
  readonly dropsNullKeys?: boolean;
}

/**
 * What a sink looks at. A header holds the id of one schema, so where those are written, bytes that came with any other
 * can't pass as they are; nor can keys, whose partition is that of the form without the id.
 */
export function sinkNeeds(
  key: AnySerde,
  value: AnySerde,
  options: { readonly isShared: boolean; readonly readsBoth: boolean },
): Required<Pick<NodeOptions, 'reads' | 'keyBytesAs' | 'valueBytesAs'>> {
  const encodesKey = key.schemaHeader?.isWritten === true;
  const encodesValue = options.isShared && value.schemaHeader?.isWritten === true;
  const readsKey = encodesKey || options.readsBoth;
  const readsValue = encodesValue || options.readsBoth;
  return {
    reads: readsKey ? (readsValue ? 'both' : 'key') : readsValue ? 'value' : 'neither',
    keyBytesAs: encodesKey ? null : key,
    valueBytesAs: encodesValue ? null : value,
  };
}

/** Writes records to a topic. A key or value that is still the bytes it came in is written as these bytes. */
export function sink(options: SinkOptions) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const { key: keySerde, value: valueSerde, timestamp: timestampOf, dropsNullKeys } = options;
    const partitioning = options.partitioner && new Partitioning(scope, node, options.partitioner);
    const target = options.topic;
    const { output } = scope;
    const fixed = 'fixed' in target ? target.fixed : 'internal' in target ? scope.internalTopic(target.internal) : null;
    const choose = 'choose' in target ? target.choose : null;
    // Headers that name schemas are for topics that applications share; our own hold the other form. A key's partition is
    // the same in both, so that they can be joined.
    const isShared = !('internal' in target);
    const keys = new OutgoingBytes(keySerde, isShared);
    const values = new OutgoingBytes(valueSerde, isShared);
    const headersOut = new OutgoingHeaders(keySerde, valueSerde, isShared);
    const rawKey = scope.plan.hasKeyBytes(node);
    const rawValue = scope.plan.hasValueBytes(node);
    const windowBytes = keySerde.windowBytes ?? 0;
    let unkeyed = 0;

    // A topic that is chosen per record may not be known yet: partition -1 leaves the choice to the output.
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      try {
        write(key, value, timestamp, context);
      } catch (error) {
        scope.failed(error, node);
      }
    };

    function write(key: unknown, value: unknown, timestamp: number, context: TaskContext): void {
      const keyBytes = rawKey ? keys.raw(context.keyBytes, context.keyStart, context.keyEnd) : keys.encoded(key);
      if (keyBytes === null && dropsNullKeys === true) {
        scope.drop('null-key', node);
        return;
      }
      const valueBytes =
        rawValue && value !== null
          ? values.raw(context.valueBytes, context.valueStart, context.valueEnd)
          : values.encoded(value);
      const topic = fixed ?? choose!(key, value, context);
      if (fixed === null) checkTopicName(node.name, topic);
      const partitions = output.partitionsOf(topic);
      let partition = partitions - 1;
      const all = partitions > 0 ? partitioning?.of(topic, key, value, partitions) : undefined;
      if (all === undefined && partitions > 1) {
        if (keyBytes === null) partition = unkeyed++ % partitions;
        else {
          const bytes = rawKey ? keyBytes : keys.withoutPrefix();
          partition = partitionForKey(windowBytes === 0 ? bytes : bytes.subarray(0, -windowBytes), partitions);
        }
      }
      const at = timestampOf === undefined ? timestamp : timestampOf(key, value, context);
      if (timestampOf !== undefined) checkEventTime(`${node.name}: the timestamp`, at);
      const headers = headersOut.of(context, keyBytes !== null, valueBytes !== null);
      if (all !== undefined) {
        for (const each of all) output.send(topic, each, keyBytes, valueBytes, at, headers);
        if (all.length === 0) scope.drop('no-partition', node);
        return;
      }
      const later = partition < 0 ? laterOf(topic, key, value, keyBytes, context) : undefined;
      output.send(topic, partition, keyBytes, valueBytes, at, headers, later);
    }

    /** Where a topic is not known yet, and the partition is not simply that of the key's bytes. */
    function laterOf(topic: string, key: unknown, value: unknown, keyBytes: Buffer | null, context: TaskContext) {
      if (partitioning !== undefined) return partitioning.later(topic, key, value, context);
      if (windowBytes === 0 || keyBytes === null) return undefined;
      const bytes = Buffer.from((rawKey ? keyBytes : keys.withoutPrefix()).subarray(0, -windowBytes));
      return (partitions: number): readonly number[] => [partitionForKey(bytes, partitions)];
    }
  };
}

/** A user's partitioner, whose answers are checked. */
class Partitioning {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #partitioner: StreamPartitioner<unknown, unknown>;

  constructor(scope: TaskScope, node: GraphNode, partitioner: StreamPartitioner<unknown, unknown>) {
    this.#scope = scope;
    this.#node = node;
    this.#partitioner = partitioner;
  }

  /** The partitions of a record, each once; undefined: the default one. */
  of(topic: string, key: unknown, value: unknown, partitions: number): readonly number[] | undefined {
    const answer = this.#partitioner(topic, key, value, partitions);
    if (answer === undefined) return undefined;
    const all = Array.isArray(answer) ? [...new Set(answer as readonly number[])] : [answer as number];
    const known = this.#scope.output.hasPartitions ? partitions : undefined;
    for (const partition of all) checkPartition(`${this.#node.name}: the partition of ${topic}`, partition, known);
    return all;
  }

  /** For when it is known how many there are: the task stands on other records then. */
  later(topic: string, key: unknown, value: unknown, context: TaskContext) {
    const copy = new RecordCopy(context);
    return (partitions: number): readonly number[] | undefined => {
      const all = this.of(topic, key, value, partitions);
      if (all?.length === 0) {
        copy.recall(context);
        this.#scope.drop('no-partition', this.#node);
        context.leaveRecord(copy.timestamp);
      }
      return all;
    };
  }
}

/** The bytes of keys, or of values, on their way out. */
class OutgoingBytes {
  readonly #serde: AnySerde;
  readonly #isShared: boolean;
  readonly #out = new ByteWriter();
  readonly #view = new SpanView();
  readonly #bareView = new SpanView();

  constructor(serde: AnySerde, isShared: boolean) {
    this.#serde = serde;
    this.#isShared = isShared;
  }

  raw(bytes: Buffer, start: number, end: number): Buffer | null {
    return start < 0 ? null : this.#view.of(bytes, start, end);
  }

  encoded(value: unknown): Buffer | null {
    if (value === null) return null;
    const out = this.#out;
    out.reset();
    this.#serde.encode(value, out);
    return this.#view.of(out.buffer, this.#isShared ? prefixOf(this.#serde) : 0, out.position);
  }

  /** What was encoded last, without what a header stands for. */
  withoutPrefix(): Buffer {
    return this.#bareView.of(this.#out.buffer, prefixOf(this.#serde), this.#out.position);
  }
}

/** The bytes that a header stands for. */
function prefixOf(serde: AnySerde): number {
  return serde.schemaHeader?.written?.prefixBytes ?? 0;
}

/** A record's headers on their way out. */
class OutgoingHeaders {
  readonly #key: AnySerde['schemaHeader'];
  readonly #value: AnySerde['schemaHeader'];
  readonly #looks: boolean;
  readonly #writes: boolean;

  constructor(key: AnySerde, value: AnySerde, isShared: boolean) {
    this.#key = key.schemaHeader;
    this.#value = value.schemaHeader;
    this.#looks = this.#key !== undefined || this.#value !== undefined;
    this.#writes = isShared && (this.#key?.isWritten === true || this.#value?.isWritten === true);
  }

  of(context: TaskContext, hasKey: boolean, hasValue: boolean): readonly Header[] | undefined {
    let headers: readonly Header[] | undefined = context.hasHeaders ? context.headers : undefined;
    if (this.#looks && headers !== undefined) headers = this.#withoutSchemas(headers);
    return this.#writes ? this.#withSchemas(headers ?? [], hasKey, hasValue) : headers;
  }

  /** Those that came with the record are about other bytes. */
  #withoutSchemas(headers: readonly Header[]): readonly Header[] {
    const isOurs = ({ key }: Header) => key === this.#key?.key || key === this.#value?.key;
    return headers.some(isOurs) ? headers.filter((header) => !isOurs(header)) : headers;
  }

  /** Nulls have no schema. */
  #withSchemas(headers: readonly Header[], hasKey: boolean, hasValue: boolean): readonly Header[] {
    const all = [...headers];
    if (hasKey && this.#key?.written !== undefined) all.push(this.#key.written.header);
    if (hasValue && this.#value?.written !== undefined) all.push(this.#value.written.header);
    return all;
  }
}
