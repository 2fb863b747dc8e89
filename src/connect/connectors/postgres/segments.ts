// What of the log the rows of a snapshot have in them already. Each transaction that read a part of them saw others, or did
// not (`pg_current_snapshot()`), so a change is left out when its row was read by one that saw the change's transaction.
import type { Client } from 'pg';
import { type CatalogTable, fullName, readTable, type TableName } from './catalog.ts';
import { queryTexts } from './connection.ts';
import type { Lsn } from './pgoutput.ts';
import type { SnapshotSegment } from './positions.ts';
import { quoteName } from './replication-stream.ts';
import { quoteText } from './slot.ts';

/** A segment, with what it saw taken apart: everything below `min`, and up to `max` everything that was not running. */
interface Segment extends SnapshotSegment {
  readonly min: bigint;
  readonly max: bigint;
  readonly running: ReadonlySet<bigint>;
}

/** Whether a change is in the snapshot. */
export class SnapshotSegments {
  readonly #segments: readonly Segment[];
  readonly #client: Client;
  readonly #tables = new Map<string, CatalogTable | undefined>();
  readonly #isInSnapshot: (table: TableName) => boolean;

  constructor(segments: readonly SnapshotSegment[], client: Client, isInSnapshot: (table: TableName) => boolean) {
    this.#client = client;
    this.#isInSnapshot = isInSnapshot;
    this.#segments = segments.map((segment) => {
      const [min, max, running] = segment.seen.split(':');
      const list = running === undefined || running === '' ? [] : running.split(',').map(BigInt);
      return { ...segment, min: BigInt(min!), max: BigInt(max!), running: new Set(list) };
    });
  }

  /** Whether a transaction that commits there may have been seen. */
  concern(at: Lsn): boolean {
    return this.#segments.some((segment) => at < segment.until);
  }

  /** Whether the row of this key was read by who saw the transaction. `key`: its texts; undefined: of no row, or not known. */
  async has(xid: number, at: Lsn, table: TableName, key: readonly string[] | undefined): Promise<boolean> {
    const seen = this.#segments.map((segment) => at < segment.until && isSeen(segment, xid));
    if (!seen.includes(true) || !this.#isInSnapshot(table)) return false;
    return seen[await this.#segmentOf(table, key)]!;
  }

  /** Which segment has the row: the last that begins before it. */
  async #segmentOf(table: TableName, key: readonly string[] | undefined): Promise<number> {
    const id = fullName(table);
    for (let i = this.#segments.length - 1; i > 0; i--) {
      const from = this.#segments[i]!.from;
      if (from === null || id > from.table) return i;
      if (id < from.table || from.complete) continue;
      // Rows without a key were all read again. A change that has no key, of a table that has one, is of the whole table.
      if (from.key === null || key === undefined || (await this.#isBehind(table, key, from.key))) return i;
    }
    return 0;
  }

  /** Whether a key comes behind another in the order of the table, of which only the server knows everything. */
  async #isBehind(name: TableName, key: readonly string[], other: readonly string[]): Promise<boolean> {
    const id = fullName(name);
    if (!this.#tables.has(id)) this.#tables.set(id, await readTable(this.#client, name));
    const table = this.#tables.get(id);
    // A table that is gone has no rows that anybody could miss.
    if (table === undefined) return false;
    const names = table.key.map(quoteName).join(', ');
    const row = (texts: readonly string[]): string => texts.map(quoteText).join(', ');
    const [found] = await queryTexts(
      this.#client,
      `SELECT (${names}) > (${row(other)}) FROM jsonb_populate_record(NULL::${quoteName(name.schema)}.${quoteName(name.table)}, $1)`,
      [JSON.stringify(Object.fromEntries(table.key.map((column, i) => [column, key[i]!])))],
    );
    return found?.[0] === 't';
  }
}

/** Whether a transaction had ended, for who was told this: the number of a transaction has 32 bits, what was told has 64. */
function isSeen(segment: Segment, xid: number): boolean {
  const behindMax = BigInt.asIntN(32, BigInt(xid) - segment.max);
  const full = segment.max + behindMax;
  return full < segment.max && (full < segment.min || !segment.running.has(full));
}
