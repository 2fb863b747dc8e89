/**
 * An operator in the graph, and what it is built with: nodes know nothing of tasks, `build` makes the operator's closure for
 * one task, which shows itself as a `TaskScope`.
 */
import type { Header } from '../../client/index.ts';
import type { Serde } from '../../serde/index.ts';
import type { Environment } from '../../util/index.ts';
import type { RecordView, TaskContext } from '../api/context.ts';
import type { DecodeErrorHandler, DropReason, Reads, SourceOffsetReset, TimestampExtractor } from '../api/options.ts';
import type { EmitPosition, StateStore, StoreSpec } from '../state/store.ts';

/** What flows along an edge between stream operators. A key or value that nobody reads is `undefined`; null is null. */
export type Emit = (key: unknown, value: unknown, timestamp: number, context: TaskContext) => void;
/** What flows between table operators: the new value and, where somebody asked for it, the old one. */
export type EmitChange = (key: unknown, value: unknown, old: unknown, timestamp: number, context: TaskContext) => void;

export type AnySerde = Serde<unknown>;

export interface SourceSpec {
  readonly topics: readonly string[];
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly timestampExtractor?: TimestampExtractor<unknown, unknown> | undefined;
  readonly offsetReset?: SourceOffsetReset | undefined;
  readonly onDecodeError?: DecodeErrorHandler | undefined;
}

export interface SinkSpec {
  readonly topic: string | ((key: unknown, value: unknown, context: TaskContext) => string);
  readonly key: AnySerde;
  readonly value: AnySerde;
}

/** A topic that belongs to the application: its full name has the application's id in front. */
export interface InternalTopic {
  readonly name: string;
  /** The partition count that the user asked for; default: that of the sources it is fed from. */
  readonly partitions: number | undefined;
}

/** How records of its topic come into a global store, where a processor says it. */
export interface GlobalUpdating {
  /** The serdes of the topic. */
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly build: (scope: {
    readonly applicationId: string;
    readonly environment: Environment;
    readonly state: StateStore;
  }) => GlobalUpdate;
}

export interface GlobalUpdate {
  decode(record: RecordView): { readonly key: unknown; readonly value: unknown };
  process(
    decoded: { readonly key: unknown; readonly value: unknown },
    record: RecordView,
    place: { readonly topic: string; readonly partition: number },
  ): void;
  close(): void;
}

export interface GraphNode {
  readonly index: number;
  readonly name: string;
  readonly parents: GraphNode[];
  readonly children: GraphNode[];
  readonly stores: StoreSpec[];
  readonly source: SourceSpec | null;
  readonly sink: SinkSpec | null;
  /** What the operator itself looks at, children not counted. */
  readonly reads: Reads;
  /** The serdes in which the operator wants the bytes of keys and values; it needs them decoded where they do not lie at hand. */
  readonly keyBytesAs: AnySerde | null;
  readonly valueBytesAs: AnySerde | null;
  /** Whether keys and values go through it as they came: then its children's needs are its own. */
  readonly keepsKey: boolean;
  readonly keepsValue: boolean;
  /** The serde of the key bytes that the operator puts into the context, when it does. */
  readonly ownKeySerde: AnySerde | null;
  /** The same for values. */
  readonly ownValueSerde: AnySerde | null;
  readonly build: ((scope: TaskScope, node: GraphNode) => Emit | EmitChange) | null;
  /** Whether each record that comes in goes on as one, but for those that are counted as left out. */
  readonly emitsEach: boolean;
  /** What `StreamsBuilder.within` calls the part of the program that the operator is made for. */
  readonly part: string | undefined;
}

export interface NodeOptions {
  readonly name: string;
  readonly parents?: readonly GraphNode[];
  readonly stores?: readonly StoreSpec[];
  readonly source?: SourceSpec;
  readonly sink?: SinkSpec;
  readonly reads?: Reads | undefined;
  readonly keyBytesAs?: AnySerde | null;
  readonly valueBytesAs?: AnySerde | null;
  readonly keepsKey?: boolean;
  readonly keepsValue?: boolean;
  readonly ownKeySerde?: AnySerde | null;
  readonly ownValueSerde?: AnySerde | null;
  readonly build?: (scope: TaskScope, node: GraphNode) => Emit | EmitChange;
  readonly emitsEach?: boolean;
}

