import type { Header } from '../../client/index.ts';
import type { AnySerde, DecodingPlan, Emit, EmitChange, GraphNode } from '../graph/graph.ts';
import type { TaskContext } from '../api/context.ts';
import type { DropReason } from '../api/options.ts';
import type { StateStore, StoreSpec } from '../state/store.ts';
import { ByteWriter } from '../../util/index.ts';

/** Where a task's results go. Keys and values are views that are valid during the call. */
export interface TaskOutput {
  send(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: readonly Header[] | undefined,
  ): void;
  /** The partitions of a topic; 0 while that is not known, and then `send` takes partition -1. */
  partitionsOf(topic: string): number;
}

/** What an operator gets to know of the task it is built for. */
export interface TaskScope {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly context: TaskContext;
  readonly plan: DecodingPlan;
  readonly output: TaskOutput;
  /** The input of everything behind `node`, as one function. */
  forward(node: GraphNode): Emit;
  forwardChange(node: GraphNode): EmitChange;
  /** The input of one child. */
  input(node: GraphNode): Emit | EmitChange;
  store<S extends StateStore>(spec: StoreSpec): S;
  /** An object that several operators of one task share; made by the first who asks. */
  shared<T>(id: string, create: () => T): T;
  /** Whether updates of this store go downstream once per commit. */
  isCached(spec: StoreSpec): boolean;
  /** Runs before every commit, upstream operators first. */
  onFlush(node: GraphNode, flush: () => void): void;
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
  requestCommit(): void;
  position(id: string): EmitPosition;
}

/** How far an operator that emits closed windows has come. Checkpointed and committed, so that it survives a restart. */
export interface EmitPosition {
  /** The largest timestamp seen. Time itself may be behind it: see `TaskScope.timeAfter`. */
  observedTime: number;
  lastClose: number;
}

/**
 * Finds the bytes of a key: those in the context where they are the ones wanted, else freshly encoded ones in a buffer of
 * its own.
 */
export class KeyLocator {
  bytes: Buffer;
  start = 0;
  end = 0;
  readonly #serde: AnySerde;
  readonly #raw: boolean;
  readonly #writer = new ByteWriter(64);

  constructor(serde: AnySerde, raw: boolean) {
    this.#serde = serde;
    this.#raw = raw;
    this.bytes = this.#writer.buffer;
  }

  /** False when the key is null. */
  locate(key: unknown, context: TaskContext): boolean {
    if (this.#raw) {
      this.bytes = context.keyBytes;
      this.start = context.keyStart;
      this.end = context.keyEnd;
      return this.start >= 0;
    }
    if (key === null) return false;
    const writer = this.#writer;
    writer.reset();
    this.#serde.encode(key, writer);
    this.bytes = writer.buffer;
    this.start = 0;
    this.end = writer.position;
    return true;
  }
}

/** The locator of the keys that reach `node`, in the bytes that the node wants. */
export function locatorFor(scope: TaskScope, node: GraphNode): KeyLocator {
  return new KeyLocator(node.keyBytesAs!, scope.plan.hasKeyBytes(node));
}
