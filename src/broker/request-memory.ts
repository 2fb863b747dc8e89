/**
 * How much of memory the requests of all connections may take together: what has arrived of unfinished ones, and those that
 * are not answered yet. Once that is too much, nobody is read from until requests have been answered. Where it is unfinished
 * ones that take the room, one after the other has its turn to be finished, the one that lacks least first; one that does
 * not use its turn is closed, or those who send a part and no more would keep out everybody else.
 */
import { totalmem } from 'node:os';
import type { Environment } from '../util/index.ts';

/** How long a turn to finish a request lasts, and how much may still be missing then for another one: a large request takes longer. */
const TURN_MS = 2000;
const MOST_LEFT = 7 / 8;
/** The share of memory that is for requests, unless it is said. */
const SHARE = 1 / 8;

/** A connection, as far as its requests take memory. */
export interface RequestHolder {
  /** What has arrived of a request whose end has not, and how much of it is still to come. */
  readonly unfinishedBytes: number;
  readonly missingBytes: number;
  /** Looks again whether it may be read from. */
  lookAgain(): void;
  /** Closes it. */
  refuse(reason: string): void;
}

interface Held {
  finished: number;
  unfinished: number;
}

/** The bytes that a process may use: those of its container, where it is in one. */
export function availableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

export class RequestMemory {
  readonly #limit: number;
  readonly #environment: Environment;
  readonly #held = new Map<RequestHolder, Held>();
  readonly #waiting = new Set<RequestHolder>();
  #finished = 0;
  #unfinished = 0;
  #turn: { readonly holder: RequestHolder; readonly cancel: () => void } | undefined;

  /** `limit` in bytes; negative: a share of what there is. */
  constructor(limit: number, environment: Environment) {
    this.#limit = limit < 0 ? availableMemory() * SHARE : limit;
    this.#environment = environment;
  }

  /** What all requests take together, bytes. */
  get used(): number {
    return this.#finished + this.#unfinished;
  }

  /** Takes note of what a connection holds: bytes of requests that are not answered. */
  note(holder: RequestHolder, finished: number): void {
    const { unfinishedBytes: unfinished } = holder;
    const before = this.#held.get(holder);
    this.#finished += finished - (before?.finished ?? 0);
    this.#unfinished += unfinished - (before?.unfinished ?? 0);
    if (finished + unfinished === 0) this.#held.delete(holder);
    else if (before === undefined) this.#held.set(holder, { finished, unfinished });
    else Object.assign(before, { finished, unfinished });
    if (this.#turn?.holder === holder && unfinished === 0) this.#endTurn();
    this.#wake();
  }

  /** Forgets a connection that is closed. */
  forget(holder: RequestHolder): void {
    const held = this.#held.get(holder);
    this.#held.delete(holder);
    this.#waiting.delete(holder);
    this.#finished -= held?.finished ?? 0;
    this.#unfinished -= held?.unfinished ?? 0;
    if (this.#turn?.holder === holder) this.#endTurn();
    this.#wake();
  }

  /** Whether a connection may be read from now; if not, it is told when to look again. */
  admits(holder: RequestHolder): boolean {
    if (this.used < this.#limit || this.#turn?.holder === holder) return true;
    this.#waiting.add(holder);
    this.#giveTurn();
    return this.#turn?.holder === holder;
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    if (this.used >= this.#limit) {
      this.#giveTurn();
      return;
    }
    if (this.#turn !== undefined) this.#endTurn();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const holder of waiting) holder.lookAgain();
  }

  /** What is finished will be answered and go: only where that is not enough has somebody to be helped to an end. */
  #giveTurn(): void {
    if (this.#turn !== undefined || this.#finished >= this.#limit) return;
    let next: RequestHolder | undefined;
    for (const [holder, { unfinished }] of this.#held) {
      if (unfinished > 0 && (next === undefined || holder.missingBytes < next.missingBytes)) next = holder;
    }
    if (next === undefined) return;
    this.#begin(next);
    if (this.#waiting.delete(next)) next.lookAgain();
  }

  #begin(holder: RequestHolder): void {
    const { missingBytes } = holder;
    const cancel = this.#environment.after(TURN_MS, () => {
      if (holder.missingBytes <= missingBytes * MOST_LEFT) {
        this.#begin(holder);
        return;
      }
      const limit = `queued.max.request.bytes is ${Math.floor(this.#limit)}`;
      holder.refuse(
        `${holder.unfinishedBytes} bytes of a request take memory that others wait for (${limit}), and its other ${holder.missingBytes} do not come`,
      );
    });
    this.#turn = { holder, cancel };
  }

  #endTurn(): void {
    this.#turn?.cancel();
    this.#turn = undefined;
  }
}
