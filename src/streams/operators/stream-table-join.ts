// A stream's records with what a table holds for their key: at that moment, or, of a versioned table, at the record's own
// time. Only the stream causes output.
import type { Header } from '../../client/index.ts';
import { DeserializationError, type Serde } from '../../serde/index.ts';
import { type ByteWriter, MillraceError } from '../../util/index.ts';
import type { TaskContext } from '../api/context.ts';
import type { AnySerde, Emit, GraphNode } from '../graph/node.ts';
import { KeyLocator, locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import { type OuterBufferState, UNMATCHED_KEY_START } from '../state/outer-buffer-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Joiner } from './stream-join.ts';
import { type GetterSupplier, storeGetter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

export function joinTable(joiner: Joiner, kind: 'inner' | 'left', supplier: GetterSupplier) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const locator = locatorFor(scope, node);
    const joinNow = joining(scope, node, { joiner, kind, supplier });
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      const hasKey = locator.locate(key, context);
      if (!hasKey && kind === 'inner') scope.drop('null-key', node);
      else joinNow(key, hasKey ? locator : null, value, timestamp, context);
    };
  };
}

interface TableLookup {
  readonly joiner: Joiner;
  readonly kind: 'inner' | 'left';
  readonly supplier: GetterSupplier;
}

/** Joins a record with what is found under its key's bytes; null: with nothing. */
function joining(scope: TaskScope, node: GraphNode, { joiner, kind, supplier }: TableLookup) {
  const next = scope.forward(node);
  const getter = supplier.make(scope);
  const { isVersioned } = supplier;
  // oxlint-disable-next-line max-params -- a record
  return (key: unknown, at: KeyLocator | null, value: unknown, timestamp: number, context: TaskContext): void => {
    let other: unknown = null;
    if (at !== null) {
      other = isVersioned ? getter.getAsOf!(key, at, timestamp) : getter.get(key, at.bytes, at.start, at.end);
    }
    if (other === null && kind === 'inner') return;
    let joined: unknown;
    try {
      joined = answerNow(node, joiner(value, other, key));
    } catch (error) {
      scope.failed(error, node);
      return;
    }
    next(key, joined, timestamp, context);
  };
}

export interface GraceJoin extends TableLookup {
  /** The records that wait. */
  readonly buffer: StoreSpec;
  readonly key: AnySerde;
  readonly graceMs: number;
}

/**
 * As `joinTable` of a versioned table, for records that wait until their stream is `graceMs` further, so that what the table
 * hears late counts (KIP-923). Records that come even later are joined at once.
 */
export function joinTableWithGrace(options: GraceJoin) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const { kind, buffer: spec, graceMs } = options;
    const joinNow = joining(scope, node, options);
    const locator = locatorFor(scope, node);
    const waitingKey = new KeyLocator(options.key, true);
    const buffer = scope.store<OuterBufferState>(spec);
    const position = scope.position(node.name);
    const needsKey = options.joiner.length !== 2 || options.supplier.readsKey || scope.plan.childrenNeedKey(node);

    const letGo = (time: number, context: TaskContext): void => {
      const { keyBytes, keyStart, keyEnd, headers } = context;
      for (let due = buffer.first(true); due !== undefined && due.time <= time - graceMs; due = buffer.first(true)) {
        const { row, values, time: timestamp } = due;
        buffer.remove(due);
        context.keyBytes = row;
        context.keyStart = UNMATCHED_KEY_START;
        context.keyEnd = row.length;
        const key = needsKey ? options.key.decode(row, UNMATCHED_KEY_START, row.length) : undefined;
        for (const waiting of values as WaitingRecord[]) {
          context.timestamp = timestamp;
          context.headers = waiting.headers;
          waitingKey.locate(key, context);
          joinNow(key, waitingKey, waiting.value, timestamp, context);
        }
      }
      context.keyBytes = keyBytes;
      context.keyStart = keyStart;
      context.keyEnd = keyEnd;
      context.headers = headers;
    };
    scope.holdsBack(node, position, () => graceMs);
    scope.onTime(node, () => letGo(scope.timeOf(position), scope.context));

    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      if (!locator.locate(key, context)) {
        if (kind === 'inner') scope.drop('null-key', node);
        else joinNow(key, null, value, timestamp, context);
        return;
      }
      if (timestamp < scope.timeOf(position) - graceMs) {
        joinNow(key, locator, value, timestamp, context);
        return;
      }
      buffer.add(true, timestamp, locator, { value, headers: context.headers } satisfies WaitingRecord);
      letGo(scope.timeAfter(position, timestamp), context);
    };
  };
}

