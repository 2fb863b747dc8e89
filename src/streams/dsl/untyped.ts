/**
 * Streams and tables without the types of their records. Those are declared for users in `api/dsl.ts`, and the compiler has
 * checked there that serdes, functions and other streams go together; underneath a key is a key.
 */
/* oxlint-disable typescript/no-explicit-any -- what may stand for every type is `any`, and it stands here only */
import type {
  AggregateOptions,
  BranchedStream,
  CogroupedStream,
  GlobalTable,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  SessionWindowedCogroupedStream,
  SessionWindowedKStream,
  TimeWindowedCogroupedStream,
  TimeWindowedKStream,
} from '../api/dsl.ts';
import type { AsyncCall, RecordContext } from '../api/context.ts';
import type {
  AsyncOptions,
  Consumed,
  Grouped,
  Joined,
  Materialized,
  Produced,
  Reading,
  Repartitioned,
  StreamJoined,
  TableJoined,
} from '../api/options.ts';
import type {
  AsyncProcessor,
  ProcessorSupplier,
  TableTransformerSupplier,
  ValueProcessorSupplier,
} from '../api/processor.ts';
import type { AnySerde } from '../graph/node.ts';

export type AnyStream = KStream<any, any>;
export type AnyBranchedStream = BranchedStream<any, any>;
export type AnyTable = KTable<any, any>;
export type AnyGroupedTable = KGroupedTable<any, any>;
export type AnyGroupedStream = KGroupedStream<any, any>;
export type AnyTimeWindowedStream = TimeWindowedKStream<any, any>;
export type AnySessionWindowedStream = SessionWindowedKStream<any, any>;
export type AnyCogroupedStream = CogroupedStream<any, any>;
export type AnyTimeWindowedCogroup = TimeWindowedCogroupedStream<any, any>;
export type AnySessionWindowedCogroup = SessionWindowedCogroupedStream<any, any>;
export type AnyGlobalTable = GlobalTable<any, any>;

export type AnyConsumed = Consumed<any, any>;
export type AnyProduced = Produced<any, any> & Serdes;
export type AnyGrouped = Grouped<any, any>;
export type AnyRepartitioned = Repartitioned<any, any>;
export type AnyMaterialized = Materialized<any, any>;
export type AnyJoined = Joined<any, any>;
export type AnyStreamJoined = StreamJoined<any, any, any>;
export type AnyTableJoined = TableJoined<any, any, any, any>;
export type AnyAggregateOptions = AggregateOptions<any, any>;

/** The serdes of what an operator makes, where they are another's than its input's. */
export interface Serdes {
  readonly key?: AnySerde;
  readonly value?: AnySerde;
}

export type Mapping = Reading & Serdes;

/** Users' functions. */
export type Mapper<R = unknown> = (key: any, value: any, context: RecordContext) => R;
/** From (key, value, aggregate) to an aggregate. */
export type Adder = (key: any, value: any, aggregate: any) => unknown;
export type Reduction = (aggregate: any, value: any) => unknown;
export type AnyJoiner = (left: any, right: any, key: any) => unknown;
export type KeySelector = (key: any, value: any) => unknown;
export type ForeignKeySelector = (value: any, key: any) => unknown;
export type AnyProcessorSupplier = ProcessorSupplier<any, any, any, any>;
export type AnyValueProcessorSupplier = ValueProcessorSupplier<any, any, any>;
export type AnyTableTransformerSupplier = TableTransformerSupplier<any, any, any>;
export type AsyncMapper<R = unknown> = (key: any, value: any, call: AsyncCall) => R | Promise<R>;
export type AnyAsyncProcessor = AsyncProcessor<any, any, any, any>;
export type Awaiting = AsyncOptions &
  Serdes & { readonly stores?: readonly string[]; readonly orElse?: (error: unknown, key: any, value: any) => unknown };
