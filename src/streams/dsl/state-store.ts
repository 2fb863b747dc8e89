// State stores that users add, for processors.
import { checkOperator, checkRequired, checkRetention, checkTopicName } from '../api/checks.ts';
import type { Graph } from '../graph/graph.ts';
import { globalProcessor } from '../operators/global-store.ts';
import { MillraceError } from '../../util/index.ts';
import type { AnyConsumed, AnyProcessorSupplier } from './untyped.ts';
import type { SerdeOf, StoreType } from '../api/options.ts';
import type { CustomStore, CustomStoreContext } from '../api/custom-store.ts';
import { bytesSerde } from '../../serde/index.ts';
import { versioningOf } from './table-node.ts';
import type { StoreSpec } from '../state/store.ts';

/**
 * A state store for processors. Its `storeType` is `IN_MEMORY` by default: processors may walk through it then. A
 * `PERSISTENT` one may be larger than the memory, and is read key by key.
 */
export type StateStoreOptions =
  | {
      readonly kind: 'key-value';
      readonly name: string;
      readonly key: SerdeOf<unknown>;
      readonly value: SerdeOf<unknown>;
      /** Keeps so many entries, those used most recently. */
      readonly maxEntries?: number;
      readonly logging?: boolean;
      readonly storeType?: StoreType;
    }
  | {
      /** A store of one's own; `log` in its context writes to its changelog. */
      readonly kind: 'custom';
      readonly name: string;
      readonly create: (context: CustomStoreContext) => CustomStore;
      readonly logging?: boolean;
    }
  | {
      /** Which value was valid when, as far back as `historyRetentionMs`. */
      readonly kind: 'versioned';
      readonly name: string;
      readonly key: SerdeOf<unknown>;
      readonly value: SerdeOf<unknown>;
      readonly historyRetentionMs: number;
      readonly segmentIntervalMs?: number;
      readonly logging?: boolean;
      readonly storeType?: StoreType;
    }
  | {
      readonly kind: 'window';
      readonly name: string;
      readonly key: SerdeOf<unknown>;
      readonly value: SerdeOf<unknown>;
      readonly retentionMs: number;
      readonly windowSizeMs: number;
      readonly logging?: boolean;
      readonly storeType?: StoreType;
    }
  | {
      readonly kind: 'session';
      readonly name: string;
      readonly key: SerdeOf<unknown>;
      readonly value: SerdeOf<unknown>;
      readonly retentionMs: number;
      readonly logging?: boolean;
      readonly storeType?: StoreType;
    };

export function stateStoreSpec(options: StateStoreOptions): StoreSpec {
  checkOperator('addStateStore', {}, options, 'storing');
  checkRequired('addStateStore', options, 'kind', 'name');
  if (options.kind === 'custom') {
    checkRequired('addStateStore', options, 'create');
    const { kind, name, create, logging = true } = options;
    return { kind, name, create, logging, key: bytesSerde, value: bytesSerde };
  }
  checkRequired('addStateStore', options, 'key', 'value');
  if (options.kind === 'window') checkRequired('addStateStore', options, 'windowSizeMs');
  if (options.kind === 'key-value' || options.kind === 'versioned') {
    versioningOf(options.name, options);
  } else {
    checkRetention(options.name, options.retentionMs, options.kind === 'window' ? options.windowSizeMs : 0);
  }
  const { kind, logging = true, storeType = 'IN_MEMORY' } = options;
  return { ...options, logging, storeType, ...(kind === 'window' ? { startsAnywhere: true } : {}) };
}

/** The store of a topic's records, made by a processor: in memory, and read anew at every start. */
export function addGlobalStore(
  graph: Graph,
  options: StateStoreOptions,
  topic: string,
  consumed: AnyConsumed,
  supplier: AnyProcessorSupplier,
): void {
  checkOperator('addGlobalStore', { supplier }, consumed, 'consuming');
  checkRequired('addGlobalStore', consumed, 'key', 'value');
  checkTopicName('addGlobalStore', topic);
  const { key, value, onDecodeError, timestampExtractor, offsetReset } = consumed;
  if (timestampExtractor !== undefined || offsetReset !== undefined) {
    throw new MillraceError(
      'INVALID_ARGUMENT',
      'addGlobalStore: the topic is read from its beginning, with its own times',
    );
  }
  const spec = { ...stateStoreSpec(options), logging: false, storeType: 'IN_MEMORY', sourceTopic: topic } as const;
  graph.addGlobalStore({ ...spec, onDecodeError }, globalProcessor(supplier, { key, value }));
}
