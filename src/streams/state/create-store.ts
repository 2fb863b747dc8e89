import { BufferState } from './buffer-store.ts';
import { CustomState } from './custom-store.ts';
import { IntervalState } from './interval-store.ts';
import { KeyValueState } from './key-value-store.ts';
import { LruState } from './lru-store.ts';
import { OuterBufferState } from './outer-buffer-store.ts';
import type { StateStore, StoreSpec, Tracking } from './store.ts';
import { SubscriptionState } from './subscription-store.ts';
import { VersionedState } from './versioned-store.ts';
import { WindowState } from './window-store.ts';

/** The store that a specification asks for, empty. */
export function createStore(spec: StoreSpec, tracking: Tracking): StateStore {
  switch (spec.kind) {
    case 'key-value':
      return spec.maxEntries === undefined ? new KeyValueState(spec, tracking) : new LruState(spec, tracking);
    case 'window':
      return spec.startsAnywhere === true ? new IntervalState(spec, tracking) : new WindowState(spec, tracking);
    case 'session':
    case 'sliding':
    case 'join-buffer':
      return new IntervalState(spec, tracking);
    case 'outer-buffer':
      return new OuterBufferState(spec, tracking);
    case 'custom':
      return new CustomState(spec, tracking);
    case 'versioned':
      return new VersionedState(spec, tracking);
    case 'suppress':
      return new BufferState(spec, tracking);
    case 'subscription':
      return new SubscriptionState(spec, tracking);
  }
}
