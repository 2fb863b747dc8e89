// Files of lines that grow. A line is read when its end is there; the offset is the byte behind it. Nothing of a file may be changed
// but by adding to it: one that has become shorter is another file, and ends the task.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../util/index.ts';
import type { SourceOffsetEntry, SourceTask, SourceTaskContext } from '../../api/plugins.ts';
import { ConnectError, DataError } from '../../data/errors.ts';
import type { SchemaAndValue, SourceRecord } from '../../data/record.ts';
import type { RecordFormat } from '../record-files/index.ts';

/** What is read of a folder. */
export interface TailReading {
  readonly folder: string;
  readonly batchSize: number;
  readonly waitMs: number;
  /** Of lines. */
  readonly format: RecordFormat;
  accepts(name: string): boolean;
  recordOf(record: SchemaAndValue): Omit<SourceRecord, 'sourcePartition' | 'sourceOffset'>;
}

const CHUNK_BYTES = 1024 * 1024;
/** A line that is longer is no line. */
const LINE_BYTES_MAX = 64 * CHUNK_BYTES;
const NEWLINE = 0x0a;

/** Throws `ConnectError` where offsets that a user gives are none of files that grow. */
export function checkTailOffsets(_config: unknown, offsets: readonly SourceOffsetEntry[]): void {
  for (const { partition, offset } of offsets) {
    if (Object.keys(partition).join() !== 'fileName')
      throw new ConnectError(`Partition objects must have the key 'fileName' alone, not ${JSON.stringify(partition)}`);
    if (offset !== null && !(Number.isSafeInteger(offset['position']) && (offset['position'] as number) >= 0))
      throw new ConnectError(
        `Offset objects must have the key 'position', the byte behind a line: ${JSON.stringify(offset)}`,
      );
  }
}

/** Reads the lines of a folder's files as they come. */
export abstract class TailTask<C> implements SourceTask<C> {
  #reading!: TailReading;
  #context!: SourceTaskContext;
  /** The byte behind the last line that was read, by name. */
  readonly #positions = new Map<string, number>();
  /** Files that are looked at next. */
  #names: string[] = [];

  /** What the settings mean. */
  protected abstract readingOf(config: C, context: SourceTaskContext): TailReading;

  async start(config: C, context: SourceTaskContext): Promise<void> {
    this.#context = context;
    this.#reading = this.readingOf(config, context);
    const { folder } = this.#reading;
    const facts = await stat(folder).catch(() => undefined);
    if (facts?.isDirectory() !== true) throw new ConnectError(`the folder ${folder} is not there: make it first`);
  }

  async poll(signal: AbortSignal): Promise<SourceRecord[]> {
    while (!signal.aborted) {
      if (this.#names.length === 0) this.#names = await this.#list();
      for (let name = this.#names[0]; name !== undefined && !signal.aborted; name = this.#names[0]) {
        const records = await this.#readOn(name);
        if (records.length > 0) return records;
        this.#names.shift();
      }
      if (!signal.aborted) await this.#context.pause(this.#reading.waitMs, signal);
    }
    return [];
  }

  stop(): void {}

  async #list(): Promise<string[]> {
    const names = (await readdir(this.#reading.folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
    return names.filter((name) => !/(?:^|\/)\./.test(name) && this.#reading.accepts(name)).sort();
  }

  /** The next whole lines of a file. */
  async #readOn(name: string): Promise<SourceRecord[]> {
    const path = join(this.#reading.folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isFile() !== true) return [];
    const sourcePartition = { fileName: name };
    let position =
      this.#positions.get(name) ?? Number((await this.#context.offset(sourcePartition))?.['position'] ?? 0);
    if (facts.size < position)
      throw new ConnectError(
        `${path} has ${facts.size} bytes, and lines up to ${position} were read already: it is another file. Reset the connector's offsets to read it from its beginning`,
      );
    const records: SourceRecord[] = [];
    const chunk = await wholeLines(path, position, facts.size);
    for (let from = 0, end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.subarray(from, end + 1);
      const found = await this.#recordsOf(line).catch((error: unknown) => {
        if (records.length === 0) throw new DataError(`${path}, at position ${position}: ${messageOf(error)}`, error);
        return undefined;
      });
      // What is before a line that cannot be read goes out first.
      if (found === undefined) break;
      from = end + 1;
      position += line.length;
      for (const record of found) records.push({ ...record, sourcePartition, sourceOffset: { position } });
      if (records.length >= this.#reading.batchSize) break;
    }
    this.#positions.set(name, position);
    return records;
  }

  /** None of a line with nothing on it. */
  async #recordsOf(line: Buffer): Promise<ReturnType<TailReading['recordOf']>[]> {
    const found: ReturnType<TailReading['recordOf']>[] = [];
    for await (const record of this.#reading.format.read(only(line))) found.push(this.#reading.recordOf(record));
    return found;
  }
}

async function* only(line: Buffer): AsyncGenerator<Buffer> {
  yield line;
}

/** So much behind a position that there is a whole line in it, if there is one. */
async function wholeLines(path: string, position: number, size: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    for (let wanted = CHUNK_BYTES; ; wanted *= 2) {
      const length = Math.min(wanted, size - position);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
      const chunk = buffer.subarray(0, bytesRead);
      if (chunk.includes(NEWLINE) || wanted >= size - position) return chunk;
      if (wanted >= LINE_BYTES_MAX)
        throw new ConnectError(`${path} has a line of more than ${LINE_BYTES_MAX} bytes at position ${position}`);
    }
  } finally {
    await file.close();
  }
}
