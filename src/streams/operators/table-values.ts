// What table operators share: how the current value of a key is looked up, and how a change is stored and passed on.
import type { TaskContext } from '../api/context.ts';
import type { EmitChange, GraphNode } from '../graph/node.ts';
import type { TaskScope } from '../graph/node.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Key, Table } from '../state/table.ts';
import type { VersionedState } from '../state/versioned-store.ts';

/** The current value of a table, whether it has a store of its own or is computed from one further up. */
export interface ValueGetter {
  /** The timestamp of the value that `get` answered last. */
  timestamp: number;
  get(key: unknown, bytes: Buffer, start: number, end: number): unknown;
  /** What `get` would have answered at that time; of versioned tables. */
  getAsOf?(key: unknown, at: Key, asOf: number): unknown;
}

export interface GetterSupplier {
  /** Stores that an operator using the getter must be connected to. */
  readonly stores: readonly StoreSpec[];
  /** Whether `getAsOf` can be asked. */
  readonly isVersioned: boolean;
  /** Whether the getter looks at the decoded key. */
  readonly readsKey: boolean;
  readonly make: (scope: TaskScope) => ValueGetter;
}

export function storeGetter(spec: StoreSpec): GetterSupplier {
  return {
    stores: [spec],
    isVersioned: spec.kind === 'versioned',
    readsKey: false,
    make: (scope) => {
      const { table } = scope.store<KeyValueState | VersionedState>(spec);
      const versions = versionsOf(scope, spec);
      return {
        timestamp: -1,
        ...(versions === null ? {} : { getAsOf: (_key, at, asOf) => versions.versionAt(at, asOf)?.value ?? null }),
        get(_key, bytes, start, end) {
          const slot = table.find(bytes, start, end);
          const value = slot < 0 ? undefined : table.read(slot);
          if (value === undefined) {
            this.timestamp = -1;
            return null;
          }
          this.timestamp = table.timestampOf(slot);
          return value;
        },
      };
    },
  };
}

export function mappedGetter(
  source: GetterSupplier,
  readsKey: boolean,
  map: (key: unknown, value: unknown, scope: TaskScope) => unknown,
): GetterSupplier {
  return {
    stores: source.stores,
    isVersioned: source.isVersioned,
    readsKey: readsKey || source.readsKey,
    make: (scope) => {
      const inner = source.make(scope);
      return {
        timestamp: -1,
        get(key, bytes, start, end) {
          const value = inner.get(key, bytes, start, end);
          this.timestamp = inner.timestamp;
          return value === null ? null : map(key, value, scope);
        },
        getAsOf(key, at, asOf) {
          const value = inner.getAsOf!(key, at, asOf);
          return value === null ? null : map(key, value, scope);
        },
      };
    },
  };
}

function versionsOf(scope: TaskScope, spec: StoreSpec): VersionedState | null {
  return spec.kind === 'versioned' ? scope.store<VersionedState>(spec) : null;
}

/**
 * Stores a table's changes and passes them on: at once, or, where the store is cached, the last one per key when the
 * task flushes, together with the value at the flush before. A versioned store takes each change at its own time: those that
 * are not the latest of their key are passed on as such.
 */
export class TableWriter {
  readonly table: Table<unknown>;
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #versions: VersionedState | null;
  readonly #next: EmitChange;
  readonly #sendsOld: boolean;
  readonly #cached: boolean;
  readonly #slots: number[] = [];
  readonly #olds: unknown[] = [];

  constructor(scope: TaskScope, node: GraphNode, spec: StoreSpec, sendsOld: boolean) {
    this.#scope = scope;
    this.#node = node;
    this.table = scope.store<KeyValueState | VersionedState>(spec).table;
    this.#versions = versionsOf(scope, spec);
    this.#next = scope.forwardChange(node);
    this.#sendsOld = sendsOld;
    // What comes and goes between two commits would be taken for removed.
    this.#cached = this.#versions === null && spec.maxEntries === undefined && scope.isCached(spec);
    if (this.#cached) {
      const needsKey = scope.plan.childrenNeedKey(node);
      scope.onFlush(node, () => this.#flush(scope.context, spec, needsKey));
    }
  }

  /** The value in `slot` becomes `value`. The context's key bytes are those of the slot while the change is passed on. */
  write(slot: number, key: unknown, value: unknown, timestamp: number, context: TaskContext): void {
    const { table } = this;
    const old = table.read(slot) ?? null;
    if (this.#cached) {
      if (table.pin(slot)) {
        this.#slots.push(slot);
        this.#olds.push(old);
      }
      if (value === null) table.remove(slot, timestamp);
      else table.write(slot, value, timestamp);
      return;
    }
    const { keyBytes, keyStart, keyEnd, isLatest } = context;
    const start = table.keyStart(slot);
    const end = table.keyEnd(slot);
    context.isLatest = true;
    if (this.#versions !== null) {
      const validTo = this.#versions.putAt(slot, value, timestamp);
      if (validTo === undefined) {
        context.isLatest = isLatest;
        this.#scope.drop('expired', this.#node);
        return;
      }
      context.isLatest = validTo === Number.POSITIVE_INFINITY;
    } else if (value === null) table.remove(slot, timestamp);
    else table.write(slot, value, timestamp);
    context.keyBytes = table.arena;
    context.keyStart = start;
    context.keyEnd = end;
    this.#next(key, value, this.#sendsOld ? old : null, timestamp, context);
    context.keyBytes = keyBytes;
    context.keyStart = keyStart;
    context.keyEnd = keyEnd;
    context.isLatest = isLatest;
  }

  #flush(context: TaskContext, spec: StoreSpec, needsKey: boolean): void {
    const { table } = this;
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const value = table.read(slot) ?? null;
      const old = this.#olds[i];
      const timestamp = table.timestampOf(slot);
      if (value !== null || old !== null) {
        const start = table.keyStart(slot);
        const end = table.keyEnd(slot);
        context.keyBytes = table.arena;
        context.keyStart = start;
        context.keyEnd = end;
        context.timestamp = timestamp;
        const key = needsKey ? spec.key.decode(table.arena, start, end) : undefined;
        this.#next(key, value, this.#sendsOld ? old : null, timestamp, context);
      }
      table.unpin(slot);
    }
    slots.length = 0;
    this.#olds.length = 0;
  }
}
