/** What befalls a platform: picks, again and again, something to go wrong, and puts an end to all of it when it is told to. */
import type { Network } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { NATURE, type Server } from './server.ts';

/** A process besides the broker's. */
export interface Victim {
  readonly process: SimulatedProcess;
  /** Ends it, and starts it again after a while. */
  crash(): void;
}

const LONGEST_PAUSE_MS = 8000;

export class Nemesis {
  readonly #scheduler: Scheduler;
  readonly #server: Server;
  readonly #network: Network;
  readonly #victims: readonly Victim[];
  /** How long it lets be, about, ms. */
  readonly #patienceMs: number;
  #isOver = false;

  /** `every`: which operations of the disk fail from here on, besides; 0: none. */
  constructor(scheduler: Scheduler, server: Server, network: Network, victims: readonly Victim[], every = 0) {
    this.#scheduler = scheduler;
    this.#server = server;
    this.#network = network;
    this.#victims = victims;
    const { random } = scheduler;
    this.#patienceMs = random.pick([300, 1000, 3000]);
    network.faults.breakRate = random.pick([0, 0, 0.001, 0.01]);
    network.faults.delayRate = random.pick([0, 0, 0.002]);
    server.faults.every = every;
  }

  start(): void {
    const { random, now } = this.#scheduler;
    this.#scheduler.at(now + random.next() * 2 * this.#patienceMs, NATURE, () => {
      if (this.#isOver) return;
      random.pick(this.#deeds)();
      this.start();
    });
  }

  /** Nothing goes wrong from here on, but that the machine is without power once more. */
  end(): void {
    this.#isOver = true;
    this.#server.faults.end();
    this.#network.faults.breakRate = 0;
    this.#network.faults.delayRate = 0;
    this.#server.crash(true);
  }

  readonly #deeds: readonly (() => void)[] = [
    () => this.#server.crash(true),
    () => this.#server.crash(false),
    () => this.#server.close(),
    () => {
      this.#server.faults.stopAfter = this.#scheduler.random.below(60);
    },
    () => this.#failDiskForAWhile(),
    () => this.#network.breakOne(this.#scheduler),
    () => this.#network.breakOne(this.#scheduler),
    () => this.#scheduler.random.pick(this.#victims).crash(),
    () => this.#scheduler.random.pick(this.#victims).crash(),
    () => this.#scheduler.random.pick(this.#victims).process.pause(this.#scheduler.random.next() * LONGEST_PAUSE_MS),
    () => this.#server.process.pause(this.#scheduler.random.next() * LONGEST_PAUSE_MS),
  ];

  #failDiskForAWhile(): void {
    const { random, now } = this.#scheduler;
    const { faults } = this.#server;
    const rate = random.pick([0.003, 0.03, 0.3]);
    const [writes, reads] = random.pick([
      [rate, 0],
      [0, rate],
      [rate, rate],
    ]);
    Object.assign(faults, { failureRate: writes, readFailureRate: reads });
    this.#scheduler.at(now + random.next() * 500, NATURE, () => {
      Object.assign(faults, { failureRate: 0, readFailureRate: 0 });
      // A partition whose disk has failed is out of service until somebody starts the broker again.
      this.#server.crash(random.chance(0.5));
    });
  }
}
