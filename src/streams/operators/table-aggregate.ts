// Aggregates of tables: the record that travels to a group says what to add and what to take away.
import type { RecordContext } from '../api/context.ts';
import type { AnySerde, Emit, EmitChange, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import { DeserializationError, type Serde } from '../../serde/index.ts';
import { assert, ByteWriter } from '../../util/index.ts';
import { ownCopy } from './aggregate.ts';
import { TableWriter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

export interface Change {
  readonly added: unknown;
  readonly removed: unknown;
}

const REMOVED = 0;
const ADDED = 1;
const BOTH = 2;

/** Kafka's bytes of a change (KIP-904): the values, and a last byte that says which of them there are. */
export class ChangeSerde implements Serde<Change> {
  readonly name: string;
  readonly #inner: AnySerde;
  readonly #scratch = new ByteWriter();

  constructor(inner: AnySerde) {
    this.name = `CHANGE(${inner.name})`;
    this.#inner = inner;
  }

  encode(change: Change, out: ByteWriter): void {
    const { added, removed } = change;
    assert(added !== null || removed !== null, 'a change adds or removes something');
    if (added !== null && removed !== null) {
      const scratch = this.#scratch;
      scratch.reset();
      this.#inner.encode(added, scratch);
      out.varint(scratch.position);
      out.bytes(scratch.buffer, 0, scratch.position);
      this.#inner.encode(removed, out);
      out.int8(BOTH);
    } else {
      this.#inner.encode(added ?? removed, out);
      out.int8(added === null ? REMOVED : ADDED);
    }
  }

  decode(bytes: Buffer, start: number, end: number): Change {
    const flag = bytes[end - 1];
    if (end > start && flag === REMOVED) return { added: null, removed: this.#inner.decode(bytes, start, end - 1) };
    if (end > start && flag === ADDED) return { added: this.#inner.decode(bytes, start, end - 1), removed: null };
    if (end - start < 2 || flag !== BOTH)
      throw new DeserializationError('a change record does not end with a known flag');
    let zigzag = 0;
    let shift = 0;
    let at = start;
    for (; ; at++, shift += 7) {
      if (at >= end - 1 || shift > 28) throw new DeserializationError('a change record has a broken length');
      zigzag |= (bytes[at]! & 0x7f) << shift;
      if (bytes[at]! < 0x80) break;
    }
    const from = at + 1;
    const to = from + ((zigzag >>> 1) ^ -(zigzag & 1));
    if (to < from || to > end - 1) throw new DeserializationError('a change record is shorter than its first value');
    return { added: this.#inner.decode(bytes, from, to), removed: this.#inner.decode(bytes, to, end - 1) };
  }

  async prepare(): Promise<void> {
    await this.#inner.prepare?.();
  }
}

/** Sends a row's change to its group. A row that stays in its group is one change, one that moves is two. */
export function selectGroup(
  selector: (key: unknown, value: unknown, context: RecordContext) => readonly [unknown, unknown] | null,
  keySerde: AnySerde,
) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const next = scope.forward(node);
    const one = new ByteWriter(64);
    const other = new ByteWriter(64);
    return (key, value, old, timestamp, context) => {
      if (!context.isLatest) {
        scope.drop('out-of-order', node);
        return;
      }
      context.timestamp = timestamp;
      let to: readonly [unknown, unknown] | null;
      let from: readonly [unknown, unknown] | null;
      try {
        to = value === null ? null : complete(node, selector(key, value, context));
        from = old === null ? null : complete(node, selector(key, old, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      if (to !== null && from !== null) {
        one.reset();
        other.reset();
        keySerde.encode(to[0], one);
        keySerde.encode(from[0], other);
        if (one.view().equals(other.view())) {
          next(to[0], { added: to[1], removed: from[1] } satisfies Change, timestamp, context);
          return;
        }
      }
      if (from !== null) next(from[0], { added: null, removed: from[1] } satisfies Change, timestamp, context);
      if (to !== null) next(to[0], { added: to[1], removed: null } satisfies Change, timestamp, context);
    };
  };
}

function complete(
  node: GraphNode,
  pair: readonly [unknown, unknown] | null | undefined,
): readonly [unknown, unknown] | null {
  answerNow(node, pair);
  if (pair === null || pair === undefined) return null;
  return pair[0] === null || pair[0] === undefined || pair[1] === null || pair[1] === undefined ? null : pair;
}

export interface TableAggregation {
  /** Null hands `add` null for the first value. */
  readonly initial: (() => unknown) | null;
  readonly add: (key: unknown, value: unknown, aggregate: unknown) => unknown;
  readonly subtract: (key: unknown, value: unknown, aggregate: unknown) => unknown;
}

/** Takes the old value away first, then adds the new one. */
export function aggregateChanges(spec: StoreSpec, aggregation: TableAggregation, sendsOld: () => boolean) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const writer = new TableWriter(scope, node, spec, sendsOld());
    const { table } = writer;
    const locator = locatorFor(scope, node);
    const { initial, add, subtract } = aggregation;
    const mine = ownCopy(spec, sendsOld());
    return (key, value, timestamp, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      const { added, removed } = value as Change;
      const slot = table.slotFor(locator.bytes, locator.start, locator.end);
      const old = table.read(slot);
      let aggregate: unknown = old === undefined ? null : mine(old);
      try {
        if (removed !== null && aggregate !== null) aggregate = subtract(key, removed, aggregate) ?? null;
        if (added !== null) {
          aggregate = add(key, added, aggregate === null && initial !== null ? initial() : aggregate) ?? null;
        }
        answerNow(node, aggregate);
      } catch (error) {
        table.discard(slot);
        scope.failed(error, node);
        return;
      }
      if (old === undefined && aggregate === null) {
        table.discard(slot);
        return;
      }
      const before = old === undefined ? timestamp : table.timestampOf(slot);
      writer.write(slot, key, aggregate, timestamp > before ? timestamp : before, context);
    };
  };
}
