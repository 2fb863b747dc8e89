import type { Header } from '../../client/index.ts';
import type { RecordContext, TaskContext } from '../api/context.ts';
import type { AnySerde, Emit, GraphNode, NodeOptions } from '../graph/node.ts';
import type { TaskScope } from '../graph/node.ts';
import { SpanView } from '../state/span-view.ts';
import { ByteWriter, partitionForKey } from '../../util/index.ts';

export interface SinkOptions {
  /** The topic, how to name an internal one, or how to choose it per record. */
  readonly topic:
    | { readonly fixed: string }
    | { readonly internal: string }
    | { readonly choose: (key: unknown, value: unknown, context: RecordContext) => string };
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly partitioner?: ((topic: string, key: unknown, value: unknown, partitions: number) => number) | undefined;
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
    const rawKey = scope.plan.hasKeyBytes(node);
    const rawValue = scope.plan.hasValueBytes(node);
    const keyOut = new ByteWriter();
    const valueOut = new ByteWriter();
    const { output } = scope;
    const {
      key: keySerde,
      value: valueSerde,
      partitioner,
      timestamp: timestampOf,
      dropsNullKeys,
      topic: target,
    } = options;
    const fixed = 'fixed' in target ? target.fixed : 'internal' in target ? scope.internalTopic(target.internal) : null;
    const choose = 'choose' in target ? target.choose : null;
    const keyView = new SpanView();
    const valueView = new SpanView();
    // Headers that name schemas are for topics that applications share; our own hold the other form. A key's partition is
    // the same in both, so that they can be joined.
    const isShared = !('internal' in target);
    const keyHeader = keySerde.schemaHeader;
    const valueHeader = valueSerde.schemaHeader;
    const writesHeaders = isShared && (keyHeader?.isWritten === true || valueHeader?.isWritten === true);
    const looksAtHeaders = keyHeader !== undefined || valueHeader !== undefined;
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
      let keyBytes: Buffer | null = null;
      let partitionedBy: Buffer | null = null;
      if (rawKey) {
        if (context.keyStart >= 0) keyBytes = keyView.of(context.keyBytes, context.keyStart, context.keyEnd);
      } else if (key !== null) {
        keyOut.reset();
        keySerde.encode(key, keyOut);
        const prefixBytes = prefixOf(keySerde);
        keyBytes = keyView.of(keyOut.buffer, isShared ? prefixBytes : 0, keyOut.position);
        if (!isShared && prefixBytes > 0) partitionedBy = keyOut.buffer.subarray(prefixBytes, keyOut.position);
      }
      if (keyBytes === null && dropsNullKeys === true) {
        scope.drop('null-key', node);
        return;
      }
      let valueBytes: Buffer | null = null;
      if (value !== null) {
        if (rawValue) {
          valueBytes = valueView.of(context.valueBytes, context.valueStart, context.valueEnd);
        } else {
          valueOut.reset();
          valueSerde.encode(value, valueOut);
          valueBytes = valueView.of(valueOut.buffer, isShared ? prefixOf(valueSerde) : 0, valueOut.position);
        }
      }
      const topic = fixed ?? choose!(key, value, context);
      const partitions = output.partitionsOf(topic);
      const partition =
        partitions <= 1
          ? partitions - 1
          : partitioner !== undefined
            ? partitioner(topic, key, value, partitions)
            : keyBytes === null
              ? unkeyed++ % partitions
              : partitionForKey(partitionedBy ?? keyBytes, partitions);
      const at = timestampOf === undefined ? timestamp : timestampOf(key, value, context);
      let headers: readonly Header[] | undefined = context.hasHeaders ? context.headers : undefined;
      if (looksAtHeaders && headers !== undefined) headers = withoutSchemas(headers);
      if (writesHeaders) headers = withSchemas(headers ?? [], keyBytes !== null, valueBytes !== null);
      output.send(topic, partition, keyBytes, valueBytes, at, headers);
    }

    /** Those that came with the record are about other bytes. */
    function withoutSchemas(headers: readonly Header[]): readonly Header[] {
      const isOurs = ({ key }: Header) => key === keyHeader?.key || key === valueHeader?.key;
      return headers.some(isOurs) ? headers.filter((header) => !isOurs(header)) : headers;
    }

    /** Nulls have no schema. */
    function withSchemas(headers: readonly Header[], hasKey: boolean, hasValue: boolean): readonly Header[] {
      const all = [...headers];
      if (hasKey && keyHeader?.written !== undefined) all.push(keyHeader.written.header);
      if (hasValue && valueHeader?.written !== undefined) all.push(valueHeader.written.header);
      return all;
    }
  };
}

/** The bytes that a header stands for. */
function prefixOf(serde: AnySerde): number {
  return serde.schemaHeader?.written?.prefixBytes ?? 0;
}
