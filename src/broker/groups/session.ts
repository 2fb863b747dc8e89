import type { Environment } from '../../util/index.ts';

/** A timer that fires so late says that the process stood still, and the member may have tried to be heard meanwhile. */
const STALL_MS = 500;

/** The time that a member has to be heard of. */
export class Session {
  #deadline = 0;
  #timeoutMs = 0;
  #cancelTimer: (() => void) | undefined;

  /**
   * Begins the time-out anew. A running timer is left alone and looks at the deadline when it fires. Where `isHeld` is true then,
   * the member is alive: it is the group that lets it wait.
   */
  keepAlive(environment: Environment, timeoutMs: number, expire: () => void, isHeld = () => false): void {
    this.#timeoutMs = timeoutMs;
    this.#deadline = environment.now() + timeoutMs;
    if (this.#cancelTimer === undefined) this.#arm(environment, expire, isHeld);
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #arm(environment: Environment, expire: () => void, isHeld: () => boolean): void {
    const due = this.#deadline;
    this.#cancelTimer = environment.after(Math.max(0, due - environment.now()), () => {
      this.#cancelTimer = undefined;
      const isLate = environment.now() - due > STALL_MS;
      if (isHeld() || isLate) this.#deadline = Math.max(this.#deadline, environment.now() + this.#timeoutMs);
      if (environment.now() < this.#deadline) this.#arm(environment, expire, isHeld);
      else expire();
    });
  }
}
