// A topology in a test: typed records in and out, a wall clock that the test moves.
import type { Header } from '../../client/index.ts';
import { deserialize, headersOf, type Serde, serialize } from '../../serde/index.ts';
import { checkDriverOptions } from '../api/checks.ts';
import { checkValue, ManualEnvironment, wholeNumber } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';
import { type SynchronousOptions, SynchronousTopology } from './synchronous.ts';

export interface TestDriverOptions extends Omit<SynchronousOptions, 'environment'> {
  /** What the wall clock shows at first. Default 0. */
  readonly startTimeMs?: number;
}

export class TopologyTestDriver extends SynchronousTopology {
  declare readonly environment: ManualEnvironment;

  constructor(topology: Topology, { startTimeMs = 0, ...options }: TestDriverOptions = {}) {
    checkDriverOptions({ startTimeMs, ...options });
    super(topology, { ...options, environment: new ManualEnvironment(startTimeMs) });
  }

  /** As `pipe`, from values. */
  pipeTyped<K, V>(
    topic: string,
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
    key: K | null,
    value: V | null,
    timestamp?: number,
  ): void {
    const headers = [
      ...(key === null ? [] : headersOf(serdes.key)),
      ...(value === null ? [] : headersOf(serdes.value)),
    ];
    this.pipe(topic, serialize(serdes.key, key), serialize(serdes.value, value), timestamp, headers);
  }

  /** As `pipe`, and loads the schemas that the record and what follows from it need. */
  pipeLoading(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number = this.environment.now(),
    headers: readonly Header[] = [],
  ): Promise<void> {
    return this.pipeAll([{ topic, key, value, timestamp, headers }]);
  }

  readTyped<K, V>(
    topic: string,
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
  ): { readonly key: K | null; readonly value: V | null; readonly timestamp: number }[] {
    return this.read(topic).map(({ key, value, timestamp, headers }) => ({
      key: deserialize(serdes.key, key, headers),
      value: deserialize(serdes.value, value, headers),
      timestamp,
    }));
  }

  /** Topics with records that have not been read, in the order of their first record. */
  outputTopics(): string[] {
    return [...this.unread.keys()];
  }

  /** Moves the wall clock, and runs what was scheduled by it. */
  advanceWallClock(byMs: number): void {
    checkValue('advanceWallClock: the milliseconds', byMs, wholeNumber(0));
    this.environment.advance(byMs);
    this.punctuate();
  }
}
