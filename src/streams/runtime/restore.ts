// Brings a task's stores to where the last commit left them: the checkpoint first, then the rest of the changelogs.
import type { Client, TopicPartition } from '../../client/index.ts';
import { type Checkpoint, restoring } from '../state/checkpoint.ts';
import { changelogTopic } from './internal-topics.ts';
import type { Task } from './task.ts';

/** What a restoration did, for those who watch. */
export interface RestoreReport {
  readonly taskId: string;
  /** Rows that came from the checkpoint. */
  readonly checkpointRows: number;
  /** Records that came from changelogs. */
  readonly changelogRecords: number;
}

const POLL_MS = 100;

export async function restoreTask(
  task: Task,
  checkpoint: Checkpoint | null,
  client: Client,
  stopped: () => boolean,
): Promise<RestoreReport> {
  const checkpointRows = checkpoint === null ? 0 : await checkpoint.load(task.stores);
  if (checkpoint?.meta) {
    task.restoreTime(checkpoint.meta.streamTime);
    for (const [name, saved] of Object.entries(checkpoint.meta.positions)) {
      const position = task.position(name);
      position.observedTime = Math.max(position.observedTime, saved.observedTime);
      position.lastClose = Math.max(position.lastClose, saved.lastClose);
    }
  }
  const logged = [...task.stores.values()].filter((store) => store.spec.logging);
  if (logged.length === 0) return { taskId: task.id, checkpointRows, changelogRecords: 0 };

  const changelogs = new Map(logged.map((store) => [changelogTopic(task.applicationId, store.spec), store]));
  const { partition } = task;
  const admin = client.admin();
  const ask = (timestamp: number) => [...changelogs.keys()].map((topic) => ({ topic, partition, timestamp }));
  const ends = await admin.listOffsets(ask(-1), 'read_committed');
  const beginnings = new Map((await admin.listOffsets(ask(-2))).map((each) => [each.topic, each.offset]));

  const left = new Map<string, number>();
  const start: (TopicPartition & { offset: number })[] = [];
  for (const { topic, offset: end } of ends) {
    const saved = checkpoint?.meta?.changelogOffsets[changelogs.get(topic)!.spec.name] ?? 0;
    // A compacted or shortened changelog may begin behind the checkpoint; what is missing there was deleted for good.
    const from = Math.max(saved, beginnings.get(topic) ?? 0);
    if (from >= end) continue;
    left.set(topic, end);
    start.push({ topic, partition, offset: from });
  }
  let changelogRecords = 0;
  if (left.size > 0) {
    const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
    try {
      consumer.assign(start);
      while (left.size > 0 && !stopped()) {
        for (const { topic, cursor } of await consumer.poll(POLL_MS)) {
          const store = changelogs.get(topic)!;
          while (cursor.advance()) {
            if (cursor.keyStart < 0) continue;
            const { bytes, timestamp, valueStart } = cursor;
            const row = bytes.subarray(cursor.keyStart, cursor.keyEnd);
            const value = valueStart < 0 ? null : bytes.subarray(valueStart, cursor.valueEnd);
            await restoring(() => store.restore(row, value, timestamp));
            changelogRecords++;
          }
        }
        for (const [topic, end] of left) if (consumer.position({ topic, partition }) >= end) left.delete(topic);
      }
    } finally {
      await consumer.close();
    }
  }
  return { taskId: task.id, checkpointRows, changelogRecords };
}
