// A stream of bytes between two threads of a process, over a `MessagePort`: what a socket is between processes. The bytes
// are copied once, into memory that is handed over; the receiver says how much it has taken, so that a sender knows when
// the other side is slow.
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../util/index.ts';

/** As much may be under way before the sender is told to wait. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
/** The receiver says what it has taken no more often than this, and no later than half of what may be under way. */
const TAKEN_BYTES = 64 * 1024;

export interface PortStreamEvents {
  receive(chunk: Buffer): void;
  /** The other side has taken what made `send` return false. */
  drained(): void;
  /** The stream has ended, whoever ended it. */
  closed(): void;
}

export class PortStream {
  readonly #port: MessagePort;
  readonly #events: PortStreamEvents;
  /** Bytes that were sent and not taken yet, and bytes that were taken and not said to be. */
  #underWay = 0;
  #taken = 0;
  #isCongested = false;
  #isPaused = false;
  #isClosed = false;
  /** What came while reading was paused. */
  #held: Buffer[] = [];

  constructor(port: MessagePort, events: PortStreamEvents) {
    this.#port = port;
    this.#events = events;
    port.on('message', (message: ArrayBuffer | number) => {
      if (typeof message === 'number') this.#acknowledged(message);
      else if (this.#isPaused) this.#held.push(Buffer.from(message));
      else this.#take(Buffer.from(message));
    });
    port.on('close', () => {
      this.#isClosed = true;
      events.closed();
    });
  }

  /** Sends the pieces in order; false when the other side is slow and the next ones should wait for `drained`. */
  send(pieces: readonly Buffer[]): boolean {
    if (this.#isClosed) return true;
    let length = 0;
    for (const piece of pieces) length += piece.length;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#underWay += length;
    this.#port.postMessage(bytes.buffer, [bytes.buffer]);
    this.#isCongested ||= this.#underWay > HIGH_WATER_BYTES;
    return !this.#isCongested;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const [i, chunk] of held.entries()) {
      // Whoever takes a chunk may pause again.
      if (this.#isPaused) {
        this.#held = [...held.slice(i), ...this.#held];
        return;
      }
      this.#take(chunk);
    }
  }

  destroy(): void {
    this.#isClosed = true;
    this.#port.close();
  }

  #take(chunk: Buffer): void {
    this.#taken += chunk.length;
    this.#events.receive(chunk);
    if (this.#taken < TAKEN_BYTES || this.#isClosed) return;
    this.#port.postMessage(this.#taken);
    this.#taken = 0;
  }

  #acknowledged(bytes: number): void {
    this.#underWay -= bytes;
    assert(this.#underWay >= 0, 'no more is taken than was sent');
    if (!this.#isCongested || this.#underWay > HIGH_WATER_BYTES / 2) return;
    this.#isCongested = false;
    this.#events.drained();
  }
}
