import type { Header } from '../../client/index.ts';
import type { AsyncCall, RecordContext } from './context.ts';
import type { CustomStore } from './custom-store.ts';
import type { KeyValueStore, SessionStore, VersionedKeyValueStore, WindowStore } from './stores.ts';

/** A record as processors see it. */
export interface StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp: number;
  readonly headers: readonly Header[];
}

/** What a processor forwards; timestamp and headers default to those of the record at hand. */
export interface ForwardedRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
}

export interface Cancellable {
  cancel(): void;
}

export interface ProcessorContext<K, V> {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** The record at hand; topic is empty inside a punctuation. */
  readonly record: RecordContext;
  /** To all operators behind this one, or to the one that is named. */
  forward(record: ForwardedRecord<K, V>, child?: string): void;
  keyValueStore<SK, SV>(name: string): KeyValueStore<SK, SV>;
  versionedStore<SK, SV>(name: string): VersionedKeyValueStore<SK, SV>;
  /** A store of one's own, as its `create` has made it. */
  customStore<S extends CustomStore>(name: string): S;
  windowStore<SK, SV>(name: string): WindowStore<SK, SV>;
  sessionStore<SK, SV>(name: string): SessionStore<SK, SV>;
  /** Calls `run` whenever the interval has passed in stream time or wall-clock time; missed calls collapse into one. */
  schedule(intervalMs: number, by: 'streamTime' | 'wallClock', run: (timestamp: number) => Ignored): Cancellable;
  /** Asks for a commit soon. */
  commit(): void;
  currentStreamTimeMs(): number;
  currentSystemTimeMs(): number;
}

/** Whatever a function returns that nobody looks at, but for a promise: nobody waits for it. */
type Ignored = void | null | undefined | boolean | number | bigint | string | (object & { readonly then?: undefined });

export interface Processor<K, V> {
  process(record: StreamRecord<K, V>): Ignored;
  close?(): void;
}

/** What a function of `processAsync` gets for one call; when that is over, it throws `CALL_IS_OVER`. */
export interface AsyncProcessorContext<K, V>
  extends Pick<
    ProcessorContext<K, V>,
    'applicationId' | 'taskId' | 'keyValueStore' | 'versionedStore' | 'customStore' | 'windowStore' | 'sessionStore'
  > {
  readonly record: AsyncCall;
  /** Goes on when the call has ended well, to all operators behind this one, or to the one that is named. */
  forward(record: ForwardedRecord<K, V>, child?: string): void;
}

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

export interface ValueProcessorContext<V> extends Omit<ProcessorContext<never, V>, 'forward'> {
  forward(
    record: { readonly value: V; readonly timestamp?: number; readonly headers?: readonly Header[] },
    child?: string,
  ): void;
}

export type ValueProcessorSupplier<K, V, V2> = (context: ValueProcessorContext<V2>) => Processor<K, V>;
