import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import type { JournalRecord } from '../internal-topic.ts';
import type { CommittedOffset, OffsetEntry } from './committed-offset.ts';
import { offsetRecord, offsetTombstone } from './journal-records.ts';

/** The committed offsets of one group, and those that wait for their transaction. */
export class OffsetStore {
  readonly #group: string;
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();
  readonly #pending = new Map<number, OffsetEntry[]>();

  constructor(group: string) {
    this.#group = group;
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0 && this.#pending.size === 0;
  }

  /** About what they take of memory. */
  get bytes(): number {
    let sum = 0;
    for (const entry of this.entries()) sum += offsetBytes(entry);
    for (const held of this.#pending.values()) for (const entry of held) sum += offsetBytes(entry);
    return sum;
  }

  /** About how much more memory offsets would take: those that are there already only for what they say besides. */
  bytesOfMore(entries: readonly OffsetEntry[]): number {
    return entries.reduce((sum, entry) => {
      const before = this.get(entry.topic, entry.partition);
      return sum + offsetBytes(entry) - (before === undefined ? 0 : offsetBytes({ ...entry, ...before }));
    }, 0);
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  *entries(): Iterable<OffsetEntry> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, committed] of partitions) yield { topic, partition, ...committed };
    }
  }

  set(entry: OffsetEntry): void {
    const { topic, partition, offset, leaderEpoch, metadata, committedAt } = entry;
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    partitions.set(partition, { offset, leaderEpoch, metadata, committedAt });
  }

  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return false;
    if (partitions.size === 0) this.#topics.delete(topic);
    return true;
  }

  // ── Transactions ────────────────────────────────────────────────────────────────────────────────────────────────

  hold(producerId: number, entries: readonly OffsetEntry[]): void {
    const held = this.#pending.get(producerId) ?? [];
    held.push(...entries);
    this.#pending.set(producerId, held);
  }

  /** The end of a producer's transaction: what it held back counts, or is forgotten. */
  release(producerId: number, committed: boolean): void {
    const held = this.#pending.get(producerId);
    if (held === undefined) return;
    this.#pending.delete(producerId);
    if (committed) for (const entry of held) this.set(entry);
  }

  /** True while a transaction may still change the offset. */
  isUnstable(topic: string, partition: number): boolean {
    for (const held of this.#pending.values()) {
      if (held.some((entry) => entry.topic === topic && entry.partition === partition)) return true;
    }
    return false;
  }

  // ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

  records(entries: readonly OffsetEntry[]): JournalRecord[] {
    return entries.map((entry) => offsetRecord(this.#group, entry));
  }

  /** Removes the entries that `isGone` picks, and returns the records that say so. */
  remove(isGone: (entry: OffsetEntry) => boolean): JournalRecord[] {
    const gone = [...this.entries()].filter(isGone);
    for (const { topic, partition } of gone) this.delete(topic, partition);
    return gone.map(({ topic, partition }) => offsetTombstone(this.#group, topic, partition));
  }
}

function offsetBytes({ topic, metadata }: OffsetEntry): number {
  return ENTRY_BYTES + textBytes(topic) + textBytes(metadata);
}
