import { readInt64 } from '../../util/index.ts';
import { DeserializationError, type SchemaHeader, type Serde } from '../../serde/index.ts';
import { type ByteWriter, MillraceError } from '../../util/index.ts';

/** A key within a window. Time windows are [start, end), session and sliding windows include their end. */
export interface Windowed<K> {
  /** The key without its window. */
  readonly key: K;
  /** Milliseconds since the epoch. */
  readonly start: number;
  /** Milliseconds since the epoch. */
  readonly end: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

function whole(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) {
    throw new MillraceError('INVALID_WINDOW', `${what} must be a whole number of milliseconds, not ${value}`);
  }
  return value;
}

function positive(value: number, what: string): number {
  if (!(Number.isSafeInteger(value) && value > 0)) {
    throw new MillraceError('INVALID_WINDOW', `${what} must be a positive number of milliseconds, not ${value}`);
  }
  return value;
}

function notNegative(value: number, what: string): number {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new MillraceError('INVALID_WINDOW', `${what} must not be negative, but is ${value} ms`);
  }
  return value;
}

/** Tumbling and hopping windows, aligned to the epoch. */
export class TimeWindows {
  /** How long a window is, ms. */
  readonly sizeMs: number;
  /** How far the starts of windows are apart, ms; the size, where they don't overlap. */
  readonly advanceMs: number;
  /** How long after its end a window takes records, ms. */
  readonly graceMs: number;

  private constructor(sizeMs: number, advanceMs: number, graceMs: number) {
    this.sizeMs = positive(sizeMs, 'the window size');
    this.advanceMs = positive(advanceMs, 'the window advance');
    this.graceMs = notNegative(graceMs, 'the grace period');
    if (advanceMs > sizeMs) {
      throw new MillraceError(
        'INVALID_WINDOW',
        `the window advance (${advanceMs} ms) must not exceed its size (${sizeMs} ms)`,
      );
    }
  }

  /** Tumbling windows. Throws INVALID_WINDOW for a size that is not positive, or a negative grace. */
  static ofSizeAndGrace(sizeMs: number, graceMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, graceMs);
  }

  /** Tumbling windows that close at their end. Throws INVALID_WINDOW for a size that is not positive. */
  static ofSizeWithNoGrace(sizeMs: number): TimeWindows {
    return new TimeWindows(sizeMs, sizeMs, 0);
  }

  /** Hopping windows of the same size. Throws INVALID_WINDOW for an advance above the size. */
  advanceBy(advanceMs: number): TimeWindows {
    return new TimeWindows(this.sizeMs, advanceMs, this.graceMs);
  }

  /** The first start of the windows that hold `timestamp`; the others follow in steps of `advanceMs` up to `timestamp`. */
  firstStart(timestamp: number): number {
    const { sizeMs, advanceMs } = this;
    return Math.floor(Math.max(0, timestamp - sizeMs + advanceMs) / advanceMs) * advanceMs;
  }

  /** The start of the window behind the one that starts then. */
  nextStart(start: number): number {
    return start + this.advanceMs;
  }
}

/** One window from a time on, without end: what comes before it is left out. */
export class UnlimitedWindows {
  /** Infinite. */
  readonly sizeMs = Number.POSITIVE_INFINITY;
  /** Infinite. */
  readonly advanceMs = Number.POSITIVE_INFINITY;
  /** 0: the window never closes. */
  readonly graceMs = 0;
  /** Milliseconds since the epoch. */
  readonly startMs: number;

  private constructor(startMs: number) {
    this.startMs = notNegative(startMs, 'the start of the window');
  }

  /** From the epoch on. */
  static of(): UnlimitedWindows {
    return new UnlimitedWindows(0);
  }

  /** From a time on, in milliseconds since the epoch. Throws INVALID_WINDOW for a negative one. */
  startOn(startMs: number): UnlimitedWindows {
    return new UnlimitedWindows(startMs);
  }

  /** As that of `TimeWindows`: the window's start; infinite for what comes before it. */
  firstStart(timestamp: number): number {
    return timestamp < this.startMs ? Number.POSITIVE_INFINITY : this.startMs;
  }

  /** Infinite: there is one window. */
  nextStart(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * Windows of one's own: at the same times for all keys, and such that nobody else has (the days of a time zone, the shifts of a
 * factory). `startsOf` answers the starts of the windows that a time is in, each at or before it. A window's end is its start
 * plus `sizeMs`, the longest that one of them takes: that is when it closes, and what its key says.
 */
export class Windows {
  /** How long the longest window takes, ms. */
  readonly sizeMs: number;
  /** How long after its end a window takes records, ms. */
  readonly graceMs: number;
  readonly #startsOf: (timestamp: number) => Iterable<number>;

