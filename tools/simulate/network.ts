/**
 * Connections between processes, as pairs of ports that bytes go through: the broker and the client put their own framing
 * and flow control on them, as they do between threads. Bytes of one direction stay in their order, come in pieces, and
 * are late; a connection breaks between any two pieces, and each side learns of it in its own time.
 */
import type { MessagePort } from 'node:worker_threads';
import type { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';

export interface NetworkFaults {
  /** How many of the pieces are the last ones of their connection. */
  breakRate: number;
  /** How many of the pieces come late by seconds. */
  delayRate: number;
}

const LATENCY_MS = 1;
const DELAY_MS = 8000;

type Message = ArrayBuffer | number;

/** The part of a `MessagePort` that streams of bytes use. */
class SimulatedPort {
  readonly owner: SimulatedProcess;
  #onMessage: (message: Message) => void = () => {};
  #onClose: () => void = () => {};
  #isClosed = false;
  readonly #link: Link;

  constructor(owner: SimulatedProcess, link: Link) {
    this.owner = owner;
    this.#link = link;
  }

  on(event: 'message' | 'close', callback: (message: Message) => void): void {
    if (event === 'message') this.#onMessage = callback;
    else this.#onClose = callback as () => void;
  }

  postMessage(message: Message): void {
    if (!this.#isClosed) this.#link.send(this, message);
  }

  close(): void {
    this.#link.end(this);
  }

  deliver(message: Message): void {
    if (!this.#isClosed) this.#onMessage(message);
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }
}

class Link {
  readonly name: string;
  readonly ends: readonly [SimulatedPort, SimulatedPort];
  readonly #scheduler: Scheduler;
  readonly #faults: NetworkFaults;
  /** When the last piece arrives, by direction. */
  readonly #last = new Map<SimulatedPort, number>();
  /** Directions in which a piece was lost: nothing comes behind it. */
  readonly #cut = new Set<SimulatedPort>();
  #isBroken = false;

  constructor(name: string, client: SimulatedProcess, server: SimulatedProcess, faults: NetworkFaults) {
    this.name = name;
    this.#scheduler = client.scheduler;
    this.#faults = faults;
    this.ends = [new SimulatedPort(client, this), new SimulatedPort(server, this)];
    for (const end of this.ends) end.owner.onEnd(() => this.end(end));
  }

  send(from: SimulatedPort, message: Message): void {
    if (!from.owner.isAlive || this.#isBroken) return;
    const { random } = this.#scheduler;
    if (typeof message === 'number' || !random.chance(0.1)) {
      this.#carry(from, message);
      return;
    }
    const middle = random.below(message.byteLength);
    this.#carry(from, message.slice(0, middle));
    this.#carry(from, message.slice(middle));
  }

  /** One side closes, or is gone: the other learns it behind what is under way. */
  end(from: SimulatedPort): void {
    this.#scheduler.at(this.#scheduler.now, from.owner, () => from.closed());
    const to = this.#other(from);
    this.#scheduler.at(this.#arrival(from), to.owner, () => to.closed());
  }

  /** Both sides find out, soon. What is under way may still arrive at the side that has not. */
  breakNow(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#scheduler.note(this.name, 'breaks');
    const { random, now } = this.#scheduler;
    for (const end of this.ends) this.#scheduler.at(now + random.next() * 50, end.owner, () => end.closed());
  }

  #carry(from: SimulatedPort, message: Message): void {
    const to = this.#other(from);
    this.#scheduler.at(this.#arrival(from), to.owner, () => {
      if (this.#cut.has(from)) return;
      if (this.#scheduler.random.chance(this.#faults.breakRate)) {
        this.#cut.add(from);
        this.breakNow();
        return;
      }
      const bytes = typeof message === 'number' ? undefined : new Uint8Array(message);
      this.#scheduler.note(this.name, `${bytes === undefined ? 'ack' : bytes.length} to ${to.owner.name}`, bytes);
      to.deliver(message);
    });
  }

  #arrival(from: SimulatedPort): number {
    const { random, now } = this.#scheduler;
    const delay = random.chance(this.#faults.delayRate) ? random.next() * DELAY_MS : random.next() * LATENCY_MS;
    const at = Math.max(this.#last.get(from) ?? 0, now + delay);
    this.#last.set(from, at);
    return at;
  }

  #other(end: SimulatedPort): SimulatedPort {
    return end === this.ends[0] ? this.ends[1] : this.ends[0];
  }
}

export class Network {
  readonly faults: NetworkFaults = { breakRate: 0, delayRate: 0 };
  #links: Link[] = [];
  #count = 0;

  /** A new connection: the client's end and the server's. */
  connect(client: SimulatedProcess, server: SimulatedProcess): readonly [MessagePort, MessagePort] {
    const link = new Link(`link ${this.#count++}`, client, server, this.faults);
    this.#links = this.#links.filter(({ ends }) => ends.every(({ owner }) => owner.isAlive));
    this.#links.push(link);
    // Of a port, streams use `on`, `postMessage` and `close`, and these are here.
    return link.ends as unknown as readonly [MessagePort, MessagePort];
  }

  breakOne(scheduler: Scheduler): void {
    if (this.#links.length > 0) scheduler.random.pick(this.#links).breakNow();
  }
}
