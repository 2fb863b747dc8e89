/**
 * One simulation: a platform and who uses it, in processes that end, over a disk and connections that fail, all from one
 * seed. First everything happens at once, for a while; then faults stop, nothing new is begun, and the platform has time to
 * come to rest. What is in it then is compared with what its users were told.
 */
import type { Client } from '../../src/client/index.ts';
import { type GivenSettings, messageOf } from '../../src/util/index.ts';
import type { Actor, Host } from './actors/actor.ts';
import { Analyst } from './actors/analyst.ts';
import { Copier } from './actors/copier.ts';
import { Counter } from './actors/counter.ts';
import { Dealer } from './actors/dealer.ts';
import { Keeper } from './actors/keeper.ts';
import { Organizer } from './actors/organizer.ts';
import { Registrar } from './actors/registrar.ts';
import { Tracker } from './actors/tracker.ts';
import { Watcher } from './actors/watcher.ts';
import { Writer } from './actors/writer.ts';
import { SimulatedDisk } from './disk.ts';
import { faultInLogs } from './log-walk.ts';
import { Logs } from './logs.ts';
import { Nemesis } from './nemesis.ts';
import { Network } from './network.ts';
import { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { DATA_DIRECTORY, type MakeDisk, NATURE, Server } from './server.ts';

export interface Outcome {
  readonly seed: number;
  /** What is violated, if anything. */
  readonly failure: string | undefined;
  /** Events, until the failure or the end. */
  readonly steps: number;
  /** What users have asked for and were answered. */
  readonly operations: number;
  readonly crashes: number;
  /** Of all events with their bytes: two runs of a seed have the same. */
  readonly traceHash: string;
}

export interface SimulationOptions {
  /** While things go on, each operation of the disk fails whose number this divides; 0, the default: none. */
  readonly every?: number;
  readonly print?: (line: string) => void;
  /** For those who plant a bug, to see it found. */
  readonly makeDisk?: MakeDisk;
  readonly wrapClient?: (client: Client) => Client;
}

const SETUP_MS = 120_000;
/** How long things go on; long runs find what short ones can't, and cost as much as many. */
const ACTIVE_MS = [500, 2000, 2000, 4000, 8000];
const REST_MS = 120_000;
const LOOK_AGAIN_MS = 2000;
const PARTITIONS = 2;

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #scheduler: Scheduler;
  readonly #network = new Network();
  readonly #server: Server;
  readonly #checker: SimulatedProcess;
  readonly #client: Client;
  readonly #users: User[];
  readonly #wrapClient: (client: Client) => Client;
  readonly #every: number;
  #isActive = false;
  #operations = 0;
  #lastComplaint: string | undefined;

  constructor(seed: number, options: SimulationOptions) {
    const { print, makeDisk = (...given) => new SimulatedDisk(...given), wrapClient = (client) => client } = options;
    this.#seed = seed;
    this.#wrapClient = wrapClient;
    this.#every = options.every ?? 0;
    this.#scheduler = new Scheduler(seed, print);
    this.#server = new Server(this.#scheduler, this.#network, brokerSettings(this.#scheduler.random), makeDisk);
    this.#checker = new SimulatedProcess('checker', this.#scheduler);
    this.#client = this.#server.clientFor(this.#checker);
    this.#users = actors(this.#scheduler.random).map(
      (actor) => new User(actor, this.#scheduler, (process) => this.#hostOf(process)),
    );
  }

  async run(): Promise<Outcome> {
    const scheduler = this.#scheduler;
    await this.#await('the topics are created', this.#createTopics(), SETUP_MS);
    this.#isActive = true;
    const nemesis = new Nemesis(scheduler, this.#server, this.#network, this.#users, this.#every);
    for (const user of this.#users) user.start();
    nemesis.start();
    await scheduler.run(() => false, scheduler.random.pick(ACTIVE_MS));
    this.#isActive = false;
    nemesis.end();
    for (const user of this.#users) user.protect();
    await this.#await('the platform comes to rest', this.#comeToRest(), REST_MS);
    return {
      seed: this.#seed,
      failure: scheduler.failure?.message,
      steps: scheduler.steps,
      operations: this.#operations,
      crashes: this.#server.crashes + this.#users.reduce((sum, { crashes }) => sum + crashes, 0),
      traceHash: scheduler.traceHash,
    };
  }

  /** Lets time go on until `work` is done; it has to be, before `limitMs`. */
  async #await(what: string, work: Promise<void>, limitMs: number): Promise<void> {
    if (this.#scheduler.failure !== undefined) return;
    let isDone = false;
    work.then(
      () => {
        isDone = true;
      },
      (error: unknown) => this.#scheduler.fail(`${what}: ${messageOf(error)}`),
    );
    const inTime = await this.#scheduler.run(() => isDone, limitMs);
    if (!inTime) this.#scheduler.fail(`${what}: not within ${limitMs / 1000} s; ${this.#lastComplaint}`);
  }

  async #createTopics(): Promise<void> {
    const small = { 'internal.segment.bytes': String(this.#scheduler.random.pick([8000, 50_000, 1_000_000])) };
    const topic = (name: string, partitions: number, configs = {}) => ({
      name,
      partitions,
      configs: { ...small, ...configs },
    });
    await this.#client.admin().createTopics([
      topic('plain', PARTITIONS),
      topic('deals', PARTITIONS),
      topic('copies', PARTITIONS),
      topic('counts', PARTITIONS),
      topic('latest', 1, {
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.1',
        'delete.retention.ms': '1000',
      }),
    ]);
  }

  /** Waits for the users to end what they began, and for the logs to be as they must be; then they have to stay so. */
  async #comeToRest(): Promise<void> {
    const host = this.#hostOf(this.#checker);
    let good = 0;
    while (good < 2) {
      await host.pause(LOOK_AGAIN_MS);
      this.#lastComplaint = await this.#complaint(host);
      this.#checker.note(this.#lastComplaint ?? 'all is well');
      good = this.#lastComplaint === undefined ? good + 1 : 0;
    }
  }

  async #complaint(host: Host): Promise<string | undefined> {
    const waiting = this.#users.find((user) => !user.actor.isFollower && !user.isDone);
    if (waiting !== undefined) return `${waiting.actor.name} is not done`;
    const fault = faultInLogs(
      this.#server.volume,
      DATA_DIRECTORY,
      (topic) => topic === 'latest' || /^_|-changelog$/.test(topic),
    );
    if (fault !== undefined) return fault;
    const logs = await Logs.read(this.#client, this.#scheduler);
    for (const { actor } of this.#users) {
      const complaint = actor.complaint(logs) ?? (await actor.audit?.(host, logs));
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  }

  #hostOf(process: SimulatedProcess): Host {
    return {
      process,
      client: this.#wrapClient(this.#server.clientFor(process)),
      random: this.#scheduler.random,
      isActive: () => this.#isActive,
      fail: (what) => this.#scheduler.fail(what),
      count: () => {
        this.#operations++;
      },
      pause: (ms) =>
        new Promise((resolve) => {
          process.environment.after(ms, resolve);
        }),
    };
  }
}

/** An actor in its process, or in one after the other. */
class User {
  readonly actor: Actor;
  crashes = 0;
  isDone = false;
  process: SimulatedProcess;
  readonly #scheduler: Scheduler;
  readonly #hostOf: (process: SimulatedProcess) => Host;

  constructor(actor: Actor, scheduler: Scheduler, hostOf: (process: SimulatedProcess) => Host) {
    this.actor = actor;
    this.#scheduler = scheduler;
    this.#hostOf = hostOf;
    this.process = new SimulatedProcess(actor.name, scheduler);
  }

  start(): void {
    this.actor.run(this.#hostOf(this.process)).then(
      () => {
        this.isDone = true;
      },
      (error: unknown) =>
        this.#scheduler.fail(`${this.actor.name}: ${error instanceof Error ? error.stack : messageOf(error)}`),
    );
  }

  crash(): void {
    if (this.isDone || !this.process.isAlive) return;
    this.crashes++;
    this.process.kill();
    const { random, now } = this.#scheduler;
    this.#scheduler.at(now + random.next() * 2000, NATURE, () => {
      this.process = new SimulatedProcess(`${this.actor.name}'`, this.#scheduler);
      this.start();
    });
  }

  /** Nothing stops it any more. */
  protect(): void {
    this.process.pausedUntil = 0;
  }
}

