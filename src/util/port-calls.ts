// Calls between two threads: each side calls functions of the other by name, over one port.
import { type Deferred, deferred } from './async.ts';
import { codeOf, messageOf, MillraceError } from './errors.ts';

/** One end of a channel between threads, as far as it is needed here: a `MessagePort`. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  close(): void;
}

/** What the other side may call. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Callable = Readonly<Record<string, (...args: any[]) => unknown>>;

/** How values go over the port, where it does not copy them as they are. */
export interface Crossing {
  toPort(value: unknown): unknown;
  fromPort(value: unknown): unknown;
}

const AS_IT_IS: Crossing = { toPort: (value) => value, fromPort: (value) => value };

/** An error as plain data. */
export interface Fault {
  readonly code: string | undefined;
  readonly message: string;
  readonly retriable: boolean;
}

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'fault'; readonly id: number; readonly fault: Fault };

export class PortCalls {
  readonly #port: Port;
  readonly #crossing: Crossing;
  readonly #waiting = new Map<number, Deferred<unknown>>();
  #lastId = 0;
  #lost: MillraceError | undefined;

  constructor(port: Port, callable: Callable, crossing: Crossing = AS_IT_IS) {
    this.#port = port;
    this.#crossing = crossing;
    port.on('message', (message) => void this.#take(message as Message, callable));
  }

  /** Calls a function of the other side; values are copied exactly. Rejects with what it threw, or with what `end` said. */
  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = ++this.#lastId;
    const answer = deferred<unknown>();
    this.#waiting.set(id, answer);
    this.#port.postMessage({ kind: 'call', id, name, args: this.#crossing.toPort(args) } satisfies Message);
    return answer.promise;
  }

  /** The other side is gone: what was asked it does not answer any more. */
  end(error: MillraceError): void {
    this.#lost = error;
    for (const answer of this.#waiting.values()) answer.reject(error);
    this.#waiting.clear();
    this.#port.close();
  }

  async #take(message: Message, callable: Callable): Promise<void> {
    if (message.kind === 'call') {
      const { id, name, args } = message;
      let answer: Message;
      try {
        const value = await callable[name]!(...(this.#crossing.fromPort(args) as unknown[]));
        answer = { kind: 'value', id, value: this.#crossing.toPort(value) };
      } catch (error) {
        answer = { kind: 'fault', id, fault: toFault(error) };
      }
      this.#port.postMessage(answer);
      return;
    }
    const answer = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'value') answer?.resolve(this.#crossing.fromPort(message.value));
    else answer?.reject(fromFault(message.fault));
  }
}

/** An error as plain data: who gets it sees its code, its message, and whether it passes. */
export function toFault(error: unknown): Fault {
  const retriable = error instanceof MillraceError && error.retriable;
  return { code: codeOf(error), message: messageOf(error), retriable };
}

export function fromFault({ code, message, retriable }: Fault): Error {
  return code === undefined ? new Error(message) : new MillraceError(code, message, { retriable });
}
