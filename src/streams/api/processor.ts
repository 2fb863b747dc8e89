import type { Header } from '../../client/index.ts';
import type { AsyncCall, RecordContext } from './context.ts';
import type { CustomStore } from './custom-store.ts';
import type { KeyValueStore, SessionStore, VersionedKeyValueStore, WindowStore } from './stores.ts';

/** A record as processors see it. */
export interface StreamRecord<K, V> {
  /** Decoded. */
  readonly key: K;
  /** Decoded. */
  readonly value: V;
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number;
  /** In their order. */
  readonly headers: readonly Header[];
}

/** What a processor forwards; timestamp and headers default to those of the record at hand. */
export interface ForwardedRecord<K, V> {
  /** The key of the new record. */
  readonly key: K;
  /** The value of the new record. */
  readonly value: V;
  /** Milliseconds since the epoch. */
  readonly timestamp?: number;
  /** In their order. */
  readonly headers?: readonly Header[];
}

/** What goes on until it is cancelled. */
export interface Cancellable {
  /** Ends it. */
  cancel(): void;
}

/** What a processor has around it: its record, its stores, and the way on. */
export interface ProcessorContext<K, V> {
  /** The application's. */
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** The record at hand; topic is empty inside a punctuation. */
  readonly record: RecordContext;
  /** To all operators behind this one, or to the one that is named. */
  forward(record: ForwardedRecord<K, V>, child?: string): void;
  /** A store that the processor was connected to. */
  keyValueStore<SK, SV>(name: string): KeyValueStore<SK, SV>;
  /** A store that the processor was connected to. */
  versionedStore<SK, SV>(name: string): VersionedKeyValueStore<SK, SV>;
  /** A store of one's own, as its `create` has made it. */
  customStore<S extends CustomStore>(name: string): S;
  /** A store that the processor was connected to. */
  windowStore<SK, SV>(name: string): WindowStore<SK, SV>;
  /** A store that the processor was connected to. */
  sessionStore<SK, SV>(name: string): SessionStore<SK, SV>;
  /** Calls `run` whenever the interval has passed in stream time or wall-clock time; missed calls collapse into one. */
  schedule(intervalMs: number, by: 'streamTime' | 'wallClock', run: (timestamp: number) => Ignored): Cancellable;
  /** Asks for a commit soon. */
  commit(): void;
  /** Event time that the task has come to, milliseconds since the epoch. */
  currentStreamTimeMs(): number;
  /** The wall clock, milliseconds since the epoch. */
  currentSystemTimeMs(): number;
}

/** Whatever a function returns that nobody looks at, but for a promise: nobody waits for it. */
type Ignored = void | null | undefined | boolean | number | bigint | string | (object & { readonly then?: undefined });

/** An operator in the user's own code; one for each task. */
export interface Processor<K, V> {
  /** Called with each record. It must not return a promise: nobody waits for it. */
  process(record: StreamRecord<K, V>): Ignored;
  /** Called when the task ends. */
  close?(): void;
}

/** What a function of `processAsync` gets for one call; when that is over, it throws `CALL_IS_OVER`. */
export interface AsyncProcessorContext<K, V>
  extends Pick<
    ProcessorContext<K, V>,
    'applicationId' | 'taskId' | 'keyValueStore' | 'versionedStore' | 'customStore' | 'windowStore' | 'sessionStore'
  > {
  /** The record of the call. */
  readonly record: AsyncCall;
  /** Goes on when the call has ended well, to all operators behind this one, or to the one that is named. */
  forward(record: ForwardedRecord<K, V>, child?: string): void;
}

/** An operator that is waited for; called with each record. */
export type AsyncProcessor<K, V, K2, V2> = (
  record: StreamRecord<K, V>,
  context: AsyncProcessorContext<K2, V2>,
) => Promise<void>;

/** Called once per task. */
export type ProcessorSupplier<K, V, K2, V2> = (context: ProcessorContext<K2, V2>) => Processor<K, V>;

/** Returns the function that makes a table's new values; called once per task. */
export type TableTransformerSupplier<K, V, V2> = (
  context: Omit<ProcessorContext<never, never>, 'forward'>,
) => (key: K, value: V) => V2;

/** What a processor has around it that keeps its records' keys. */
export interface ValueProcessorContext<V> extends Omit<ProcessorContext<never, V>, 'forward'> {
  /** To all operators behind this one, or to the one that is named, under the key of the record at hand. */
  forward(
    record: { readonly value: V; readonly timestamp?: number; readonly headers?: readonly Header[] },
    child?: string,
  ): void;
}

/** Called once per task. */
export type ValueProcessorSupplier<K, V, V2> = (context: ValueProcessorContext<V2>) => Processor<K, V>;
