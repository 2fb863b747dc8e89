/**
 * Functions that are waited for. The life of a call: a record comes in and is kept, with what belongs to it, while the task
 * goes on; the function is called when there is room for it (concurrency, the order that was asked for, calls per second),
 * and again when it fails and may be tried again; when it has ended, the task is told, and at its next turn what came out
 * goes on as if the record had just been read.
 *
 * A commit waits until no call is under way (`runtime/worker.ts`), so that a record and its results are in one transaction.
 * The call itself is made at least once: after a crash its record is read again.
 */
import { type Clock, MillraceError } from '../../util/index.ts';
import { type AsyncCall, RecordCopy, type TaskContext } from '../api/context.ts';
import type { AsyncOptions } from '../api/options.ts';
import type { ForwardedRecord } from '../api/processor.ts';
import type { Emit, GraphNode, TaskScope } from '../graph/node.ts';
import { type KeyLocator, locatorFor } from './key-locator.ts';
import { forwardRecord } from './process.ts';

/** What a record's function lets go on, and where: to all operators behind it, or to one. */
export interface Result extends ForwardedRecord<unknown, unknown> {
  readonly child?: Emit | undefined;
}

/** A record's results, in order. */
export type Results = readonly Result[];

/** An attempt at a record. When it `isOver` (it took too long, the task ended), nobody hears any more what it does. */
export interface Attempt {
  readonly key: unknown;
  readonly value: unknown;
  readonly call: AsyncCall;
  readonly isOver: () => boolean;
}

const CONCURRENCY = 16;
const TIMEOUT_MS = 30_000;
const RETRY_DELAY_MS = 100;
const LONGEST_RETRY_DELAY_MS = 60_000;
/** Records that are taken up per call that may be under way: some wait for their key's turn. */
const RECORDS_PER_CALL = 8;

/** Waits for what `make` answers for a task. Calls per second are those of all tasks of an instance. */
export function asyncOperator(
  make: (scope: TaskScope, node: GraphNode) => (attempt: Attempt) => Promise<Results>,
  options: AwaitingOptions,
) {
  const limit = options.callsPerSecond === undefined ? undefined : new RateLimit(options.callsPerSecond);
  return (scope: TaskScope, node: GraphNode): Emit => {
    const calls = new AsyncCalls(scope, node, { run: make(scope, node), options, limit });
    return (key, value, timestamp, context) => calls.add(key, value, timestamp, context);
  };
}

type AwaitingOptions = AsyncOptions & {
  /** What goes on of a record whose attempts have all failed. */
  readonly orElse?: (error: unknown, key: unknown, value: unknown) => unknown;
};

/** One record on its way. */
class Call {
  readonly key: unknown;
  readonly value: unknown;
  readonly record: RecordCopy;
  /** Of those with equal keys one is called at a time; undefined: this one has no regard to others. */
  readonly turn: string | undefined;
  attempts = 0;
  results: Results = [];
  failure: { readonly error: unknown } | undefined;
  hasEnded = false;
  cancel: () => void = () => {};

  constructor(key: unknown, value: unknown, record: RecordCopy, turn: string | undefined) {
    this.key = key;
    this.value = value;
    this.record = record;
    this.turn = turn;
  }
}

interface Awaited {
  readonly run: (attempt: Attempt) => Promise<Results>;
  readonly options: AwaitingOptions;
  readonly limit: RateLimit | undefined;
}

/** The calls of one operator in one task. */
class AsyncCalls {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #awaited: Awaited;
  readonly #next: Emit;
  readonly #concurrency: number;
  readonly #locator: KeyLocator | undefined;
  readonly #wake: () => void;
  /** Not called yet, in the order in which they came. */
  #waiting: Call[] = [];
  readonly #called = new Set<Call>();
  /** The keys of those that are called. */
  readonly #turns = new Set<string>();
  /** What goes on next: in the order in which records came where that is kept, else as they ended. */
  readonly #results: Call[] = [];
  #underWay = 0;
  #cancelStart: (() => void) | undefined;

