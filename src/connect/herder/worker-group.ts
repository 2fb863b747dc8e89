// This worker in the group of its cluster: what it says of itself, what it gets, and, where it leads, what all get. What it has
// is what rounds have given it and not taken; it is told to the herder, which starts and stops.
import type { Client, GroupMembership, GroupPlace, GroupRound } from '../../client/index.ts';
import type { Environment } from '../../util/index.ts';
import type { ConfigSnapshot } from '../storage/config-state.ts';
import { add, type Allotment, allotment, copyOf, remove } from './allotment.ts';
import {
  type Assignment,
  decodeAssignment,
  decodeWorkerState,
  encodeAssignment,
  encodeWorkerState,
  modeOf,
  offeredModes,
  type ProtocolMode,
  PROTOCOLS,
  type WorkerState,
} from './connect-protocol.ts';
import { CooperativeAssignor } from './cooperative-assignor.ts';
import { assignEagerly } from './eager-assignor.ts';

export interface WorkerGroupOptions {
  readonly client: Client;
  readonly groupId: string;
  /** `connect.protocol` */
  readonly protocol: ProtocolMode;
  /** Where other workers reach this one's REST; asked for when it joins. */
  readonly url: () => string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Without a word of the broker for so long everything here is stopped. */
  readonly silenceMs: number;
  /** `scheduled.rebalance.max.delay.ms` */
  readonly maxDelayMs: number;
  readonly environment: Environment;
}

/** What the herder does in the group. Calls come one after the other, within `join`, but for `onDue`. */
export interface WorkerGroupListener {
  /** The configs as they are known here now. */
  configs(): ConfigSnapshot;
  /** To be stopped; others may get it when this resolves, or, where the worker has lost its place, have got it already. */
  onRevoked(what: Allotment, isLost: boolean): Promise<void>;
  /** What this worker has now, with what it had before. */
  onAssigned(assignment: Place): Promise<void>;
  /** A round is due: `join` is to be called. */
  onDue(): void;
}

/** What a worker has, and in which group. */
export interface Place extends Pick<Assignment, 'hasFailed' | 'leader' | 'leaderUrl' | 'offset' | 'delayMs'> {
  /** All that it has. */
  readonly has: Allotment;
  /** Whether something was taken, so that another round is due. */
  readonly hasGivenUp: boolean;
  readonly generation: number;
}

export class WorkerGroup {
  readonly #options: WorkerGroupOptions;
  readonly #listener: WorkerGroupListener;
  readonly #member: GroupMembership;
  readonly #cooperative: CooperativeAssignor;
  #mode: ProtocolMode;
  #place: Place | undefined;
  #lastGeneration = -1;
  /** Of the leader: the workers' URLs, and what they have. */
  #owners: { readonly urls: ReadonlyMap<string, string>; readonly has: ReadonlyMap<string, Allotment> } | undefined;

