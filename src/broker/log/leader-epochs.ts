/**
 * Which leader epoch began at which offset: Kafka's `leader-epoch-checkpoint`. With one broker an epoch ends when the
 * broker did not shut down cleanly, so that a client can find out whether what it read is still there.
 */
export class LeaderEpochs {
  #entries: { epoch: number; startOffset: number }[] = [];

  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? 0;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  begin(epoch: number, startOffset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < startOffset || entry.epoch < epoch);
    // An epoch without records says nothing: the next one takes its place.
    if (this.#entries.at(-1)?.startOffset === startOffset) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
  }

  /** The epoch of the record at `offset`. */
  epochAt(offset: number): number {
    let epoch = this.#entries[0]?.epoch ?? 0;
    for (const entry of this.#entries) if (entry.startOffset <= offset) epoch = entry.epoch;
    return epoch;
  }

  /** The largest epoch that is not above the one asked for, and where it ends; -1 and -1 when none is that old. */
  endOf(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    const latest = this.#entries.at(-1)?.epoch ?? -1;
    // Of an epoch that is still to come nothing is known.
    for (let i = epoch > latest ? -1 : this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i]!;
      if (entry.epoch <= epoch) {
        return { epoch: entry.epoch, endOffset: this.#entries[i + 1]?.startOffset ?? logEndOffset };
      }
    }
    return { epoch: -1, endOffset: -1 };
  }

  /** Keeps the epoch that holds `offset` as the first one. */
  dropBelow(offset: number): void {
    while (this.#entries.length > 1 && this.#entries[1]!.startOffset <= offset) this.#entries.shift();
    if (this.#entries[0] !== undefined && this.#entries[0].startOffset < offset) this.#entries[0].startOffset = offset;
  }

  dropFrom(offset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.startOffset < offset);
  }

  format(): string {
    const lines = this.#entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`);
    return `0\n${this.#entries.length}\n${lines.join('')}`;
  }

  /** Takes over a checkpoint; one that is not complete says nothing. */
  parse(text: string): void {
    const [, count, ...rest] = text.split('\n');
    const lines = rest.filter(Boolean);
    if (lines.length !== Number(count) || !lines.every((line) => /^\d+ \d+$/.test(line))) return;
    this.#entries = lines.map((line) => {
      const [epoch = 0, startOffset = 0] = line.split(' ').map(Number);
      return { epoch, startOffset };
    });
  }
}
