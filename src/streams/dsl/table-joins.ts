// How joins of tables are put into the graph.
import type { Graph } from '../graph/graph.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { required } from './stream-node.ts';
import { keyValueSpec, type TableState } from './table-node.ts';
import {
  answerSubscriptions,
  askAgain,
  receiveSubscriptions,
  rightChanges,
  resolveAnswers,
  ResponseSerde,
  subscribe,
  SubscriptionSerde,
} from '../operators/foreign-key-join.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
import type { Joiner } from '../operators/stream-join.ts';
import { joinGetter, joinTableSide, mergeTable, type TableJoinKind } from '../operators/table-join.ts';
import { type GetterSupplier, storeGetter } from '../operators/table-values.ts';
import { tableSource } from '../operators/table.ts';
import type { Named } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import type { AnyMaterialized, AnyTableJoined, Serdes } from './untyped.ts';

export function joinTables(
  left: TableState,
  right: TableState,
  joiner: Joiner,
  kind: TableJoinKind,
  options: Named & Serdes & { readonly materialized?: AnyMaterialized },
): TableState {
  const { graph } = left;
  const name = options.name ?? `${left.origin}-${right.origin}-${kind === 'inner' ? '' : `${kind}-`}join`;
  if (kind !== 'inner') left.enableOldValues();
  if (kind === 'outer') right.enableOldValues();
  const leftGetter = left.getter();
  const rightGetter = right.getter();
  const key = required(left.key ?? right.key, 'key', name);
  let sendsOld = false;
  const side = (isLeft: boolean): GraphNode => {
    const getter = isLeft ? rightGetter : leftGetter;
    return graph.add({
      name: graph.name(undefined, `${name}-${isLeft ? 'this' : 'other'}`),
      parents: [isLeft ? left.node : right.node],
      stores: getter.stores,
      reads: joiner.length === 2 && !getter.readsKey ? 'value' : 'both',
      keepsKey: true,
      keyBytesAs: key,
      build: joinTableSide({ isLeft, kind, joiner, other: getter, sendsOld: () => sendsOld }),
    });
  };
  const thisNode = side(true);
  const otherNode = side(false);
  graph.copartitioned.push({ operator: name, inputs: [thisNode, otherNode] });

  const { materialized } = options;
  const value = materialized?.value ?? options.value;
  const store: StoreSpec | null =
    materialized?.name === undefined
      ? null
      : keyValueSpec(
          graph.storeName(materialized.name, name, 'table-join'),
          materialized.key ?? key,
          required(value, 'value', materialized.name),
          materialized ?? {},
        );
  const node = graph.add({
    name: graph.name(undefined, `${name}-merge`),
    parents: [thisNode, otherNode],
    stores: store === null ? [] : [store],
    reads: 'neither',
    keepsKey: true,
    keepsValue: true,
    keyBytesAs: store === null ? null : key,
    ownKeySerde: store === null ? null : key,
    build: mergeTable(store, () => sendsOld),
  });
  const enableOldValues = (): void => {
    sendsOld = true;
    if (store === null) {
      left.enableOldValues();
      right.enableOldValues();
    }
  };
  return {
    graph,
    node,
    key,
    value,
    moved: false,
    origin: name,
    windowGraceMs: left.windowGraceMs,
    store: () => store,
    sendsOld: () => sendsOld,
    getter: () => (store === null ? joinGetter(leftGetter, rightGetter, joiner, kind) : storeGetter(store)),
    enableOldValues,
    // Both sides are kept for the join.
    enableKeptOldValues: () => {
      enableOldValues();
      return true;
    },
  };
}

export interface ForeignKeyJoin {
  readonly foreignKey: (value: unknown, key: unknown) => unknown;
  readonly joiner: Joiner;
  readonly kind: 'inner' | 'left';
}

export type ForeignKeyOptions = AnyTableJoined & {
  readonly materialized?: AnyMaterialized;
  readonly result?: AnySerde;
};

/**
 * The left table subscribes with each row to the row of the right table that it refers to, over one internal topic, and
 * gets its answers over another. The subscription carries a hash of the left row, so that answers to what the row was
 * before are recognised.
 */
export function joinOnForeignKey(
  left: TableState,
  right: TableState,
  join: ForeignKeyJoin,
  options: ForeignKeyOptions,
): TableState {
  const { graph } = left;
  const origin = `${left.origin}-${right.origin}-foreign${join.kind === 'inner' ? '' : '-left'}`;
  const name = graph.storeName(options.name, origin, 'join');
  const key = required(options.key ?? left.key, 'key', name);
  const value = required(options.value ?? left.value, 'value', name);
  const otherKey = required(options.otherKey ?? right.key, 'key', name);
  const otherValue = required(options.otherValue ?? right.value, 'value', name);
  left.enableOldValues();
  const exchange: Exchange = {
    ...join,
    graph,
    name,
    key,
    value,
    otherKey,
    subscriptions: new SubscriptionSerde() as AnySerde,
    responses: new ResponseSerde(otherValue) as AnySerde,
    registrationTopic: `${name}-subscription-registration-topic`,
    responseTopic: `${name}-subscription-response-topic`,
    left: left.getter(),
    right: right.getter(),
  };
  graph.addInternalTopic(exchange.registrationTopic);
  graph.addInternalTopic(exchange.responseTopic);
  const subscriber = addSubscriber(exchange, left.node);
  addAnswers(exchange, right.node);
  const answers = addAnswersSource(exchange);
  addRegistrations(exchange, exchange.kind === 'inner' ? [subscriber, addInquirer(exchange, answers)] : [subscriber]);
  const resolver = addResolver(exchange, answers, subscriber);
  return resultTable(exchange, resolver, options);
}