  private constructor(sizeMs: number, graceMs: number, startsOf: (timestamp: number) => Iterable<number>) {
    this.sizeMs = positive(sizeMs, 'the window size');
    this.graceMs = notNegative(graceMs, 'the grace period');
    this.#startsOf = startsOf;
  }

  /** Throws INVALID_WINDOW for a size that is not positive, a negative grace, or without `startsOf`. */
  static of({ sizeMs, graceMs = 0, startsOf }: WindowsOptions): Windows {
    if (typeof startsOf !== 'function') {
      throw new MillraceError(
        'INVALID_WINDOW',
        'windows of your own need startsOf, a function that answers their starts',
      );
    }
    return new Windows(sizeMs, graceMs, startsOf);
  }

  /** In order; throws where what is answered is no start of a window that the time can be in. */
  startsOf(timestamp: number): number[] {
    const starts = [...this.#startsOf(timestamp)].sort((a, b) => a - b);
    for (const start of starts) {
      if (Number.isSafeInteger(start) && start >= 0 && start <= timestamp && timestamp < start + this.sizeMs) continue;
      throw new MillraceError(
        'INVALID_WINDOW',
        `startsOf answers ${start} for ${timestamp}, which is not in a window of ${this.sizeMs} ms that starts there`,
      );
    }
    return starts;
  }
}

/** What windows of one's own are made of. */
export interface WindowsOptions {
  /** How long the longest window takes, ms. */
  readonly sizeMs: number;
  /** How long after its end a window takes records, ms. Default 0. */
  readonly graceMs?: number;
  /** The starts of the windows that a time is in, milliseconds since the epoch. */
  readonly startsOf: (timestamp: number) => Iterable<number>;
}

/** Windows of a fixed length that exist wherever their content changes: both ends are inclusive. */
export class SlidingWindows {
  /** How far apart records of one window may be, ms. */
  readonly timeDifferenceMs: number;
  /** How long after its end a window takes records, ms. */
  readonly graceMs: number;

  private constructor(timeDifferenceMs: number, graceMs: number) {
    this.timeDifferenceMs = notNegative(timeDifferenceMs, 'the time difference');
    this.graceMs = notNegative(graceMs, 'the grace period');
  }

  /** Throws INVALID_WINDOW for a negative difference or grace. */
  static ofTimeDifferenceAndGrace(timeDifferenceMs: number, graceMs: number): SlidingWindows {
    return new SlidingWindows(timeDifferenceMs, graceMs);
  }

  /** Windows that close at their end. Throws INVALID_WINDOW for a negative difference. */
  static ofTimeDifferenceWithNoGrace(timeDifferenceMs: number): SlidingWindows {
    return new SlidingWindows(timeDifferenceMs, 0);
  }
}

/** Sessions: records of a key that are no further apart than the gap. */
export class SessionWindows {
  /** How far apart records of one session may be, ms. */
  readonly gapMs: number;
  /** How long after its end a session takes records, ms. */
  readonly graceMs: number;

  private constructor(gapMs: number, graceMs: number) {
    this.gapMs = positive(gapMs, 'the inactivity gap');
    this.graceMs = notNegative(graceMs, 'the grace period');
  }

  /** Throws INVALID_WINDOW for a gap that is not positive, or a negative grace. */
  static ofInactivityGapAndGrace(gapMs: number, graceMs: number): SessionWindows {
    return new SessionWindows(gapMs, graceMs);
  }

  /** Sessions without a grace period. Throws INVALID_WINDOW for a gap that is not positive. */
  static ofInactivityGapWithNoGrace(gapMs: number): SessionWindows {
    return new SessionWindows(gapMs, 0);
  }
}

/** How far apart the two records of a stream-stream join may be; both bounds are inclusive. */
export class JoinWindows {
  /** How much earlier than the left record the right one may be. */
  readonly beforeMs: number;
  /** How much later than the left record the right one may be. */
  readonly afterMs: number;
  /** How late a record may be and still be joined, ms. */
  readonly graceMs: number;
  /** True when the unmatched side of an outer join is emitted at once, and again if a match comes later. */
  readonly eager: boolean;