interface WaitingRecord {
  readonly value: unknown;
  readonly headers: readonly Header[];
}

/** A record that waits: the number of its headers (4), each header's key and value behind their lengths, its value. */
export class WaitingRecordSerde implements Serde<WaitingRecord> {
  readonly name: string;
  readonly #value: AnySerde;

  constructor(value: AnySerde) {
    this.name = `WAITING(${value.name})`;
    this.#value = value;
  }

  encode({ value, headers }: WaitingRecord, out: ByteWriter): void {
    out.int32(headers.length);
    for (const header of headers) {
      writeSpan(out, Buffer.from(header.key));
      writeSpan(out, header.value);
    }
    this.#value.encode(value, out);
  }

  decode(bytes: Buffer, start: number, end: number): WaitingRecord {
    let at = start;
    const span = (): Buffer | null => {
      if (at + 4 > end) throw new DeserializationError('a waiting record is shorter than its headers');
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < 0) return null;
      if (at + length > end) throw new DeserializationError('a waiting record is shorter than its headers');
      at += length;
      return Buffer.from(bytes.subarray(at - length, at));
    };
    const headers: Header[] = [];
    if (start + 4 > end) throw new DeserializationError('a waiting record is shorter than its headers');
    at += 4;
    for (let left = bytes.readInt32BE(start); left > 0; left--) headers.push({ key: String(span()), value: span() });
    return { value: this.#value.decode(bytes, at, end), headers };
  }

  async prepare(): Promise<void> {
    await this.#value.prepare?.();
  }
}

function writeSpan(out: ByteWriter, bytes: Uint8Array | null): void {
  out.int32(bytes === null ? -1 : bytes.length);
  if (bytes !== null) out.bytes(bytes);
}

/** The history of a table has to reach as far back as records wait. */
export function checkGrace(join: string, { isVersioned, stores }: GetterSupplier, graceMs: number): void {
  if (!isVersioned) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `${join}: a table that is joined with a gracePeriodMs has to be versioned`,
    );
  }
  const [store] = stores;
  if (store!.historyRetentionMs! < graceMs) {
    throw new MillraceError(
      'INVALID_RETENTION',
      `${join}: ${store!.name} keeps its history for ${store!.historyRetentionMs} ms, but it is needed for ${graceMs} ms`,
    );
  }
}

export function joinGlobalTable(
  joiner: Joiner,
  keySelector: (key: unknown, value: unknown) => unknown,
  kind: 'inner' | 'left',
  spec: StoreSpec,
) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const next = scope.forward(node);
    const getter = storeGetter(spec).make(scope);
    const locator = new KeyLocator(spec.key, false);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      let joined: unknown;
      try {
        const mapped = answerNow(node, keySelector(key, value) ?? null);
        let other: unknown = null;
        if (locator.locate(mapped, context)) {
          other = getter.get(mapped, locator.bytes, locator.start, locator.end);
        } else if (kind === 'inner') {
          scope.drop('null-key', node);
          return;
        }
        if (other === null && kind === 'inner') return;
        joined = answerNow(node, joiner(value, other, mapped));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, joined, timestamp, context);
    };
  };
}