/** What the two sides of a foreign-key join send each other, and how. */
interface Exchange extends ForeignKeyJoin {
  readonly graph: Graph;
  readonly name: string;
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly otherKey: AnySerde;
  readonly subscriptions: AnySerde;
  readonly responses: AnySerde;
  readonly registrationTopic: string;
  readonly responseTopic: string;
  readonly left: GetterSupplier;
  readonly right: GetterSupplier;
}

/** Makes subscriptions. */
function addSubscriber({ graph, name, kind, foreignKey, key, value, otherKey }: Exchange, left: GraphNode): GraphNode {
  return graph.add({
    name: graph.name(undefined, `${name}-subscribe`),
    parents: [left],
    reads: 'both',
    keyBytesAs: key,
    build: subscribe({ kind, foreignKey, key, value, otherKey }),
  });
}

/** Sends subscriptions. */
function addRegistrations(
  { graph, otherKey, subscriptions, registrationTopic }: Exchange,
  parents: readonly GraphNode[],
): void {
  graph.add({
    name: graph.name(undefined, `${registrationTopic}-sink`),
    parents,
    sink: { topic: registrationTopic, key: otherKey, value: subscriptions },
    ...sinkNeeds(otherKey, subscriptions, { isShared: false, readsBoth: false }),
    build: sink({ topic: { internal: registrationTopic }, key: otherKey, value: subscriptions }),
  });
}

/** Takes subscriptions, and answers them at once and whenever the right table changes. */
function addAnswers(exchange: Exchange, rightTable: GraphNode): void {
  const { graph, name, key, otherKey, subscriptions, responses, registrationTopic, responseTopic, right } = exchange;
  const registrations = graph.add({
    name: graph.name(undefined, `${registrationTopic}-source`),
    source: { topics: [registrationTopic], key: otherKey, value: subscriptions },
  });
  const store: StoreSpec = {
    kind: 'subscription',
    name: `${name}-subscription-store`,
    key: otherKey,
    value: subscriptions,
    logging: true,
  };
  const receiver = graph.add({
    name: graph.name(undefined, `${name}-receive`),
    parents: [registrations],
    stores: [store, ...right.stores],
    reads: right.readsKey ? 'both' : 'value',
    keyBytesAs: otherKey,
    build: receiveSubscriptions(store, right),
  });
  const changes = graph.add({
    name: graph.name(undefined, `${name}-right-changes`),
    parents: [rightTable],
    stores: [store],
    reads: 'value',
    keyBytesAs: otherKey,
    build: rightChanges(store),
  });
  graph.copartitioned.push({ operator: name, inputs: [receiver, changes] });
  graph.add({
    name: graph.name(undefined, `${responseTopic}-sink`),
    parents: [receiver, changes],
    sink: { topic: responseTopic, key, value: responses },
    reads: 'both',
    build: answerSubscriptions(responseTopic, responses),
  });
}

function addAnswersSource({ graph, key, responses, responseTopic }: Exchange): GraphNode {
  return graph.add({
    name: graph.name(undefined, `${responseTopic}-source`),
    source: { topics: [responseTopic], key, value: responses },
  });
}

/** Asks again for what was answered too late. */
function addInquirer({ graph, name, foreignKey, key, value, left }: Exchange, answers: GraphNode): GraphNode {
  return graph.add({
    name: graph.name(undefined, `${name}-ask-again`),
    parents: [answers],
    stores: left.stores,
    reads: 'both',
    keyBytesAs: key,
    build: askAgain({ foreignKey, value, left }),
  });
}

/** Joins the answers with the left rows that asked. */
function addResolver(exchange: Exchange, answers: GraphNode, subscriber: GraphNode): GraphNode {
  const { graph, name, kind, joiner, key, value, left } = exchange;
  const resolver = graph.add({
    name: graph.name(undefined, `${name}-resolve`),
    parents: [answers],
    stores: left.stores,
    reads: left.readsKey ? 'both' : 'value',
    keepsKey: true,
    keyBytesAs: key,
    build: resolveAnswers({ kind, joiner, value, left }),
  });
  graph.copartitioned.push({ operator: name, inputs: [resolver, subscriber] });
  return resolver;
}

function resultTable({ graph, name, key }: Exchange, resolver: GraphNode, options: ForeignKeyOptions): TableState {
  const { materialized } = options;
  const resultValue = materialized?.value ?? options.result;
  const resultStore =
    resultValue === undefined
      ? null
      : keyValueSpec(
          graph.storeName(materialized?.name, name, 'result'),
          materialized?.key ?? key,
          resultValue,
          materialized ?? {},
        );
  let resultMaterialized: StoreSpec | null = materialized?.name === undefined ? null : resultStore;
  let sendsOld = false;
  const node = graph.add({
    name: graph.name(undefined, `${name}-result`),
    parents: [resolver],
    stores: resultMaterialized === null ? [] : [resultMaterialized],
    reads: 'value',
    keepsKey: true,
    keyBytesAs: key,
    ownKeySerde: key,
    build: tableSource(
      () => resultMaterialized,
      () => sendsOld,
    ),
  });
  const materialize = (): StoreSpec => {
    if (resultMaterialized === null) {
      resultMaterialized =
        resultStore ?? keyValueSpec(`${name}-result`, key, required(resultValue, 'value', `${name}-result`), {});
      graph.connectStore(node, resultMaterialized);
    }
    return resultMaterialized;
  };
  return {
    graph,
    node,
    key,
    value: resultValue,
    moved: false,
    origin: name,
    store: () => resultMaterialized,
    sendsOld: () => sendsOld,
    getter: () => storeGetter(materialize()),
    enableOldValues: () => {
      materialize();
      sendsOld = true;
    },
    enableKeptOldValues: () => {
      sendsOld ||= resultMaterialized !== null;
      return sendsOld;
    },
  };
}
