// What members of a group read: topics by name, and those that a pattern matches. Topics come and go: a number says when what was
// found has to be looked up again, and a hash whether it is another.
import { createHash } from 'node:crypto';
import { RE2JS } from 're2js';
import { messageOf, MillraceError } from '../../util/index.ts';
import type { Topic } from '../topics.ts';

/** What groups want to know of topics. */
export interface TopicCatalogue {
  /** Another number behind each change. */
  readonly version: number;
  get(name: string): Topic | undefined;
  byId(id: string): Topic | undefined;
  all(): Iterable<Topic>;
}

/** Compiles a pattern of RE2, which needs no more than linear time; refuses what is none. */
export function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const why = messageOf(error)
      .replace(/^error parsing regexp: /, '')
      .replace(/: `.*`$/s, '');
    const message = `SubscribedTopicRegex \`${pattern}\` is not a valid regular expression: ${why}.`;
    throw new MillraceError('INVALID_REGULAR_EXPRESSION', message);
  }
}

/** Whether a topic may be seen; undefined: all may. */
export type Sight = ((topic: string) => boolean) | undefined;

const SEES_ALL = (): boolean => true;

export function bothSee(one: Sight, other: Sight): Sight {
  if (one === undefined || other === undefined) return one ?? other;
  return (topic) => one(topic) && other(topic);
}

/** The patterns of a group, and the topics that each matches at the moment. */
export class TopicPatterns {
  readonly #topics: TopicCatalogue;
  readonly #found = new Map<string, readonly string[]>();
  #version = -1;

  constructor(topics: TopicCatalogue) {
    this.#topics = topics;
  }

  /** The names that a pattern matches as a whole; empty for one that is not followed. */
  names(pattern: string | null): readonly string[] {
    return (pattern === null ? undefined : this.#found.get(pattern)) ?? [];
  }

  /**
   * Follows these patterns and no others, each among the topics that whoever asks may see; returns those that match something else
   * than before, and those that are gone.
   */
  follow(patterns: ReadonlyMap<string, Sight>): {
    readonly changed: readonly string[];
    readonly gone: readonly string[];
  } {
    const gone = [...this.#found.keys()].filter((pattern) => !patterns.has(pattern));
    for (const pattern of gone) this.#found.delete(pattern);
    const isStale = this.#version !== this.#topics.version;
    this.#version = this.#topics.version;
    const changed = [...patterns.keys()].filter((pattern) => {
      const maySee = patterns.get(pattern) ?? SEES_ALL;
      const before = this.#found.get(pattern);
      if (before !== undefined && !isStale) return false;
      const compiled = compilePattern(pattern);
      const names = [...this.#topics.all()]
        .map(({ name }) => name)
        .filter((name) => compiled.matches(name) && maySee(name));
      this.#found.set(pattern, names.sort());
      return before?.join() !== names.join();
    });
    return { changed, gone };
  }
}

const HASH_BYTES = 6;

/** A number that is another one when the topics of these names, or their partitions, are others. */
export function hashOfTopics(topics: TopicCatalogue, names: ReadonlySet<string>): number {
  const hash = createHash('sha256');
  let isEmpty = true;
  for (const name of [...names].sort()) {
    const topic = topics.get(name);
    if (topic === undefined) continue;
    isEmpty = false;
    hash.update(`${name}:${topic.id}:${topic.partitions.length};`);
  }
  return isEmpty ? 0 : hash.digest().readUIntBE(0, HASH_BYTES);
}
