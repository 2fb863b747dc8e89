// The records of the status topic, as Kafka Connect 4.1 writes them: keys are texts, values are JSON without a schema.
import { DataError } from '../data/errors.ts';
import { type RunState, type TaskId, taskName } from '../data/states.ts';
import { asObject, type JsonObject, numberIn, readJsonObject, taskIdOf } from './json-records.ts';
import type { Status, StatusTable, TopicUse } from './status-store.ts';

const CONNECTOR = 'status-connector-';
const TASK = 'status-task-';
const TOPIC = 'status-topic-';
const STATES: readonly RunState[] = [
  ...(['UNASSIGNED', 'RUNNING', 'PAUSED', 'STOPPED'] as const),
  ...(['FAILED', 'RESTARTING', 'DESTROYED'] as const),
];

export const statusKeys = {
  connector: (name: string) => CONNECTOR + name,
  task: (id: TaskId) => TASK + taskName(id),
  topic: (connector: string, topic: string) => `${TOPIC}${topic}:connector-${connector}`,
};

/** Null for DESTROYED: then there is nothing to be known any more. */
export function statusValue({ state, trace, workerId, generation, version }: Status): string | null {
  return state === 'DESTROYED' ? null : JSON.stringify({ state, trace, worker_id: workerId, generation, version });
}

export function topicUseValue({ topic, connector, task, discoveredAt }: TopicUse): string {
  return JSON.stringify({ topic: { name: topic, connector, task, discoverTimestamp: discoveredAt } });
}

/** Applies a record that was read. Throws `DataError` for one that nobody understands, which has no effect. */
export function applyStatusRecord(table: StatusTable, key: string, bytes: Uint8Array | null): void {
  const value = readJsonObject(bytes);
  if (key.startsWith(CONNECTOR) && key.length > CONNECTOR.length)
    table.setConnector(key.slice(CONNECTOR.length), value === null ? null : statusIn(value));
  else if (key.startsWith(TASK))
    table.setTask(taskIdOf(key.slice(TASK.length)), value === null ? null : statusIn(value));
  else {
    const [, topic, connector] = /^status-topic-([^:]+):connector-(.+)$/s.exec(key) ?? [];
    if (topic === undefined || connector === undefined)
      throw new DataError(`its key ${JSON.stringify(key)} is none of the status topic's`);
    table.setTopic(connector, topic, value === null ? null : topicUseIn(value));
  }
}

function statusIn(value: JsonObject): Status {
  const state = STATES.find((each) => each === value['state']);
  if (state === undefined) throw new DataError(`${JSON.stringify(value['state'])} is no state`);
  const text = (name: string) => (typeof value[name] === 'string' ? value[name] : null);
  return {
    state,
    trace: text('trace'),
    workerId: text('worker_id') ?? '',
    generation: numberIn(value, 'generation'),
    version: text('version'),
  };
}

function topicUseIn(value: JsonObject): TopicUse {
  const use = asObject(value['topic'], 'topic');
  return {
    topic: String(use['name']),
    connector: String(use['connector']),
    task: numberIn(use, 'task'),
    discoveredAt: numberIn(use, 'discoverTimestamp'),
  };
}
