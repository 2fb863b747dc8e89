/**
 * Time behind a repartition topic.
 *
 * Several tasks write to one partition of it, each at its own pace, so the highest timestamp that happened to come first
 * says nothing about what the others are still to bring: taken as time it makes their records late by an accident of
 * scheduling. Each task that feeds the topic therefore announces how far it has come, to every partition, in records
 * without key and value whose header `__millrace.watermark` holds the announcements; they stand behind what the task wrote
 * until then, in the same transaction. The reader's time is the minimum over its feeders, and never runs ahead of it.
 *
 * A feeder that has read all there is may be silent for long: after a while it announces that it is idle, and is left out
 * of the minimum until it moves again. When all are idle, nothing is held back.
 *
 * A topic with one feeding task needs none of this (the order in it is that of the source), and one whose reader is also
 * among what feeds it (foreign-key joins) would wait for itself: both are read as they come.
 *
 * What one application reads from another one's results is bounded in the same way; there the announcements stand beside the
 * writer's committed offsets (upstream.ts), since a topic of results is the users'.
 */
import type { Header } from '../../client/index.ts';
import { assert, ByteWriter, MillraceError } from '../../util/index.ts';
import type { GraphNode } from '../graph/node.ts';
import type { SubTopology, Topology } from '../graph/topology.ts';
import { readInt64 } from '../../util/index.ts';
import { taskCount } from './internal-topics.ts';

/** What a feeding task is about: reading on; at the end of its input; there for so long that nobody should wait for it. */
export const Progress = { active: 0, caughtUp: 1, idle: 2 } as const;
export type Progress = (typeof Progress)[keyof typeof Progress];

export interface Announcement {
  readonly taskId: string;
  /** Up to where the task has written, by event time; -1 when it has seen no record yet. */
  readonly time: number;
  readonly progress: Progress;
}

export const WATERMARK_HEADER = '__millrace.watermark';
const VERSION = 1;

/** Version (1), then per announcement: the task id's length (1) and text, progress (1), time (8). */
export function encodeAnnouncements(announcements: readonly Announcement[]): Header {
  const out = new ByteWriter();
  out.int8(VERSION);
  for (const { taskId, time, progress } of announcements) {
    out.int8(taskId.length);
    out.utf8(taskId);
    out.int8(progress);
    out.int64(time);
  }
  return { key: WATERMARK_HEADER, value: out.copy() };
}

/** Undefined when the headers are those of an ordinary record. Throws `INVALID_WATERMARK`. */
export function announcementsIn(headers: readonly Header[]): Announcement[] | undefined {
  const [header] = headers;
  if (headers.length !== 1 || header!.key !== WATERMARK_HEADER) return undefined;
  const bytes = Buffer.from(header!.value ?? []);
  const invalid = (why: string): never => {
    throw new MillraceError('INVALID_WATERMARK', `the header ${WATERMARK_HEADER} can't be read: ${why}`);
  };
  if (bytes[0] !== VERSION) invalid(`version ${bytes[0]} is not known`);
  const announcements: Announcement[] = [];
  for (let at = 1; at < bytes.length; ) {
    const textEnd = at + 1 + bytes[at]!;
    const end = textEnd + 9;
    if (end > bytes.length) invalid('it ends within an announcement');
    const progress = bytes[textEnd]!;
    if (progress > Progress.idle) invalid(`progress ${progress} is not known`);
    const taskId = bytes.toString('latin1', at + 1, textEnd);
    announcements.push({ taskId, progress: progress as Progress, time: readInt64(bytes, textEnd + 1) });
    at = end;
  }
  return announcements;
}

/** How far the feeders of one partition have come, as far as its reader has heard. Without any it bounds nothing. */
export class Watermark {
  /** Up to where everything has come: it never goes back. -1 until all feeders have been heard of. */
  time = -1;
  /** Whether the announcements come in the topic itself. */
  readonly isInBand: boolean;
  #feeders: Map<string, { time: number; progress: Progress }>;

  /** Without `feeders` they are heard of from elsewhere. */
  constructor(feeders: readonly string[]) {
    this.isInBand = feeders.length > 0;
    this.#feeders = new Map(feeders.map((taskId) => [taskId, { time: -1, progress: Progress.active }]));
  }