  constructor(scope: TaskScope, node: GraphNode, awaited: Awaited) {
    this.#scope = scope;
    this.#node = node;
    this.#awaited = awaited;
    this.#next = scope.forward(node);
    this.#concurrency = awaited.options.concurrency ?? CONCURRENCY;
    this.#locator = node.keyBytesAs === null ? undefined : locatorFor(scope, node);
    this.#wake = scope.onCalls(node, this);
    scope.onClose(() => this.#close());
  }

  // ── What the task asks ──

  /** Records that have come in, and whose results have not gone on. */
  get underWay(): number {
    return this.#underWay;
  }

  get isFull(): boolean {
    return this.#waiting.length > 0 && this.#underWay >= this.#concurrency * RECORDS_PER_CALL;
  }

  get hasResults(): boolean {
    return this.#results[0]?.hasEnded === true;
  }

  /** Lets results go on. Throws what stops the task. */
  emitResults(): void {
    const { context } = this.#scope;
    while (this.hasResults) {
      const { key, record, results, failure } = this.#results.shift()!;
      this.#underWay--;
      record.recall(context);
      if (failure !== undefined) this.#scope.failed(failure.error, this.#node);
      for (const result of results) forwardRecord(result.child ?? this.#next, context, key, result);
    }
  }

  // ── The life of a call ──

  add(key: unknown, value: unknown, timestamp: number, context: TaskContext): void {
    context.timestamp = timestamp;
    const call = new Call(key, value, new RecordCopy(context), this.#turnOf(key, context));
    this.#underWay++;
    if (this.#keepsOrder) this.#results.push(call);
    this.#waiting.push(call);
    this.#start();
  }

  get #keepsOrder(): boolean {
    return this.#awaited.options.order === 'partition';
  }

  /** Records without a key have no order among them. */
  #turnOf(key: unknown, context: TaskContext): string | undefined {
    const locator = this.#locator;
    if (locator === undefined || !locator.locate(key, context)) return undefined;
    return locator.bytes.toString('latin1', locator.start, locator.end);
  }

  /** Calls those whose turn it is, as many as may be. */
  #start(): void {
    const { limit } = this.#awaited;
    const { environment } = this.#scope;
    const passed = new Set(this.#turns);
    const left: Call[] = [];
    let waitMs = 0;
    for (const call of this.#waiting) {
      const { turn } = call;
      const isNext = this.#called.size < this.#concurrency && waitMs === 0 && (turn === undefined || !passed.has(turn));
      if (isNext) waitMs = limit?.waitMs(environment) ?? 0;
      if (turn !== undefined) passed.add(turn);
      if (isNext && waitMs === 0) this.#begin(call);
      else left.push(call);
    }
    this.#waiting = left;
    if (waitMs === 0 || this.#cancelStart !== undefined) return;
    this.#cancelStart = environment.after(waitMs, () => {
      this.#cancelStart = undefined;
      this.#start();
    });
  }

  #begin(call: Call): void {
    this.#called.add(call);
    if (call.turn !== undefined) this.#turns.add(call.turn);
    this.#attempt(call);
  }

  #attempt(call: Call): void {
    const { environment } = this.#scope;
    const { timeoutMs = TIMEOUT_MS } = this.#awaited.options;
    const controller = new AbortController();
    let isOver = false;
    const end = (then: () => void): void => {
      if (isOver) return;
      isOver = true;
      stopTimer();
      then();
    };
    const abort = (error: MillraceError): void => {
      end(() => this.#failed(call, error));
      controller.abort(error);
    };
    const stopTimer = environment.after(timeoutMs, () => abort(this.#tookTooLong(call, timeoutMs)));
    call.cancel = () => {
      isOver = true;
      stopTimer();
      controller.abort(new MillraceError('CALL_CANCELLED', `${this.#node.name}: the task has been closed`));
    };
    call.attempts++;
    const attempt: Attempt = {
      key: call.key,
      value: call.value,
      call: call.record.asCall(controller.signal, call.attempts),
      isOver: () => isOver,
    };
    void this.#run(attempt).then(
      (results) => end(() => this.#ended(call, results)),
      (error: unknown) => end(() => this.#failed(call, error)),
    );
  }

  /** What a function throws before it answers a promise is a rejection like any other. */
  async #run(attempt: Attempt): Promise<Results> {
    return this.#awaited.run(attempt);
  }

  #tookTooLong({ record: { topic, partition, offset } }: Call, timeoutMs: number): MillraceError {
    return new MillraceError(
      'CALL_TIMED_OUT',
      `${this.#node.name}: the call for ${topic}-${partition}@${offset} took more than ${timeoutMs} ms`,
    );
  }

  #failed(call: Call, error: unknown): void {
    const { retries = 0, retryDelayMs = RETRY_DELAY_MS, isRetriable } = this.#awaited.options;
    let triesAgain = call.attempts <= retries;
    try {
      triesAgain &&= isRetriable?.(error) ?? true;
    } catch (thrown) {
      call.failure = { error: thrown };
      this.#ended(call, []);
      return;
    }
    if (!triesAgain) {
      this.#gaveUp(call, error);
      return;
    }
    const { environment } = this.#scope;
    const growingMs = Math.min(LONGEST_RETRY_DELAY_MS, retryDelayMs * 2 ** Math.min(call.attempts - 1, 16));
    const delayMs = growingMs * (0.8 + 0.4 * environment.random());
    call.cancel = environment.after(delayMs, () => this.#attempt(call));
  }

  #gaveUp(call: Call, error: unknown): void {
    const { orElse } = this.#awaited.options;
    const { key, value } = call;
    let results: Results = [];
    try {
      if (orElse === undefined) throw error;
      results = [{ key, value: orElse(error, key, value) }];
    } catch (thrown) {
      call.failure = { error: thrown };
    }
    this.#ended(call, results);
  }

  #ended(call: Call, results: Results): void {
    call.results = results;
    call.hasEnded = true;
    this.#called.delete(call);
    if (call.turn !== undefined) this.#turns.delete(call.turn);
    if (!this.#keepsOrder) this.#results.push(call);
    this.#start();
    if (this.hasResults) this.#wake();
  }

  #close(): void {
    this.#cancelStart?.();
    for (const call of this.#called) call.cancel();
    this.#called.clear();
    this.#waiting.length = 0;
  }
}

/** So many calls a second, evenly, but for what a late timer has to make good. */
class RateLimit {
  static readonly #catchUpMs = 20;
  readonly #intervalMs: number;
  #nextAt = 0;

  constructor(callsPerSecond: number) {
    this.#intervalMs = 1000 / callsPerSecond;
  }

  /** 0: the call may be made, and has been counted; otherwise how long to wait before asking again. */
  waitMs(clock: Pick<Clock, 'now'>): number {
    const now = clock.now();
    if (now < this.#nextAt) return Math.ceil(this.#nextAt - now);
    this.#nextAt = Math.max(this.#nextAt, now - RateLimit.#catchUpMs) + this.#intervalMs;
    return 0;
  }
}
