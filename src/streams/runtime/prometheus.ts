/**
 * What Prometheus is told about an instance, in its text format. The names are those that Kafka Streams' own metrics have when
 * they are exported as usual: `kafka_streams_`, the group of the metric, and its name, with what it is of in labels.
 */
import type { StreamsState, TaskMetrics } from '../api/instance.ts';

/** One thread; an instance whose topology is an object is one. */
export interface ThreadMetrics {
  readonly name: string;
  readonly state: StreamsState;
  readonly tasks: readonly TaskMetrics[];
}

export interface InstanceMetrics {
  readonly clientId: string;
  readonly applicationId: string;
  readonly state: StreamsState;
  readonly threads: readonly ThreadMetrics[];
  /** Threads that have died. */
  readonly failedThreads: number;
  /** Per `topic-partition`, how many records wait on the broker. */
  readonly lag: Readonly<Record<string, number>>;
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** States as numbers, as Kafka Streams has them (KIP-1091). */
const NUMBERS: Readonly<Record<StreamsState, number>> = {
  CREATED: 0,
  REBALANCING: 1,
  RUNNING: 2,
  PENDING_SHUTDOWN: 3,
  NOT_RUNNING: 4,
  // 5 is PENDING_ERROR there, a state that there is none of here.
  ERROR: 6,
};

type Labels = Readonly<Record<string, string>>;
type Samples = readonly (readonly [labels: Labels, value: number])[];

export function prometheusText(metrics: InstanceMetrics): string {
  const { clientId, applicationId, state, threads, failedThreads, lag } = metrics;
  const client: Labels = { client_id: clientId };
  const all = threads.flatMap(({ name, tasks }) =>
    tasks.map((task) => ({ task, labels: { ...client, thread_id: name, task_id: task.taskId } as const })),
  );
  const perTask = (value: (task: TaskMetrics) => number): Samples =>
    all.map(({ task, labels }) => [labels, value(task)]);
  const perStore: Samples = all.flatMap(({ task, labels }) =>
    Object.entries(task.stores).map(([store, size]) => [{ ...labels, store }, size] as const),
  );
  const perOperator: Samples = all.flatMap(({ task, labels }) =>
    Object.entries(task.droppedBy).flatMap(([node, reasons]) =>
      Object.entries(reasons).map(
        ([reason, count]) => [{ ...labels, processor_node_id: node, reason }, count] as const,
      ),
    ),
  );
  const sum = (tasks: readonly TaskMetrics[]): number => tasks.reduce((total, { processed }) => total + processed, 0);
  const alive = threads.filter((each) => each.state !== 'ERROR' && each.state !== 'NOT_RUNNING').length;
  return [
    family('stream_metrics_client_state', 'gauge', 'The state of the instance, as a number.', [
      [{ ...client, application_id: applicationId }, NUMBERS[state]],
    ]),
    family('stream_metrics_alive_stream_threads', 'gauge', 'Threads that run.', [[client, alive]]),
    family('stream_metrics_failed_stream_threads', 'counter', 'Threads that have died.', [[client, failedThreads]]),
    family(
      'stream_thread_metrics_thread_state',
      'gauge',
      'The state of a thread, as a number.',
      threads.map(({ name, state: at }) => [{ ...client, thread_id: name }, NUMBERS[at]] as const),
    ),
    family(
      'stream_thread_metrics_process_total',
      'gauge',
      'Records that the tasks of a thread have processed since they came to it.',
      threads.map(({ name, tasks }) => [{ ...client, thread_id: name }, sum(tasks)] as const),
    ),
    family(
      'stream_task_metrics_process_total',
      'counter',
      'Records that a task has processed.',
      perTask((task) => task.processed),
    ),
    family(
      'stream_task_metrics_dropped_records_total',
      'counter',
      'Records that a task has left out.',
      perTask((task) => Object.values(task.dropped).reduce((total, count) => total + count, 0)),
    ),
    family(
      'stream_processor_node_metrics_dropped_records_total',
      'counter',
      'The same, by operator and reason.',
      perOperator,
    ),
    family(
      'stream_task_metrics_enforced_processing_total',
      'counter',
      'How often records went on without older ones that were known to come.',
      perTask((task) => task.idleTimeouts),
    ),
    family(
      'stream_task_metrics_stream_time',
      'gauge',
      'Event time up to which a task has come, ms.',
      perTask((task) => task.streamTime),
    ),
    family('stream_state_metrics_num_keys', 'gauge', 'Entries of a store.', perStore),
    family(
      'consumer_fetch_manager_metrics_records_lag',
      'gauge',
      'Records of an input partition that wait on the broker.',
      lags(client, lag),
    ),
  ].join('');
}

function lags(client: Labels, lag: InstanceMetrics['lag']): Samples {
  return Object.entries(lag).map(([name, records]) => {
    const dash = name.lastIndexOf('-');
    return [{ ...client, topic: name.slice(0, dash), partition: name.slice(dash + 1) }, records];
  });
}

// oxlint-disable-next-line max-params -- the lines of the format, in their order
function family(name: string, type: 'counter' | 'gauge', help: string, samples: Samples): string {
  if (samples.length === 0) return '';
  const full = `kafka_streams_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labelsOf(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

function labelsOf(labels: Labels): string {
  const escaped = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`;
}