  /** Announcements of tasks that this version of the topology does not have are those of another one's. */
  hear(announcements: readonly Announcement[]): void {
    for (const { taskId, time, progress } of announcements) {
      const feeder = this.#feeders.get(taskId);
      if (feeder === undefined) continue;
      feeder.time = Math.max(feeder.time, time);
      feeder.progress = progress;
    }
    this.#advance();
  }

  /** The same where nobody knows beforehand who feeds: the announcements are all that there are. */
  hearAll(announcements: readonly Announcement[]): void {
    this.#feeders = new Map(
      announcements.map(({ taskId, time, progress }) => {
        const known = this.#feeders.get(taskId)?.time ?? -1;
        return [taskId, { time: Math.max(known, time), progress }];
      }),
    );
    this.#advance();
  }

  #advance(): void {
    let least = Number.POSITIVE_INFINITY;
    let most = -1;
    for (const { time, progress } of this.#feeders.values()) {
      if (progress !== Progress.idle && time < least) least = time;
      if (time > most) most = time;
    }
    this.time = Math.max(this.time, least === Number.POSITIVE_INFINITY ? most : least);
    assert(this.bound >= -1 && !Number.isNaN(this.bound), `${this.bound} is no time`);
  }

  /** What time behind the partition can't be beyond; Infinity when nobody is to be waited for. */
  get bound(): number {
    return this.#feeders.values().every(({ progress }) => progress === Progress.idle)
      ? Number.POSITIVE_INFINITY
      : this.time;
  }

  /** The feeder that has come least far, where others are behind it; undefined: nobody is waited for. */
  get slowest(): string | undefined {
    let slowest: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [taskId, { time, progress }] of this.#feeders) {
      if (progress === Progress.idle || time >= least) continue;
      least = time;
      slowest = taskId;
    }
    return slowest;
  }

  /** Takes over what was committed. */
  restore(time: number): void {
    this.time = Math.max(this.time, time);
  }

  /** Whether a feeder that is still reading may bring records from before `time`. */
  mayBringBefore(time: number): boolean {
    for (const feeder of this.#feeders.values()) {
      if (feeder.progress === Progress.active && feeder.time < time) return true;
    }
    return false;
  }

  /** Whether nothing is under way to this partition. */
  get hasCaughtUp(): boolean {
    return this.#feeders.values().every(({ progress }) => progress !== Progress.active);
  }
}

/** The tasks that feed each internal topic, for those topics behind which time is the minimum over them. */
export function feedersOf(topology: Topology, counts: ReadonlyMap<string, number>): Map<string, readonly string[]> {
  const feeders = new Map<string, readonly string[]>();
  for (const topic of topology.internalTopics.keys()) {
    const writers = topology.subTopologies.filter((sub) => sinksTo(sub, topic).length > 0);
    const reached = reachableFrom(topology, readersOf(topology, topic));
    if (writers.some((sub) => reached.has(sub))) continue;
    const tasks = writers.flatMap((sub) => Array.from({ length: taskCount(sub, counts) }, (_, i) => `${sub.id}_${i}`));
    if (tasks.length > 1) feeders.set(topic, tasks);
  }
  return feeders;
}

/** The sinks of a sub-topology whose topics are the users'. */
export function outwardSinks(topology: Topology, sub: SubTopology): GraphNode[] {
  return sub.nodes.filter(({ sink }) => typeof sink?.topic === 'string' && !topology.internalTopics.has(sink.topic));
}

export function sinksTo(sub: SubTopology, topic: string): GraphNode[] {
  return sub.nodes.filter((node) => node.sink?.topic === topic);
}

function readersOf(topology: Topology, topic: string): SubTopology[] {
  return topology.subTopologies.filter((sub) => sub.sources.some(({ source }) => source!.topics.includes(topic)));
}

function reachableFrom(topology: Topology, from: readonly SubTopology[]): Set<SubTopology> {
  const reached = new Set(from);
  for (const sub of reached) {
    for (const { sink } of sub.nodes) {
      if (typeof sink?.topic !== 'string' || !topology.internalTopics.has(sink.topic)) continue;
      for (const reader of readersOf(topology, sink.topic)) reached.add(reader);
    }
  }
  return reached;
}
