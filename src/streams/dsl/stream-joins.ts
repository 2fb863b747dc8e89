// How joins of streams are put into the graph: who has to be repartitioned, which stores there are, what they are called.
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { placed, required, type StreamState } from './stream-node.ts';
import type { TableState } from './table-node.ts';
import { passThrough } from '../operators/stateless.ts';
import { joinGlobalTable, joinTable } from '../operators/stream-table-join.ts';
import { type JoinKind, joinSide, type Joiner } from '../operators/stream-join.ts';
import type { Joined, Named, StreamJoined } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import type { JoinWindows } from '../api/windows.ts';
import { MillraceError } from '../../util/index.ts';

export function joinStreams(
  left: StreamState,
  right: StreamState,
  joiner: Joiner,
  kind: JoinKind,
  windows: JoinWindows,
  options: StreamJoined<unknown, unknown, unknown> = {},
): StreamState {
  const { graph } = left;
  const name = graph.storeName(
    options.name,
    `${left.origin}-${right.origin}-${kind === 'inner' ? '' : `${kind}-`}join`,
  );
  const key = options.key as AnySerde | undefined;
  const keepsLeft = kind !== 'inner';
  const keepsRight = kind === 'outer';
  const one = placed(left, `${name}-left`, key, options.value as AnySerde | undefined, !keepsLeft);
  const other = placed(right, `${name}-right`, key, options.otherValue as AnySerde | undefined, !keepsRight);

  const storeName = options.storeName ?? name;
  const keySerde = required(key ?? one.key ?? other.key, 'key', name);
  const leftValue = required((options.value as AnySerde | undefined) ?? one.value, 'value', name);
  const rightValue = required((options.otherValue as AnySerde | undefined) ?? other.value, 'value', name);
  const sizeMs = windows.sizeMs;
  const retentionMs = options.retentionMs ?? sizeMs + windows.graceMs;
  if (retentionMs < sizeMs + windows.graceMs) {
    throw new MillraceError(
      'INVALID_RETENTION',
      `${name} keeps records for ${retentionMs} ms, but they can be joined for ${sizeMs + windows.graceMs} ms`,
    );
  }
  const logging = options.logging ?? true;
  const buffer = (suffix: string, value: AnySerde): StoreSpec => ({
    kind: 'join-buffer',
    name: `${storeName}-${suffix}-join-store`,
    key: keySerde,
    value,
    logging,
    retentionMs,
  });
  const leftStore = buffer('this', leftValue);
  const rightStore = buffer(kind === 'outer' ? 'outer-other' : 'other', rightValue);
  const waiting: StoreSpec | null =
    kind === 'inner' || windows.eager
      ? null
      : {
          kind: 'outer-buffer',
          name: `${storeName}-${kind}-shared-join-store`,
          key: keySerde,
          value: leftValue,
          otherValue: rightValue,
          logging,
        };
  const stores = [leftStore, rightStore, ...(waiting === null ? [] : [waiting])];
  const side = (isLeft: boolean, parent: GraphNode): GraphNode =>
    graph.add({
      name: graph.name(undefined, `${name}-${isLeft ? 'this' : 'other'}`),
      parents: [parent],
      stores,
      reads: joiner.length === 2 ? 'value' : 'both',
      keepsKey: true,
      keyBytesAs: keySerde,
      valueBytesAs: isLeft ? leftValue : rightValue,
      ownKeySerde: keySerde,
      build: joinSide({
        id: name,
        isLeft,
        kind,
        joiner,
        windows,
        own: isLeft ? leftStore : rightStore,
        other: isLeft ? rightStore : leftStore,
        waiting,
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
    build: passThrough,
  });
  return { graph, node, key: keySerde, value: undefined, moved: false, origin: name };
}

export function joinWithTable(
  stream: StreamState,
  table: TableState,
  joiner: Joiner,
  kind: 'inner' | 'left',
  options: Joined<unknown, unknown> = {},
): StreamState {
  const { graph, origin } = stream;
  const name = graph.storeName(options.name, `${origin}-${table.origin}-${kind === 'inner' ? '' : 'left-'}join`);
  const behind = placed(
    stream,
    name,
    options.key as AnySerde | undefined,
    options.value as AnySerde | undefined,
    kind === 'inner',
  );
  const getter = table.getter();
  const keySerde = required(table.key, 'key', name);
  const node = graph.add({
    name: graph.name(undefined, name),
    parents: [behind.node],
    stores: getter.stores,
    reads: joiner.length === 2 && !getter.readsKey ? 'value' : 'both',
    keepsKey: true,
    keyBytesAs: keySerde,
    build: joinTable(joiner, kind, getter),
  });
  graph.copartitioned.push({ operator: name, inputs: [node, table.node] });
  return { ...behind, value: undefined, node };
}

export function joinWithGlobalTable(
  stream: StreamState,
  store: StoreSpec,
  keySelector: (key: unknown, value: unknown) => unknown,
  joiner: Joiner,
  kind: 'inner' | 'left',
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
