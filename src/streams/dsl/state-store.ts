// State stores that users add, for processors.
import { checkOperator, checkRequired, checkRetention } from '../api/checks.ts';
import type { SerdeOf, StoreType } from '../api/options.ts';
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
      readonly logging?: boolean;
      readonly storeType?: StoreType;
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
  checkRequired('addStateStore', options, 'kind', 'name', 'key', 'value');
  if (options.kind === 'window') checkRequired('addStateStore', options, 'windowSizeMs');
  if (options.kind === 'key-value' || options.kind === 'versioned') {
    versioningOf(options.name, options);
  } else {
    checkRetention(options.name, options.retentionMs, options.kind === 'window' ? options.windowSizeMs : 0);
  }
  const { kind, logging = true, storeType = 'IN_MEMORY' } = options;
  return { ...options, logging, storeType, ...(kind === 'window' ? { startsAnywhere: true } : {}) };
}
