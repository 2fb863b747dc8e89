// How aggregations of grouped tables are put into the graph: the changes of rows travel to their groups over a topic.
import type { AnySerde } from '../graph/node.ts';
import { ChangeSerde, aggregateChanges, selectGroup, type TableAggregation } from '../operators/table-aggregate.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
import { storeGetter } from '../operators/table-values.ts';
import { required } from './stream-node.ts';
import { keyValueSpec, type TableState } from './table-node.ts';
import type { AnyAggregateOptions } from './untyped.ts';

export function aggregateGroups(
  table: TableState,
  groups: {
    readonly name: string | undefined;
    readonly kind: string;
    readonly selector: (key: unknown, value: unknown) => readonly [unknown, unknown] | null;
    readonly key: AnySerde | undefined;
    readonly value: AnySerde | undefined;
  },
  aggregation: TableAggregation,
  options: AnyAggregateOptions,
): TableState {
  const { graph } = table;
  const name = graph.storeName(
    options.name,
    groups.name ?? table.origin,
    `grouped-${groups.kind}`,
    (options.name ?? groups.name) !== undefined,
  );
  const topic = `${groups.name ?? name}-repartition`;
  const key = required(groups.key, 'key', topic);
  const value = required(groups.value, 'value', topic);
  const changes = new ChangeSerde(value) as AnySerde;

  const select = graph.add({
    name: graph.name(undefined, `${name}-select`),
    parents: [table.node],
    reads: 'both',
    build: selectGroup(groups.selector, key),
  });
  graph.addInternalTopic(topic);
  graph.add({
    name: graph.name(undefined, `${topic}-sink`),
    parents: [select],
    sink: { topic, key, value: changes },
    ...sinkNeeds(key, changes, { isShared: false, readsBoth: false }),
    build: sink({ topic: { internal: topic }, key, value: changes }),
  });
  const source = graph.add({
    name: graph.name(undefined, `${topic}-source`),
    source: { topics: [topic], key, value: changes },
  });

  const storeKey = options.key ?? key;
  const storeValue = required(options.value, 'value', name);
  const spec = keyValueSpec(name, storeKey, storeValue, options);
  let sendsOld = false;
  const node = graph.add({
    name: graph.name(options.operatorName, `${name}-aggregate`),
    parents: [source],
    stores: [spec],
    reads: options.reads === 'neither' || options.reads === 'value' ? 'value' : 'both',
    keepsKey: true,
    keyBytesAs: storeKey,
    ownKeySerde: storeKey,
    build: aggregateChanges(spec, aggregation, () => sendsOld),
  });
  return {
    graph,
    node,
    key: storeKey,
    value: storeValue,
    moved: false,
    origin: name,
    store: () => spec,
    getter: () => storeGetter(spec),
    sendsOld: () => sendsOld,
    enableOldValues: () => {
      sendsOld = true;
    },
    enableKeptOldValues: () => {
      sendsOld = true;
      return true;
    },
  };
}
