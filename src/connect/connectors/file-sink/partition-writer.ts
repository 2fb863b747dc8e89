// The life of a partition's files: records come → each is added to the open file of its folder → something says that it is enough
// (their number, their times, another schema, the clock) → all open files are closed together, as a group → they are written to the
// store → the offset of the next record may be committed.
//
// Exactly once: a file's name has the offset of its first record, and where a group begins is where the one before ended. So what
// comes again after a failure, from the committed offset on, makes the same files with the same names, unless the clock decided.
import type { TopicPartition } from '../../../client/index.ts';
import { DataError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { toWall } from '../../data/time-zones.ts';
import type { FileStore } from '../file-store/index.ts';
import type { RecordFileWriter, RecordFormat } from '../record-files/index.ts';
import type { Partitioner } from './partitioners.ts';
import { type Compatibility, needsNewFile, projected } from './schema-change.ts';
import type { FileSinkConfig } from './settings.ts';

/** What all partitions of a task share. */
export interface FileSinkParts {
  readonly config: FileSinkConfig;
  readonly format: RecordFormat;
  readonly store: FileStore;
  readonly partitioner: Partitioner;
  /** Undefined: now. */
  timeOf(record: SinkRecord): number | undefined;
  now(): number;
  /** Resolves when it is safe to go on without the record. */
  reportErrant(record: SinkRecord, error: Error): Promise<void>;
}

interface OpenFile {
  readonly name: string;
  readonly schema: Schema | null;
  readonly writer: RecordFileWriter;
}

/** The files that are open, closed together. */
interface Group {
  /** Of its first record: what is committed while it is not written. */
  readonly startOffset: number;
  readonly startMs: number;
  /** When the clock ends it. */
  readonly endMs: number;
  count: number;
  /** Of the last record. */
  folder: string;
  readonly files: Map<string, OpenFile>;
}

/** A record's place. */
interface Placed {
  readonly folder: string;
  readonly timeMs: number;
}

/** The files of one partition of a topic. */
export class PartitionWriter {
  readonly #of: TopicPartition;
  readonly #parts: FileSinkParts;
  #group: Group | undefined;
  /** A group that is closed, and is not written whole. */
  #closed:
    | { readonly startOffset: number; readonly files: { readonly name: string; readonly bytes: Buffer }[] }
    | undefined;
  /** Behind the last record that was taken: those before come again when a batch is. */
  #next = -1;

  constructor(of: TopicPartition, parts: FileSinkParts) {
    this.#of = of;
    this.#parts = parts;
  }

  /** The offset from which on records are not in files yet; undefined: there are none. */
  get unsafeFrom(): number | undefined {
    return this.#closed?.startOffset ?? this.#group?.startOffset;
  }

  /** When the clock ends what is open. */
  get endMs(): number {
    return this.#group?.endMs ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a record, and may write files. What it throws when they can't be written leaves it as it was: the record may be put again. */
  async put(record: SinkRecord): Promise<void> {
    if (record.originalOffset < this.#next) return;
    await this.writeDue();
    try {
      const isLast = await this.#take(record);
      this.#next = record.originalOffset + 1;
      if (isLast) this.#close();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      await this.#parts.reportErrant(record, error);
      this.#next = record.originalOffset + 1;
    }
    await this.#writeClosed();
  }

  /** Writes what the clock says is to be written, and what could not be written before. */
  async writeDue(): Promise<void> {
    await this.#writeClosed();
    if (this.#parts.now() < this.endMs) return;
    this.#close();
    await this.#writeClosed();
  }

  /** Adds a record to its file; whether that was the last of its group. */
  async #take(record: SinkRecord): Promise<boolean> {
    const { config } = this.#parts;
    if (record.value === null && config['behavior.on.null.values'] === 'ignore') return false;
    const place = this.#placeOf(record);
    const name = this.#folderName(record, place);
    if (this.#endsBefore(record, place, name)) {
      this.#close();
      await this.#writeClosed();
    }
    const isNew = this.#group?.files.get(name) === undefined;
    const file = this.#group?.files.get(name) ?? this.#open(record, name);
    // A file that gets none of its records is none.
    file.writer.add(valueFor(file, record));
    const group = (this.#group ??= this.#begin(record, place));
    if (isNew) group.files.set(name, file);
    group.folder = place.folder;
    return ++group.count >= config['flush.size'];
  }

  #placeOf(record: SinkRecord): Placed {
    const { config, partitioner } = this.#parts;
    if (record.value === null) {
      if (config['behavior.on.null.values'] === 'fail')
        throw new DataError('the record has no value: behavior.on.null.values=ignore passes over such records');
      return { folder: config['tombstone.encoded.partition'], timeMs: record.timestamp ?? this.#parts.now() };
    }
    const needsTime = partitioner.isByTime || config['rotate.interval.ms'] > 0;
    const timeMs = (needsTime ? this.#parts.timeOf(record) : undefined) ?? this.#parts.now();
    return { folder: partitioner.folderOf(record, timeMs), timeMs };
  }

  #folderName({ topic }: SinkRecord, { folder }: Placed): string {
    const { 'topics.dir': root, 'directory.delim': delimiter } = this.#parts.config;
    return [...(root === '' ? [] : [root]), topic, folder].join(delimiter);
  }

  #endsBefore(record: SinkRecord, { folder, timeMs }: Placed, name: string): boolean {
    const { config, partitioner } = this.#parts;
    const group = this.#group;
    if (group === undefined) return false;
    const rotateMs = config['rotate.interval.ms'];
    if (rotateMs > 0 && timeMs - group.startMs >= rotateMs) return true;
    if (rotateMs > 0 && partitioner.isByTime && folder !== group.folder) return true;
    const file = group.files.get(name);
    if (file === undefined || record.value === null) return false;
    return needsNewFile(config['schema.compatibility'] as Compatibility, file.schema, record.valueSchema);
  }

  #begin(record: SinkRecord, { folder, timeMs }: Placed): Group {
    const endMs = this.#endOf(this.#parts.now());
    return { startOffset: record.originalOffset, startMs: timeMs, endMs, count: 0, folder, files: new Map() };
  }

  /** When the clock ends a group that begins now. */
  #endOf(nowMs: number): number {
    const { config } = this.#parts;
    const [rotateMs, scheduleMs] = [config['rotate.interval.ms'], config['rotate.schedule.interval.ms']];
    const isByClock = rotateMs > 0 && config['timestamp.extractor'] === 'Wallclock';
    const rotation = isByClock ? nowMs + rotateMs : Number.POSITIVE_INFINITY;
    if (scheduleMs <= 0) return rotation;
    const wall = toWall(nowMs, config.timezone);
    return Math.min(rotation, nowMs + scheduleMs - (wall % scheduleMs));
  }

  #open(record: SinkRecord, folder: string): OpenFile {
    const { config, format } = this.#parts;
    const { 'directory.delim': delimiter, 'file.delim': delim, 'filename.offset.zero.pad.width': width } = config;
    const offset = String(record.originalOffset).padStart(width, '0');
    const base = [record.topic, this.#of.partition, offset].join(delim);
    const schema = record.valueSchema;
    return { name: `${folder}${delimiter}${base}${format.extension}`, schema, writer: format.writer(schema) };
  }

  #close(): void {
    const group = this.#group;
    if (group === undefined) return;
    const files = [...group.files.values()].map(({ name, writer }) => ({ name, bytes: writer.finish() }));
    this.#closed = { startOffset: group.startOffset, files };
    this.#group = undefined;
  }

  async #writeClosed(): Promise<void> {
    for (let next = this.#closed?.files[0]; next !== undefined; next = this.#closed?.files[0]) {
      await this.#parts.store.write(next.name, next.bytes);
      this.#closed!.files.shift();
    }
    this.#closed = undefined;
  }
}

function valueFor({ schema }: OpenFile, { valueSchema, value }: SinkRecord): unknown {
  if (schema === null || valueSchema === null || schema === valueSchema || value === null) return value;
  return projected(valueSchema, schema, value);
}
