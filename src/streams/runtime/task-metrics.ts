// What a task tells about itself, as plain data.
import type { DroppedRecord, OperatorMetrics, SourceMetrics, TaskMetrics } from '../api/instance.ts';
import type { SourceQueue } from './source-queue.ts';
import type { Task } from './task.ts';

export function taskMetrics(task: Task, now: number): TaskMetrics {
  return {
    taskId: task.id,
    processed: task.processed,
    dropped: Object.fromEntries(task.dropped),
    droppedBy: Object.fromEntries([...task.droppedBy].map(([name, counts]) => [name, Object.fromEntries(counts)])),
    idleTimeouts: task.idleTimeouts,
    streamTime: task.streamTime(),
    positions: Object.fromEntries(task.queues.map((queue) => [`${queue.topic}-${queue.partition}`, queue.position])),
    stores: Object.fromEntries([...task.stores].map(([name, store]) => [name, store.size])),
    storeBytes: Object.fromEntries(
      [...task.stores].flatMap(([name, { bytes }]) => (bytes === undefined ? [] : [[name, bytes]])),
    ),
    operators: operatorsOf(task),
    recentMs: now - task.flow.before.at,
    sources: task.queues.map(sourceOf),
  };
}

function operatorsOf({ flow, droppedBy, dropNotes }: Task): OperatorMetrics[] {
  const { counts: before } = flow.before;
  return [...flow.now()].map(([node, { recordsIn, recordsOut }]) => {
    const then = before.get(node) ?? { recordsIn: 0, recordsOut: 0 };
    const dropped: Record<string, { count: number; first: DroppedRecord; last: DroppedRecord }> = {};
    for (const [reason, { first, last }] of dropNotes.get(node.name) ?? []) {
      dropped[reason] = { count: droppedBy.get(node.name)!.get(reason)!, first, last: { ...last } };
    }
    return {
      operator: node.name,
      index: node.index,
      part: node.part,
      recordsIn,
      recordsOut,
      recent: { recordsIn: recordsIn - then.recordsIn, recordsOut: recordsOut - then.recordsOut },
      dropped,
    };
  });
}

function sourceOf(queue: SourceQueue): SourceMetrics {
  const { topic, partition, position, records, partitionTime, arrivedAt, watermark } = queue;
  return { topic, partition, position, records, partitionTime, arrivedAt, waitsFor: watermark?.slowest };
}