  private constructor(beforeMs: number, afterMs: number, graceMs: number, eager: boolean) {
    whole(beforeMs, 'how much earlier the other record may be');
    whole(afterMs, 'how much later the other record may be');
    if (beforeMs + afterMs < 0) {
      throw new MillraceError('INVALID_WINDOW', `a join window from -${beforeMs} ms to ${afterMs} ms holds nothing`);
    }
    this.beforeMs = beforeMs;
    this.afterMs = afterMs;
    this.graceMs = notNegative(graceMs, 'the grace period');
    this.eager = eager;
  }

  /** The other record may be so much earlier or later. Throws INVALID_WINDOW for a negative difference or grace. */
  static ofTimeDifferenceAndGrace(differenceMs: number, graceMs: number): JoinWindows {
    return new JoinWindows(differenceMs, differenceMs, graceMs, false);
  }

  /** The same without a grace period. */
  static ofTimeDifferenceWithNoGrace(differenceMs: number): JoinWindows {
    return new JoinWindows(differenceMs, differenceMs, 0, false);
  }

  /** The older behaviour: a day of grace, and unmatched records of outer joins are emitted without waiting for the window to close. */
  static ofTimeDifferenceEager(differenceMs: number, graceMs = Math.max(DAY_MS - 2 * differenceMs, 0)): JoinWindows {
    return new JoinWindows(differenceMs, differenceMs, graceMs, true);
  }

  /** Another bound for how much earlier the right record may be, ms; negative: it has to be later. */
  before(beforeMs: number): JoinWindows {
    return new JoinWindows(beforeMs, this.afterMs, this.graceMs, this.eager);
  }

  /** Another bound for how much later the right record may be, ms; negative: it has to be earlier. */
  after(afterMs: number): JoinWindows {
    return new JoinWindows(this.beforeMs, afterMs, this.graceMs, this.eager);
  }

  /** From the earliest to the latest partner, ms. */
  get sizeMs(): number {
    return this.beforeMs + this.afterMs;
  }
}

/** A windowed key as Kafka writes it to topics: the key, then the window's start. The end follows from the size. */
export class TimeWindowedSerde<K> implements Serde<Windowed<K>> {
  readonly name: string;
  readonly windowBytes = 8;
  /** That of the keys without windows. */
  readonly inner: Serde<K>;
  /** How long the windows are, ms. */
  readonly sizeMs: number;

  constructor(inner: Serde<K>, sizeMs: number) {
    this.name = `TIME_WINDOWED(${inner.name})`;
    this.inner = inner;
    this.sizeMs = sizeMs;
  }

  encode(value: Windowed<K>, out: ByteWriter): void {
    this.inner.encode(value.key, out);
    out.int64(value.start);
  }

  decode(bytes: Buffer, start: number, end: number): Windowed<K> {
    if (end - start < 8) throw new DeserializationError('a time-windowed key is shorter than its window');
    const windowStart = readInt64(bytes, end - 8);
    return { key: this.inner.decode(bytes, start, end - 8), start: windowStart, end: windowStart + this.sizeMs };
  }

  async prepare(): Promise<void> {
    await this.inner.prepare?.();
  }

  /** A schema is named before the key: the window stands behind it. */
  get schemaHeader(): SchemaHeader | undefined {
    return this.inner.schemaHeader;
  }
}

/** A session's key as Kafka writes it to topics: the key, then the session's end, then its start. */
export class SessionWindowedSerde<K> implements Serde<Windowed<K>> {
  readonly name: string;
  readonly windowBytes = 16;
  /** That of the keys without windows. */
  readonly inner: Serde<K>;

  constructor(inner: Serde<K>) {
    this.name = `SESSION_WINDOWED(${inner.name})`;
    this.inner = inner;
  }

  encode(value: Windowed<K>, out: ByteWriter): void {
    this.inner.encode(value.key, out);
    out.int64(value.end);
    out.int64(value.start);
  }

  decode(bytes: Buffer, start: number, end: number): Windowed<K> {
    if (end - start < 16) throw new DeserializationError('a session-windowed key is shorter than its window');
    return {
      key: this.inner.decode(bytes, start, end - 16),
      start: readInt64(bytes, end - 8),
      end: readInt64(bytes, end - 16),
    };
  }

  async prepare(): Promise<void> {
    await this.inner.prepare?.();
  }

  /** A schema is named before the key: the window stands behind it. */
  get schemaHeader(): SchemaHeader | undefined {
    return this.inner.schemaHeader;
  }
}
