// FileStreamSource, the classic: the lines of a file, or of the standard input, as they come. Where reading goes on is the byte
// behind a line's end, so a line that is still being written is not read before its end is there.
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { codeOf } from '../../../util/index.ts';
import { atLeast, type ConfigOf, defineConfig, nonEmpty } from '../../api/config-def.ts';
import { type SourceTask, type SourceTaskContext, sourcePlugin } from '../../api/plugins.ts';
import { ConnectError } from '../../data/errors.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import { type SourceOffset, type SourcePartition, type SourceRecord, sourceRecord } from '../../data/record.ts';
import { STRING } from '../../data/schema.ts';

const config = defineConfig({
  file: {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The file to read, from its beginning on and as it grows. Without one: the standard input.',
  },
  topic: { type: 'STRING', importance: 'HIGH', doc: 'The topic that lines are written to.', validator: nonEmpty },
  'batch.size': {
    type: 'INT',
    default: 2000,
    importance: 'LOW',
    doc: 'How many lines are read at a time at most.',
    validator: atLeast(1),
  },
});
type Config = ConfigOf<typeof config>;

const POLL_MS = 1000;
const CHUNK_BYTES = 64 * 1024;
/** A line that is longer is no line of text. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const [NEWLINE, RETURN] = [0x0a, 0x0d];

export const fileStreamSource = sourcePlugin({
  className: 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  version: KAFKA_VERSION,
  config,
  // A standard input cannot be read again.
  exactlyOnce: ({ file }) => (file === null ? 'unsupported' : 'supported'),
  create: (_config, raw) => ({ taskConfigs: () => [raw] }),
  task: () => new FileStreamSourceTask(),
  checkOffsets({ file }, offsets) {
    if (file === null)
      throw new ConnectError('Offsets of the standard input cannot be altered: name a file with the setting file');
    for (const { partition, offset } of offsets) {
      if (Object.keys(partition).join() !== 'filename')
        throw new ConnectError(
          `Partition objects must have the key 'filename' alone, not ${JSON.stringify(partition)}`,
        );
      const position = offset?.['position'];
      if (offset !== null && !(Number.isSafeInteger(position) && (position as number) >= 0))
        throw new ConnectError(
          `Offset objects must have the key 'position' with a number from 0 on: ${JSON.stringify(offset)}`,
        );
    }
  },
});

class FileStreamSourceTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #file: FileHandle | undefined;
  #input: Readable | undefined;
  /** What has been read and is not a whole line yet. */
  #rest = Buffer.alloc(0);
  /** Of the first byte of `#rest`. */
  #position = 0;

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    if (given.file === null) {
      this.#input = process.stdin;
      return;
    }
    const position = (await context.offset({ filename: given.file }))?.['position'];
    if (typeof position === 'number') this.#position = position;
  }

  async poll(signal: AbortSignal): Promise<SourceRecord[]> {
    const { 'batch.size': most } = this.#config;
    while (!signal.aborted) {
      const lines = this.#lines(most);
      if (lines.length > 0) return lines;
      if (!(await this.#readMore())) await this.#context.pause(POLL_MS, signal);
    }
    return [];
  }

  async stop(): Promise<void> {
    await this.#file?.close();
  }

  /** Whether there was something. */
  async #readMore(): Promise<boolean> {
    if (this.#rest.length > LINE_BYTES_MAX)
      throw new ConnectError(
        `${this.#config.file ?? 'the standard input'} has a line of more than ${LINE_BYTES_MAX} bytes at position ${this.#position}`,
      );
    const more =
      this.#config.file === null ? (this.#input?.read() as Buffer | null) : await this.#readFile(this.#config.file);
    if (more === null || more.length === 0) return false;
    this.#rest = Buffer.concat([this.#rest, more]);
    return true;
  }

  async #readFile(path: string): Promise<Buffer | null> {
    try {
      this.#file ??= await open(path, 'r');
    } catch (error) {
      // It may come.
      if (codeOf(error) === 'ENOENT') return null;
      throw new ConnectError(`${path} cannot be read`, { cause: error });
    }
    const { size } = await this.#file.stat();
    if (size < this.#position)
      throw new ConnectError(
        `${path} has ${size} bytes, and lines up to ${this.#position} were read already: it is another file. Reset the connector's offsets to read it from its beginning`,
      );
    const at = this.#position + this.#rest.length;
    const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    return buffer.subarray(0, bytesRead);
  }

  #lines(most: number): SourceRecord[] {
    const { file, topic } = this.#config;
    const sourcePartition: SourcePartition = { filename: file };
    const records: SourceRecord[] = [];
    let from = 0;
    while (records.length < most) {
      const end = this.#rest.indexOf(NEWLINE, from);
      if (end < 0) break;
      const textEnd = end > from && this.#rest[end - 1] === RETURN ? end - 1 : end;
      const value = this.#rest.toString('utf8', from, textEnd);
      from = end + 1;
      const sourceOffset: SourceOffset = { position: this.#position + from };
      const timestamp = this.#context.environment.now();
      records.push(sourceRecord({ topic, value, valueSchema: STRING, timestamp, sourcePartition, sourceOffset }));
    }
    this.#rest = this.#rest.subarray(from);
    this.#position += from;
    return records;
  }
}
