// How joins of streams are put into the graph: who has to be repartitioned, which stores there are, what they are called.
import { checkRetention } from '../api/checks.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { placed, required, type StreamState } from './stream-node.ts';
import type { TableState } from './table-node.ts';
import { passThrough } from '../operators/stateless.ts';
import {
  checkGrace,
  type GraceJoin,
  joinGlobalTable,
  joinTable,
  joinTableWithGrace,
  WaitingRecordSerde,
} from '../operators/stream-table-join.ts';
import type { GetterSupplier } from '../operators/table-values.ts';
import { type JoinKind, joinSide, type Joiner } from '../operators/stream-join.ts';
import type { Named } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import type { AnyJoined, AnyStreamJoined } from './untyped.ts';
import type { JoinWindows } from '../api/windows.ts';

export interface WindowedJoin {
  readonly joiner: Joiner;
  readonly kind: JoinKind;
  readonly windows: JoinWindows;
}

export function joinStreams(
  left: StreamState,
  right: StreamState,
  join: WindowedJoin,
  options: AnyStreamJoined = {},
): StreamState {
  const { graph } = left;
  const { joiner, kind } = join;
  const origin = `${left.origin}-${right.origin}${kind === 'inner' ? '' : `-${kind}`}`;
  const name = graph.storeName(options.name, origin, 'join');
  const key = options.key;
  const keepsLeft = kind !== 'inner';
  const keepsRight = kind === 'outer';
  const one = placed(left, `${name}-left`, key, options.value, !keepsLeft);
  const other = placed(right, `${name}-right`, key, options.otherValue, !keepsRight);

  const serdes: JoinSerdes = {
    key: required(key ?? one.key ?? other.key, 'key', name),
    left: required(options.value ?? one.value, 'value', name),
    right: required(options.otherValue ?? other.value, 'value', name),
  };
  const storeName = options.storeName === undefined ? name : graph.storeName(options.storeName, origin, 'join');
  const stores = joinStores(storeName, join, serdes, options);
  const side = (isLeft: boolean, parent: GraphNode): GraphNode =>
    graph.add({
      name: graph.name(undefined, `${name}-${isLeft ? 'this' : 'other'}`),
      parents: [parent],
      stores: [stores.left, stores.right, ...(stores.waiting === null ? [] : [stores.waiting])],
      reads: joiner.length === 2 ? 'value' : 'both',
      keepsKey: true,
      keyBytesAs: serdes.key,
      valueBytesAs: isLeft ? serdes.left : serdes.right,
      ownKeySerde: serdes.key,
      build: joinSide({
        id: name,
        isLeft,
        ...join,
        own: isLeft ? stores.left : stores.right,
        other: isLeft ? stores.right : stores.left,
        waiting: stores.waiting,
      }),
    });
  const thisNode = side(true, one.node);
  const otherNode = side(false, other.node);
  graph.copartitioned.push({ operator: name, inputs: [thisNode, otherNode] });
  const node = graph.add({
    name: graph.name(undefined, `${name}-merge`),
    parents: [thisNode, otherNode],
    reads: 'neither',
    keepsKey: true,
    keepsValue: true,
    emitsEach: true,
    build: passThrough,
  });
  return { graph, node, key: serdes.key, value: undefined, moved: false, origin: name };
}

interface JoinSerdes {
  readonly key: AnySerde;
  readonly left: AnySerde;
  readonly right: AnySerde;
}

/** What each side keeps of its records, and which ones wait for a partner before they are joined with none. */
function joinStores(
  storeName: string,
  { kind, windows }: WindowedJoin,
  { key, left, right }: JoinSerdes,
  options: AnyStreamJoined,
): { left: StoreSpec; right: StoreSpec; waiting: StoreSpec | null } {
  const { logging = true, storeType } = options;
  const joinableMs = windows.sizeMs + windows.graceMs;
  const retentionMs = options.retentionMs ?? joinableMs;
  checkRetention(storeName, retentionMs, joinableMs);
  const buffer = (suffix: string, value: AnySerde): StoreSpec => ({
    kind: 'join-buffer',
    name: `${storeName}-${suffix}-join-store`,
    key,
    value,
    logging,
    storeType,
    retentionMs,
  });
  return {
    left: buffer('this', left),
    right: buffer(kind === 'outer' ? 'outer-other' : 'other', right),
    waiting:
      kind === 'inner' || windows.eager
        ? null
        : {
            kind: 'outer-buffer',
            name: `${storeName}-${kind}-shared-join-store`,
            key,
            value: left,
            otherValue: right,
            logging,
          },
  };
}

export function joinWithTable(
  stream: StreamState,
  table: TableState,
  joiner: Joiner,
  kind: 'inner' | 'left',
  options: AnyJoined = {},
): StreamState {
  const { graph, origin } = stream;
  const joined = `${origin}-${table.origin}${kind === 'inner' ? '' : '-left'}`;
  // Without a repartition topic or a buffer nothing is named after it that outlives the program.
  const isKept = stream.moved || options.gracePeriodMs !== undefined;
  const name = isKept ? graph.storeName(options.name, joined, 'join') : (options.name ?? `${joined}-join`);
  const behind = placed(stream, name, options.key, options.value, kind === 'inner');
  const getter = table.getter();
  const keySerde = required(table.key, 'key', name);
  const lookup = { joiner, kind, supplier: getter };
  const buffer = graceBuffer(name, keySerde, behind, getter, options);
  const node = graph.add({
    name: graph.name(undefined, name),
    parents: [behind.node],
    stores: buffer === undefined ? getter.stores : [...getter.stores, buffer.buffer],
    reads: joiner.length === 2 && !getter.readsKey ? 'value' : 'both',
    keepsKey: true,
    keyBytesAs: keySerde,
    build: buffer === undefined ? joinTable(joiner, kind, getter) : joinTableWithGrace({ ...lookup, ...buffer }),
  });
  graph.copartitioned.push({ operator: name, inputs: [node, table.node] });
  return { ...behind, value: undefined, node };
}

/** The store of records that wait for their time, where they do. */
function graceBuffer(
  join: string,
  key: AnySerde,
  stream: StreamState,
  getter: GetterSupplier,
  { gracePeriodMs: graceMs }: AnyJoined,
): Pick<GraceJoin, 'buffer' | 'key' | 'graceMs'> | undefined {
  if (graceMs === undefined) return undefined;
  checkGrace(join, getter, graceMs);
  const value = new WaitingRecordSerde(required(stream.value, 'value', join)) as AnySerde;
  return { key, graceMs, buffer: { kind: 'outer-buffer', name: `${join}-buffer`, key, value, logging: true } };
}

export interface GlobalJoin {
  readonly keySelector: (key: unknown, value: unknown) => unknown;
  readonly joiner: Joiner;
  readonly kind: 'inner' | 'left';
}

export function joinWithGlobalTable(
  stream: StreamState,
  store: StoreSpec,
  { keySelector, joiner, kind }: GlobalJoin,
  options: Named,
): StreamState {
  const { graph, origin } = stream;
  const node = graph.add({
    name: graph.name(options.name, `${origin}-${store.sourceTopic}-${kind === 'inner' ? '' : 'left-'}join`),
    parents: [stream.node],
    reads: 'both',
    keepsKey: true,
    build: joinGlobalTable(joiner, keySelector, kind, store),
  });
  return { ...stream, value: undefined, node };
}
