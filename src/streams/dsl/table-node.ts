/** What tables are underneath: where they stand in the graph, and how their values can be looked up. */
import type { AnySerde } from '../graph/node.ts';
import { type GetterSupplier, storeGetter } from '../operators/table-values.ts';
import { tableSource } from '../operators/table.ts';
import type { DecodeErrorHandler } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import { MillraceError } from '../../util/index.ts';
import { required, type StreamState } from './stream-node.ts';
import type { AnyMaterialized } from './untyped.ts';
import { SessionWindowedSerde, TimeWindowedSerde } from '../api/windows.ts';

export interface TableState extends StreamState {
  /** The table's own store; null when there is none, or none yet. */
  readonly store: () => StoreSpec | null;
  /** Gives the current value of a key; makes a store where there is none yet. */
  readonly getter: () => GetterSupplier;
  /** From here on changes carry the old value; makes a store where there is none yet. */
  readonly enableOldValues: () => void;
  /** The same where old values are at hand without a further store. Returns whether they are. */
  readonly enableKeptOldValues: () => boolean;
  readonly sendsOld: () => boolean;
  /** Tables without a store whose values are those of a versioned one. */
  readonly showsVersions?: boolean;
  /** How long after its end a windowed table's window may still change; undefined when the keys are not windowed. */
  readonly windowGraceMs?: number | undefined;
}

/** Whether it is known which value a key of the table had when. */
export function isVersioned(table: TableState): boolean {
  const store = table.store();
  return store === null ? (table.showsVersions ?? false) : store.kind === 'versioned';
}

export function keyValueSpec(name: string, key: AnySerde, value: AnySerde, options: AnyMaterialized): StoreSpec {
  return {
    ...versioningOf(name, options),
    name,
    key,
    value,
    logging: options.logging ?? true,
    caching: options.caching,
    storeType: options.storeType,
    topicConfig: options.topicConfig,
  };
}

/** What makes a store a versioned one, one that forgets, or neither. */
export function versioningOf(
  name: string,
  options: Pick<
    AnyMaterialized,
    'kind' | 'historyRetentionMs' | 'segmentIntervalMs' | 'maxEntries' | 'caching' | 'windowSizeMs'
  >,
): Pick<StoreSpec, 'kind' | 'historyRetentionMs' | 'segmentIntervalMs' | 'maxEntries'> {
  const { historyRetentionMs, segmentIntervalMs, maxEntries, caching } = options;
  const kind = options.kind ?? (historyRetentionMs === undefined ? 'key-value' : 'versioned');
  const refuse = (why: string): never => {
    throw new MillraceError('INVALID_ARGUMENT', `${name}: ${why}`);
  };
  if (kind === 'window' || kind === 'session' || options.windowSizeMs !== undefined) {
    return refuse('its keys have no windows, so that a store of windows is not for them');
  }
  if (kind === 'key-value') {
    if (historyRetentionMs !== undefined || segmentIntervalMs !== undefined) {
      refuse('historyRetentionMs and segmentIntervalMs are of versioned stores');
    }
    if (maxEntries === undefined) return { kind };
    if (caching === true) refuse('a store with maxEntries has no cache');
    return { kind, maxEntries };
  }
  if (historyRetentionMs === undefined) return refuse('a versioned store needs the option historyRetentionMs');
  if (maxEntries !== undefined) refuse('maxEntries is of key-value stores');
  if (caching === true) refuse('a versioned store takes every change at its own time, and has no cache');
  return { kind, historyRetentionMs, ...(segmentIntervalMs === undefined ? {} : { segmentIntervalMs }) };
}

/** The table of the latest values of a stream's keys. Its store exists when it was named, or once something needs it. */
export function tableFromStream(
  stream: StreamState,
  storeName: string,
  options: AnyMaterialized,
  source?: { readonly topic: string; readonly onDecodeError: DecodeErrorHandler | undefined },
): TableState {
  const { graph } = stream;
  const key = required(options.key ?? stream.key, 'key', storeName);
  const value = required(options.value ?? stream.value, 'value', storeName);
  const spec: StoreSpec = {
    ...keyValueSpec(storeName, key, value, options),
    sourceTopic: source?.topic,
    onDecodeError: source?.onDecodeError,
  };
  let store: StoreSpec | null = null;
  let sendsOld = false;
  const node = graph.add({
    name: graph.name(undefined, `${storeName}-table`),
    parents: [stream.node],
    reads: 'value',
    keepsKey: true,
    keyBytesAs: key,
    ownKeySerde: key,
    build: tableSource(
      () => store,
      () => sendsOld,
    ),
  });
  const materialize = (): StoreSpec => {
    if (store === null) {
      store = spec;
      graph.connectStore(node, spec);
    }
    return store;
  };
  if (options.name !== undefined || spec.kind === 'versioned' || spec.maxEntries !== undefined) materialize();
  return {
    graph,
    node,
    key,
    value,
    moved: false,
    origin: storeName,
    store: () => store,
    getter: () => storeGetter(materialize()),
    sendsOld: () => sendsOld,
    enableOldValues: () => {
      materialize();
      sendsOld = true;
    },
    enableKeptOldValues: () => {
      sendsOld ||= store !== null;
      return sendsOld;
    },
  };
}

/** The serde of a windowed table's keys. */
export function windowedSerde(key: AnySerde, sizeMs: number | null): AnySerde {
  return (sizeMs === null ? new SessionWindowedSerde(key) : new TimeWindowedSerde(key, sizeMs)) as AnySerde;
}