/** Some of those there are: what many do at once hides what few would show. */
function actors(random: Random): Actor[] {
  const given = new Map<number, string>();
  const confirmed = Array.from({ length: PARTITIONS }, () => -1);
  const groups: readonly (readonly Actor[])[] = [
    [new Writer('b', 'plain', PARTITIONS, 1)],
    [new Dealer('deals', PARTITIONS), new Watcher('deals', PARTITIONS, 'read_committed')],
    [new Copier('copier 1', 'plain', 'copies')],
    [new Copier('copier 2', 'plain', 'copies')],
    [new Counter('counter 1', 'plain', 'counts')],
    [new Counter('counter 2', 'plain', 'counts')],
    [new Tracker('tracker 1', 'plain', confirmed)],
    [new Tracker('tracker 2', 'plain', confirmed)],
    [new Watcher('plain', PARTITIONS, 'read_uncommitted')],
    [new Keeper('latest')],
    [new Organizer()],
    [new Registrar('registrar 1', given)],
    [new Registrar('registrar 2', given)],
    // Costs as much as all others together.
    random.chance(0.5) ? [new Analyst()] : [],
  ];
  const share = random.pick([0.2, 0.5, 0.8]);
  return [new Writer('a', 'plain', PARTITIONS, 5), ...groups.filter(() => random.chance(share)).flat()];
}

function brokerSettings(random: Random): GivenSettings {
  return {
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': String(random.pick([1, 3])),
    'transaction.state.log.num.partitions': String(random.pick([1, 3])),
    'offsets.topic.segment.bytes': String(random.pick([5000, 100_000])),
    'transaction.state.log.segment.bytes': String(random.pick([5000, 100_000])),
    'group.initial.rebalance.delay.ms': String(random.pick([0, 300])),
    'group.min.session.timeout.ms': '1000',
    'log.index.interval.bytes': String(random.pick([100, 4096])),
    'log.cleaner.backoff.ms': String(random.pick([300, 3000])),
    'log.retention.check.interval.ms': String(random.pick([500, 5000])),
    'log.segment.delete.delay.ms': String(random.pick([0, 1000])),
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'tail.cache.bytes': String(random.pick([0, 20_000, 10_000_000])),
  };
}
