// The Streams library: a typed DSL over topics, its runtime on the Client port, and a driver that runs topologies in tests.
export type { AsyncCall, RecordContext } from './api/context.ts';
export type * from './api/dsl.ts';

export type { QueryableStore, ReadOnlyStore } from './runtime/interactive-queries.ts';
export type { KeyChanges, StorePart } from './runtime/store-parts.ts';
export type * from './api/options.ts';
export type * from './api/processor.ts';
export * from './api/queries.ts';
export type { StateStoreOptions } from './dsl/state-store.ts';
export { StreamsBuilder } from './dsl/streams-builder.ts';
export { TopologyBuilder } from './dsl/topology-builder.ts';
export type { CustomStore, CustomStoreContext } from './api/custom-store.ts';
export { Stores } from './api/suppliers.ts';
export type {
  Entry,
  KeyValueStore,
  QueryableKeyValueStore,
  QueryableSessionStore,
  QueryableWindowStore,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedStore,
  ReadOnlyWindowStore,
  SessionStore,
  VersionedKeyValueStore,
  VersionedRecord,
  WindowStore,
} from './api/stores.ts';
export {
  type InputRecord,
  type OutputRecord,
  type SynchronousOptions,
  SynchronousTopology,
} from './runtime/synchronous.ts';
export { type TestDriverOptions, TopologyTestDriver } from './runtime/test-driver.ts';
export {
  type DescribedGlobalStore,
  type DescribedNode,
  type DescribedSubtopology,
  TopologyDescription,
} from './graph/description.ts';
export { toDot, toMermaid } from './graph/drawing.ts';
export { type SubTopology, Topology, type TopologyOptions } from './graph/topology.ts';
export {
  JoinWindows,
  SessionWindowedSerde,
  SessionWindows,
  SlidingWindows,
  TimeWindowedSerde,
  TimeWindows,
  UnlimitedWindows,
  type Windowed,
  Windows,
  type WindowsOptions,
} from './api/windows.ts';
export { StateUnreadable } from './state/store.ts';
export type * from './api/instance.ts';
export { KafkaStreams } from './runtime/app.ts';
export { type AskInstance, RemoteQueries, type RemoteQueryRequest } from './runtime/remote-queries.ts';
export { type AnsweringInstance, answerLines } from './runtime/query-wire.ts';
export { PROMETHEUS_TYPE } from './runtime/prometheus.ts';
export { topologyIn } from './runtime/module-topology.ts';
export type { ModuleSettings, ThreadedStreams } from './runtime/threaded-streams.ts';
export type { ProcessingGuarantee, StreamsSettings } from './runtime/settings.ts';
export {
  resetApplication,
  resetPositions,
  type ResetOptions,
  type ResetReport,
  type ResetTo,
} from './runtime/reset.ts';
export type { LateReport } from './api/options.ts';
