// Sinks of files: what those of S3 and of folders share.
import type { TopicPartition } from '../../../client/index.ts';
import { messageOf } from '../../../util/index.ts';
import type { SinkOffset, SinkTask, SinkTaskContext } from '../../api/plugins.ts';
import type { SinkRecord } from '../../data/record.ts';
import { RetriableError } from '../../data/errors.ts';
import type { FileStore } from '../file-store/index.ts';
import { formatOf, type RecordFormat } from '../record-files/index.ts';
import { partitionerOf, timeOf } from './partitioners.ts';
import { type FileSinkParts, PartitionWriter } from './partition-writer.ts';
import type { FileSinkConfig } from './settings.ts';

export { type FileSinkConfig, fileSinkConfig, fileSinkProblems } from './settings.ts';

/** Where a sink's files go. */
export interface FileSinkTarget<C> {
  openStore(config: C, context: SinkTaskContext): FileStore | Promise<FileStore>;
  /** What is done to files as wholes. */
  wrap(format: RecordFormat, config: C): RecordFormat;
}

/** Writes its partitions of some topics into files. */
export class FileSinkTask<C extends FileSinkConfig> implements SinkTask<C> {
  readonly #target: FileSinkTarget<C>;
  #context!: SinkTaskContext;
  #parts!: FileSinkParts;
  #retryMs = 0;
  readonly #writers = new Map<string, PartitionWriter>();
  #cancelTimer = (): void => {};

  constructor(target: FileSinkTarget<C>) {
    this.#target = target;
  }

  async start(config: C, context: SinkTaskContext): Promise<void> {
    this.#context = context;
    this.#retryMs = config['retry.backoff.ms'];
    this.#parts = {
      config,
      format: this.#target.wrap(formatOf(config), config),
      store: await this.#target.openStore(config, context),
      partitioner: partitionerOf(config),
      timeOf: timeOf(config),
      now: () => context.environment.now(),
      reportErrant: (record, error) => context.reportErrant(record, error),
    };
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    try {
      for (const record of records) await this.#writerOf(record).put(record);
    } catch (error) {
      if (error instanceof RetriableError) this.#context.retryIn(this.#retryMs);
      throw error;
    }
    this.#wakeInTime();
  }

  /** Behind what is in files. What cannot be written now is tried again later. */
  async preCommit(offsets: readonly SinkOffset[]): Promise<SinkOffset[]> {
    const safe: SinkOffset[] = [];
    for (const behind of offsets) {
      const writer = this.#writers.get(nameOf(behind));
      try {
        await writer?.writeDue();
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error;
        this.#context.log.warn(`files of ${nameOf(behind)} were not written, and will be later: ${messageOf(error)}`);
      }
      safe.push({ ...behind, offset: writer?.unsafeFrom ?? behind.offset });
    }
    this.#wakeInTime();
    return safe;
  }

  /** What is not in files is read again by whoever has the partitions next. */
  close(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#writers.delete(nameOf(partition));
    this.#wakeInTime();
  }

  stop(): void {
    this.#cancelTimer();
    this.#parts?.store.close();
  }

  #writerOf({ originalTopic: topic, originalPartition: partition }: SinkRecord): PartitionWriter {
    const name = nameOf({ topic, partition });
    let writer = this.#writers.get(name);
    if (writer === undefined) {
      writer = new PartitionWriter({ topic, partition }, this.#parts);
      this.#writers.set(name, writer);
    }
    return writer;
  }

  /** Files that the clock ends are written when offsets are committed: that is asked for when it is time. */
  #wakeInTime(): void {
    this.#cancelTimer();
    this.#cancelTimer = (): void => {};
    const endMs = Math.min(...[...this.#writers.values()].map((writer) => writer.endMs));
    if (endMs === Number.POSITIVE_INFINITY) return;
    const { environment } = this.#context;
    this.#cancelTimer = environment.after(Math.max(0, endMs - environment.now()), () => this.#context.requestCommit());
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
