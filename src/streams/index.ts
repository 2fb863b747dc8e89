// The Streams library: a typed DSL over topics, its runtime on the Client port, and a driver that runs topologies in tests.
export type { RecordContext } from './context.ts';
export { GlobalTable } from './global-table.ts';
export {
  CogroupedStream,
  KGroupedStream,
  SessionWindowedKStream,
  TimeWindowedKStream,
} from './grouped.ts';

export type { ReadOnlyStore } from './interactive-queries.ts';
export { BranchedStream, KStream } from './kstream.ts';
export { KGroupedTable, KTable } from './ktable.ts';
export type * from './options.ts';
export type * from './processor.ts';
export { type StateStoreOptions, StreamsBuilder } from './streams-builder.ts';
export type {
  Entry,
  KeyValueStore,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyWindowStore,
  SessionStore,
  WindowStore,
} from './state/typed-stores.ts';
export { type OutputRecord, type TestDriverOptions, TopologyTestDriver } from './test-driver.ts';
export { type SubTopology, Topology, type TopologyOptions } from './topology.ts';
export {
  JoinWindows,
  SessionWindowedSerde,
  SessionWindows,
  SlidingWindows,
  TimeWindowedSerde,
  TimeWindows,
  type Windowed,
} from './windows.ts';
export { KafkaStreams, type RestoreReport, type StreamsState, type TaskMetrics } from './runtime/app.ts';
export type { ProcessingGuarantee, StreamsSettings } from './runtime/settings.ts';
export type { LateReport } from './runtime/late-reports.ts';