  constructor(options: WorkerGroupOptions, listener: WorkerGroupListener) {
    const { client, groupId, protocol, environment, maxDelayMs } = options;
    const { sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, silenceMs } = options;
    this.#options = options;
    this.#listener = listener;
    this.#mode = protocol;
    this.#cooperative = new CooperativeAssignor(environment, maxDelayMs);
    this.#member = client.groupMember(
      { groupId, protocolType: 'connect', sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, silenceMs },
      {
        protocols: () => this.#protocols(),
        assign: (round) => this.#assign(round),
        onJoining: () => this.#onJoining(),
        onJoined: (place) => this.#onJoined(place),
        onLost: () => this.#giveUp(true),
        onDue: () => listener.onDue(),
      },
    );
  }

  /** The protocol that the group speaks. */
  get mode(): ProtocolMode {
    return this.#mode;
  }

  /** Undefined while it has none. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** The last one in which it had a place; -1 before. */
  get generation(): number {
    return this.#lastGeneration;
  }

  get isLeader(): boolean {
    return this.#place !== undefined && this.#member.memberId !== '' && this.#member.memberId === this.#place.leader;
  }

  /** Null while nobody knows. */
  get leaderUrl(): string | null {
    return this.#place?.leaderUrl ?? null;
  }

  /** Of the leader: where a connector, or a task by its name, runs; null where nobody knows. */
  ownerUrl(kind: keyof Allotment, name: string): string | null {
    if (this.#owners === undefined || !this.isLeader) return null;
    for (const [worker, has] of this.#owners.has) if (has[kind].has(name)) return this.#owners.urls.get(worker) ?? null;
    return null;
  }

  /** Resolves when this worker has a place, and the listener has done what is to be done for it. */
  join(): Promise<void> {
    return this.#member.join();
  }

  requestRejoin(): void {
    this.#member.requestRejoin();
  }

  /** Gives up everything, and the place. `join` comes back. */
  async leave(): Promise<void> {
    await this.#giveUp(false);
    await this.#member.leave();
  }

  async close(): Promise<void> {
    await this.#member.close();
  }

  #protocols() {
    const { url, protocol } = this.#options;
    const held = this.#place === undefined ? null : assignmentOf(this.#place);
    const state: WorkerState = { url: url(), offset: this.#listener.configs().offset, held };
    return offeredModes(protocol).map((mode) => ({
      name: PROTOCOLS[mode].name,
      metadata: encodeWorkerState(state, mode),
    }));
  }

  async #onJoining(): Promise<void> {
    this.#owners = undefined;
    if (this.#mode === 'eager') await this.#giveUp(false);
  }

  async #giveUp(isLost: boolean): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    this.#owners = undefined;
    if (place !== undefined) await this.#listener.onRevoked(place.has, isLost);
  }

  async #onJoined({ protocol, generationId, assignment }: GroupPlace): Promise<void> {
    this.#mode = modeOf(protocol);
    // A leader that went meanwhile has left nothing.
    const got = assignment.length === 0 ? NOTHING : decodeAssignment(assignment);
    const { hasFailed, leader, leaderUrl, offset, delayMs, gets, givesUp } = got;
    const hasGivenUp = givesUp.connectors.size + givesUp.tasks.size > 0;
    const has = this.#place === undefined ? allotment() : copyOf(this.#place.has);
    if (hasGivenUp) await this.#listener.onRevoked(givesUp, false);
    remove(has, givesUp);
    add(has, gets);
    this.#lastGeneration = generationId;
    this.#place = { hasFailed, leader, leaderUrl, offset, delayMs, has, hasGivenUp, generation: generationId };
    await this.#listener.onAssigned(this.#place);
  }

  #assign({ protocol, leaderId, generationId, members }: GroupRound): Map<string, Uint8Array> {
    const mode = modeOf(protocol);
    const { version } = PROTOCOLS[mode];
    const states = new Map(members.map(({ memberId, metadata }) => [memberId, decodeWorkerState(metadata)]));
    const maxOffset = Math.max(...[...states.values()].map(({ offset }) => offset));
    const configs = this.#listener.configs();
    const hasFailed = configs.offset < maxOffset;
    const leaderUrl = states.get(leaderId)!.url;
    const common = { version, hasFailed, leader: leaderId, leaderUrl };
    const encoded = (of: (worker: string) => Pick<Assignment, 'gets' | 'givesUp' | 'delayMs' | 'offset'>) =>
      new Map([...states.keys()].map((worker) => [worker, encodeAssignment({ ...common, ...of(worker) })]));
    const nothing = { givesUp: allotment(), delayMs: 0, offset: configs.offset };
    if (hasFailed) return encoded(() => ({ ...nothing, gets: allotment(), offset: maxOffset }));
    const urls = new Map([...states].map(([worker, { url }]) => [worker, url]));
    if (mode === 'eager') {
      const assigned = assignEagerly(configs, [...states.keys()]);
      this.#owners = { urls, has: assigned };
      return encoded((worker) => ({ ...nothing, gets: assigned.get(worker)! }));
    }
    const held = new Map([...states].map(([worker, state]) => [worker, state.held?.gets ?? allotment()]));
    const generations = { lastCompleted: this.#lastGeneration, current: generationId };
    const { gets, givesUp, has, delayMs } = this.#cooperative.assign(configs, held, generations);
    this.#owners = { urls, has };
    return encoded((worker) => ({
      gets: gets.get(worker)!,
      givesUp: givesUp.get(worker) ?? allotment(),
      delayMs,
      offset: configs.offset,
    }));
  }
}

/** What a worker says that it has. */
function assignmentOf({ hasFailed, leader, leaderUrl, offset, delayMs, has }: Place): Assignment {
  return { version: 0, hasFailed, leader, leaderUrl, offset, delayMs, gets: has, givesUp: allotment() };
}

const NOTHING: Assignment = {
  version: 0,
  hasFailed: true,
  leader: '',
  leaderUrl: '',
  offset: -1,
  gets: allotment(),
  givesUp: allotment(),
  delayMs: 0,
};
