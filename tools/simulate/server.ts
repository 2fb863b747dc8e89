// The broker's process and its machine: started, killed, left without power, closed and started again.
import { Broker, type Disk } from '../../src/broker/index.ts';
import { createClient, dialThread, type Client } from '../../src/client/index.ts';
import type { Dial } from '../../src/protocol/index.ts';
import { type GivenSettings, messageOf, MillraceError } from '../../src/util/index.ts';
import { DiskFaults } from './disk.ts';
import type { Network } from './network.ts';
import { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { Volume } from './volume.ts';

export const DATA_DIRECTORY = '/data';
const LONGEST_OUTAGE_MS = 1500;

/** Makes the disk of a process. */
export type MakeDisk = (volume: Volume, process: SimulatedProcess, faults: DiskFaults, stop: () => void) => Disk;

export class Server {
  readonly faults = new DiskFaults();
  /** How often the process ended without being asked. */
  crashes = 0;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #settings: GivenSettings;
  readonly #makeDisk: MakeDisk;
  #volume = new Volume();
  #process: SimulatedProcess;
  #broker: Broker | undefined;
  #starts = 0;
  #isClosing = false;

  constructor(scheduler: Scheduler, network: Network, settings: GivenSettings, makeDisk: MakeDisk) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#settings = settings;
    this.#makeDisk = makeDisk;
    this.#process = this.start();
  }

  get process(): SimulatedProcess {
    return this.#process;
  }

  /** What is on the disk now. */
  get volume(): Volume {
    return this.#volume;
  }

  get isUp(): boolean {
    return this.#broker !== undefined;
  }

  start(): SimulatedProcess {
    const process = new SimulatedProcess(`broker ${++this.#starts}`, this.#scheduler);
    this.#process = process;
    const stop = (): void => this.crash(this.#scheduler.random.chance(0.5));
    const disk = this.#makeDisk(this.#volume, process, this.faults, stop);
    process.note('starts');
    Broker.open({
      dataDir: DATA_DIRECTORY,
      settings: this.#settings,
      environment: process.environment,
      disk,
      log: (message) => process.note(message),
    }).then(
      (broker) => {
        if (process.isAlive) this.#broker = broker;
      },
      (error: unknown) => {
        if (!process.isAlive) return;
        process.note(`does not start: ${messageOf(error)}`);
        if (!this.faults.areThere) this.#scheduler.fail(`the broker does not start: ${messageOf(error)}`);
        this.crash(false);
      },
    );
    return process;
  }

  /** The process ends, or with it the machine; after a while it is started again. */
  crash(withPower: boolean): void {
    if (!this.#process.isAlive) return;
    this.crashes++;
    this.#process.note(withPower ? 'power loss' : 'crash');
    this.#volume = withPower ? this.#volume.afterPowerLoss(this.#scheduler.random) : this.#volume.afterKill();
    this.faults.stopAfter = -1;
    this.#ended();
  }

  /** A clean shutdown, as far as the disk lets it. */
  close(): void {
    const broker = this.#broker;
    const process = this.#process;
    if (broker === undefined || this.#isClosing) return;
    process.note('closes');
    this.#broker = undefined;
    this.#isClosing = true;
    broker.close().then(
      () => this.#closed(process),
      (error: unknown) => {
        process.note(`does not close well: ${messageOf(error)}`);
        this.#closed(process);
      },
    );
  }

  /** Connections from another process. */
  dialFrom(client: SimulatedProcess): Dial {
    return async () => {
      await new Promise<void>((resolve) => {
        client.environment.after(this.#scheduler.random.next(), resolve);
      });
      const broker = this.#broker;
      if (broker === undefined) {
        throw new MillraceError('CONNECTION_FAILED', 'the broker is not there', { retriable: true });
      }
      const [near, far] = this.#network.connect(client, this.#process);
      broker.serveThread(far);
      return dialThread(near);
    };
  }

  clientFor(process: SimulatedProcess): Client {
    return createClient({
      bootstrapServers: 'broker:9092',
      dial: this.dialFrom(process),
      environment: process.environment,
    });
  }

  #closed(process: SimulatedProcess): void {
    this.#isClosing = false;
    if (process.isAlive) this.#ended();
  }

  #ended(): void {
    this.#broker = undefined;
    this.#isClosing = false;
    this.#process.kill();
    const { random, now } = this.#scheduler;
    this.#scheduler.at(now + random.next() * LONGEST_OUTAGE_MS, NATURE, () => this.start());
  }
}

/** What happens without anybody's doing. */
export const NATURE = { name: 'nature', isAlive: true, pausedUntil: 0 };
