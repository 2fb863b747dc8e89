// What is committed beside an offset, in Kafka Streams' own bytes: the partition's time, and how far the operators that
// emit closed windows have come. Without it stream time would begin anew with every restart. Beside the first partition of a
// task stands how far its results have come, for the applications that read them (upstream.ts), and beside all of them what
// the rows of its stores mean, for topologies to come (evolution.ts).
import { readInt64 } from '../../util/index.ts';
import { ByteWriter } from '../../util/index.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import type { EmitPosition } from '../state/store.ts';
import { type Announcement, Progress } from './watermarks.ts';

const VERSION = 2;
/** Behind an operator's name: the latest event time it has seen. Readers that don't know it keep it as one more name. */
const OBSERVED = '.observed';
/** The partition's watermark, as if it were an operator's. */
const WATERMARK = '.watermark';
/** How far the task's results have come, as if that were an operator's: `.written/<task>/<of so many tasks>/<progress>`. */
const WRITTEN = /^\.written\/(\d+_\d+)\/(\d+)\/(\d)$/;

/** What a store's rows mean, as if it were an operator: this and a JSON array. */
const STORE = '.store/';
/** Kafka takes 4096 characters by default; what does not fit besides the rest stands in checkpoints only. */
const STORES_BYTES = 2048;

/** What a task has written to topics of users. */
export interface Written extends Announcement {
  /** Tasks of the application that write to such topics. */
  readonly writers: number;
}

export interface CommitMetadata {
  readonly partitionTime: number;
  readonly positions: ReadonlyMap<string, EmitPosition>;
  /** How far the partition's feeders have come; -1 when that is not known. */
  readonly watermark: number;
  readonly written: Written | undefined;
  readonly stores: ReadonlyMap<string, StoreFingerprint>;
}

const NO_STORES: ReadonlyMap<string, StoreFingerprint> = new Map();

export function encodeMetadata(
  partitionTime: number,
  positions: ReadonlyMap<string, EmitPosition>,
  watermark = -1,
  written?: Written,
  stores = NO_STORES,
): string {
  const entries: [string, number][] = watermark >= 0 ? [[WATERMARK, watermark]] : [];
  if (written !== undefined) {
    entries.push([`.written/${written.taskId}/${written.writers}/${written.progress}`, written.time]);
  }
  for (const [name, { lastClose, observedTime }] of positions) {
    if (lastClose >= 0) entries.push([name, lastClose]);
    if (observedTime >= 0) entries.push([`${name}${OBSERVED}`, observedTime]);
  }
  for (const name of storeNotes(stores)) entries.push([name, 0]);
  const out = new ByteWriter();
  out.int8(VERSION);
  out.int64(partitionTime);
  if (entries.length > 0) {
    out.int32(entries.length);
    for (const [name, time] of entries) {
      const bytes = Buffer.from(name);
      out.int32(bytes.length);
      out.bytes(bytes);
      out.int64(time);
    }
  }
  return out.view().toString('base64');
}

function storeNotes(stores: ReadonlyMap<string, StoreFingerprint>): string[] {
  let left = STORES_BYTES;
  return [...stores].flatMap(([name, { layout, key, value, operator, input }]) => {
    const note = `${STORE}${JSON.stringify([name, layout, key, value, operator, input])}`;
    left -= Buffer.byteLength(note) + 12;
    return left < 0 ? [] : [note];
  });
}

/** An empty or unreadable text is "unknown", never an error. */
export function decodeMetadata(text: string): CommitMetadata {
  const positions = new Map<string, EmitPosition>();
  const stores = new Map<string, StoreFingerprint>();
  const unknown = { partitionTime: -1, positions, watermark: -1, written: undefined, stores };
  let watermark = -1;
  let written: Written | undefined;
  const bytes = Buffer.from(text, 'base64');
  try {
    const version = bytes.readInt8(0);
    if (version !== 1 && version !== VERSION) return unknown;
    const partitionTime = readInt64(bytes, 1);
    if (bytes.length > 9) {
      let at = 13;
      for (let left = bytes.readInt32BE(9); left > 0; left--) {
        const end = at + 4 + bytes.readInt32BE(at);
        const name = bytes.toString('utf8', at + 4, end);
        const time = readInt64(bytes, end);
        at = end + 8;
        if (name === WATERMARK) {
          watermark = time;
          continue;
        }
        if (name.startsWith(STORE)) {
          const [store, layout, key, value, operator, input] = JSON.parse(name.slice(STORE.length)) as string[];
          stores.set(store!, { layout: layout!, key: key!, value: value!, operator: operator!, input: input! });
          continue;
        }
        const [, taskId, writers, progress] = WRITTEN.exec(name) ?? [];
        if (taskId !== undefined) {
          if (Number(progress) <= Progress.idle) {
            written = { taskId, time, progress: Number(progress) as Progress, writers: Number(writers) };
          }
          continue;
        }
        const isObserved = name.endsWith(OBSERVED);
        const id = isObserved ? name.slice(0, -OBSERVED.length) : name;
        const position = positions.get(id) ?? { observedTime: -1, lastClose: -1 };
        if (isObserved) position.observedTime = time;
        else position.lastClose = time;
        positions.set(id, position);
      }
    }
    return { partitionTime, positions, watermark, written, stores };
  } catch {
    return unknown;
  }
}