/** What of the records is needed decoded around a node, and where the bytes of keys and values are at hand. */
export interface Decoding {
  childrenNeedKey(node: GraphNode): boolean;
  childrenNeedValue(node: GraphNode): boolean;
  hasKeyBytes(node: GraphNode): boolean;
  hasValueBytes(node: GraphNode): boolean;
}

/** Where a task's results go. Keys and values are views that are valid during the call. */
export interface TaskOutput {
  send(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] | undefined,
    choose?: (partitions: number) => readonly number[] | undefined,
  ): void;
  /**
   * The partitions of a topic; 0 while that is not known, and then `send` takes partition -1, and how to choose them
   * where the key does not say it.
   */
  partitionsOf(topic: string): number;
  /** False where there are no partitions to choose from: whatever number a partitioner answers, it is one that may exist. */
  readonly hasPartitions: boolean;
}

/** What a task asks of an operator whose function is waited for. */
export interface TaskCalls {
  /** Records that have come in, and whose results have not gone on. */
  readonly underWay: number;
  /** Nothing more should come in. */
  readonly isFull: boolean;
  readonly hasResults: boolean;
  /** Lets results go on. */
  emitResults(): void;
}

/** What an operator gets to know of the task it is built for. */
export interface TaskScope {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly context: TaskContext;
  readonly plan: Decoding;
  readonly output: TaskOutput;
  readonly environment: Environment;
  /** The input of everything behind `node`, as one function. */
  forward(node: GraphNode): Emit;
  forwardChange(node: GraphNode): EmitChange;
  /** The input of one of several children, for an operator that chooses among them. */
  inputOf(child: GraphNode): Emit;
  store<S extends StateStore>(spec: StoreSpec): S;
  /** A store that every instance has the whole of. */
  globalStore(name: string): StateStore | undefined;
  /** An object that several operators of one task share; made by the first who asks. */
  shared<T>(id: string, create: () => T): T;
  /** Whether a record moves a window store's time on before what it closes is emitted. */
  readonly forgetsBeforeClosing: boolean;
  /** Whether updates of this store go downstream once per commit. */
  isCached(spec: StoreSpec): boolean;
  /** Runs before every commit, upstream operators first. */
  onFlush(node: GraphNode, flush: () => void): void;
  /** Has the task ask about calls; what it returns is to be called when there are results. */
  onCalls(node: GraphNode, calls: TaskCalls): () => void;
  /** Runs when the task closes. */
  onClose(close: () => void): void;
  schedule(intervalMs: number, by: 'streamTime' | 'wallClock', run: (timestamp: number) => void): () => void;
  /** The full name of an internal topic. */
  internalTopic(name: string): string;
  /** Counts and reports a record that is left out by rule. */
  drop(reason: DropReason, node: GraphNode): void;
  /** A user's function threw: returns when the record is to be skipped, throws otherwise. */
  failed(error: unknown, node: GraphNode): void;
  /** The largest timestamp that this task took up, as far as those who feed it have come. */
  streamTime(): number;
  /** Runs when those who feed the task have come further, while no record does it: `timeOf` may be later than before. */
  onTime(node: GraphNode, run: () => void): void;
  /** An operator's own time: the largest timestamp it has seen, as far as those who feed the task have come. */
  timeOf(position: EmitPosition): number;
  /** The same behind a record with that timestamp. */
  timeAfter(position: EmitPosition, timestamp: number): number;
  /** The operator emits records that are up to so many milliseconds older than the time it has come to. */
  holdsBack(node: GraphNode, position: EmitPosition, ms: () => number): void;
  now(): number;
  /** How long the task has had nothing to do: no record has come, and none is waiting. */
  quietMs(): number;
  /** Operators' own times have gone on by the wall clock, and are committed though no record has moved them. */
  goesByClock(): void;
  requestCommit(): void;
  position(id: string): EmitPosition;
}
