// A source's task that is driven as a worker drives it, with offsets that are kept beside what was read.
import {
  parseConfig,
  type RawConfig,
  type SourceOffset,
  type SourcePlugin,
  type SourceRecord,
} from '../../../src/connect/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';

export type Offsets = Map<string, SourceOffset>;

/** Starts a task on offsets. Its polls end when it would wait. */
export async function driveSource(plugin: SourcePlugin, raw: RawConfig, offsets: Offsets) {
  const task = plugin.task();
  const log: string[] = [];
  const say = (message: string): void => void log.push(message);
  let idle = new AbortController();
  await task.start(
    parseConfig(plugin.config, raw),
    {
      connector: 'c',
      taskId: 0,
      environment: systemEnvironment,
      log: { error: say, warn: say, info: say, debug: say },
      offset: async (partition) => offsets.get(JSON.stringify(partition)) ?? null,
      offsets: async (partitions) => partitions.map((partition) => offsets.get(JSON.stringify(partition)) ?? null),
      transaction: undefined,
      pause: async () => idle.abort(),
    },
    raw,
  );
  /** Records and their offsets, together. */
  const poll = async (most = Number.POSITIVE_INFINITY): Promise<SourceRecord[]> => {
    idle = new AbortController();
    const records = (await task.poll(idle.signal)).slice(0, most);
    for (const { sourcePartition, sourceOffset } of records)
      offsets.set(JSON.stringify(sourcePartition), JSON.parse(JSON.stringify(sourceOffset)));
    return records;
  };
  /** All that there is. */
  const readAll = async (): Promise<SourceRecord[]> => {
    const all: SourceRecord[] = [];
    for (let records = await poll(); records.length > 0; records = await poll()) {
      all.push(...records);
      await task.commit?.();
    }
    return all;
  };
  return { task, log, poll, readAll };
}
