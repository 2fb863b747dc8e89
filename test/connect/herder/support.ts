// A worker for tests of herders: it runs nothing, remembers what it was told, and tells what a real one would. With it, a table
// of three connectors: a source, a sink, and one whose settings can make it fail.
import type { RawConfig } from '../../../src/connect/api/config-def.ts';
import { ConnectError } from '../../../src/connect/data/errors.ts';
import { type TargetState, type TaskId, taskName } from '../../../src/connect/data/states.ts';
import type {
  ConfigInfos,
  ConfigKeyInfo,
  PluginCatalogue,
  PluginInfo,
} from '../../../src/connect/herder/plugin-catalogue.ts';
import type { StoredOffset, Worker, WorkerListener } from '../../../src/connect/runtime/worker-port.ts';

const FILE = 'org.apache.kafka.connect.file.FileStream';
export const VERSION = '4.1.1';

/** What runs, on all workers of a test, so that twice is seen. */
export class Machine {
  /** By task: the workers that run it. */
  readonly tasks = new Map<string, string[]>();
  readonly connectors = new Map<string, string[]>();
  /** Whenever anything ran on two workers at a time. */
  readonly twice: string[] = [];
  /** What each source has stored. */
  readonly offsets = new Map<string, StoredOffset[]>();
  /** Every fencing: connector and number of tasks. */
  readonly fenced: string[] = [];

  add(where: Map<string, string[]>, name: string, worker: string): void {
    const all = [...(where.get(name) ?? []), worker];
    if (all.length > 1) this.twice.push(`${name} on ${all.join(' and ')}`);
    where.set(name, all);
  }
  remove(where: Map<string, string[]>, name: string, worker: string): void {
    const rest = (where.get(name) ?? []).filter((each) => each !== worker);
    if (rest.length === 0) where.delete(name);
    else where.set(name, rest);
  }
  /** By worker, in order. */
  spread(): Record<string, string[]> {
    const byWorker: Record<string, string[]> = {};
    for (const [name, workers] of [...this.connectors, ...this.tasks])
      for (const worker of workers) byWorker[worker] = [...(byWorker[worker] ?? []), name].sort();
    return byWorker;
  }
}

interface Running {
  readonly config: RawConfig;
  hasFailed: boolean;
}

export class RememberingWorker implements Worker {
  readonly calls: string[] = [];
  readonly #name: () => string;
  readonly listener: WorkerListener;
  readonly #machine: Machine;
  readonly #connectors = new Map<string, Running>();
  readonly #tasks = new Map<string, { readonly id: TaskId; readonly config: RawConfig }>();
  /** Thrown by `taskConfigs`, so often. */
  taskConfigFailures = 0;

  constructor(name: () => string, machine: Machine, listener: WorkerListener) {
    this.#name = name;
    this.#machine = machine;
    this.listener = listener;
  }

  get name(): string {
    return this.#name();
  }

  async startConnector(name: string, config: RawConfig, target: TargetState): Promise<void> {
    this.calls.push(`start ${name} ${target}`);
    const running = { config, hasFailed: config['fails'] === 'start' };
    this.#connectors.set(name, running);
    this.#machine.add(this.#machine.connectors, name, this.name);
    if (running.hasFailed)
      this.listener.onConnector(name, 'FAILED', 'java.lang.RuntimeException: as it was told\n\tat x');
    else this.listener.onConnector(name, stateOf(target));
  }

  async stopConnector(name: string): Promise<void> {
    this.calls.push(`stop ${name}`);
    if (!this.#connectors.delete(name)) return;
    this.#machine.remove(this.#machine.connectors, name, this.name);
    this.listener.onConnector(name, 'UNASSIGNED');
  }

  async taskConfigs(name: string): Promise<readonly RawConfig[]> {
    const running = this.#connectors.get(name);
    if (running === undefined || running.hasFailed) throw new ConnectError(`connector ${name} does not run`);
    if (this.taskConfigFailures > 0) {
      this.taskConfigFailures--;
      throw new ConnectError('tasks cannot be told');
    }
    const { config } = running;
    const max = Number(config['tasks.max'] ?? 1);
    const count = config['tasks'] === undefined ? Math.min(1, max) : Math.min(max, Number(config['tasks']));
    return Array.from({ length: count }, () => config);
  }

  async startTask(
    id: TaskId,
    _connector: RawConfig,
    task: RawConfig,
    target: TargetState,
    isStillOurs?: () => Promise<void>,
  ): Promise<void> {
    const name = taskName(id);
    this.calls.push(`start ${name} ${target}`);
    try {
      await isStillOurs?.();
    } catch {
      this.calls.push(`gave up ${name}`);
      return;
    }
    this.#tasks.set(name, { id, config: task });
    this.#machine.add(this.#machine.tasks, name, this.name);
    if (task['fails'] === 'task') this.listener.onTask(id, 'FAILED', 'java.lang.RuntimeException: as it was told');
    else this.listener.onTask(id, target === 'STARTED' ? 'RUNNING' : 'PAUSED');
    const topic = task['topic'];
    if (topic !== undefined && target === 'STARTED') this.listener.onTopic(id, topic);
    const { connector } = id;
    if (!this.#machine.offsets.has(connector) && task['file'] !== undefined)
      this.#machine.offsets.set(connector, [{ partition: { filename: task['file'] }, offset: { position: 6 } }]);
  }

  async stopTasks(ids: readonly TaskId[]): Promise<void> {
    for (const id of ids) {
      const name = taskName(id);
      this.calls.push(`stop ${name}`);
      if (!this.#tasks.delete(name)) continue;
      this.#machine.remove(this.#machine.tasks, name, this.name);
      this.listener.onTask(id, 'UNASSIGNED');
    }
  }

  async setTarget(connector: string, target: TargetState): Promise<void> {
    this.calls.push(`target ${connector} ${target}`);
    const running = this.#connectors.get(connector);
    if (running !== undefined && !running.hasFailed) this.listener.onConnector(connector, stateOf(target));
    for (const { id } of this.#tasks.values()) {
      if (id.connector === connector) this.listener.onTask(id, target === 'STARTED' ? 'RUNNING' : 'PAUSED');
    }
  }

  running() {
    return { connectors: [...this.#connectors.keys()], tasks: [...this.#tasks.values()].map(({ id }) => id) };
  }

  async offsets(name: string): Promise<readonly StoredOffset[]> {
    return this.#machine.offsets.get(name) ?? [];
  }

  async alterOffsets(name: string, _config: RawConfig, offsets: readonly StoredOffset[] | null): Promise<string> {
    this.#machine.offsets.set(
      name,
      [...(offsets ?? [])].filter(({ offset }) => offset !== null),
    );
    return `The offsets for this connector have been ${offsets === null ? 'reset' : 'altered'} successfully`;
  }

  async fenceZombies(name: string, _config: RawConfig, taskCount: number): Promise<void> {
    this.#machine.fenced.push(`${name} ${taskCount}`);
  }

  /** The process dies: nothing is said, and nothing runs any more. */
  die(): void {
    for (const name of this.#connectors.keys()) this.#machine.remove(this.#machine.connectors, name, this.name);
    for (const name of this.#tasks.keys()) this.#machine.remove(this.#machine.tasks, name, this.name);
    this.#connectors.clear();
    this.#tasks.clear();
  }

  async close(): Promise<void> {
    await this.stopTasks(this.running().tasks);
    for (const name of this.running().connectors) await this.stopConnector(name);
  }
}

function stateOf(target: TargetState): 'RUNNING' | 'PAUSED' | 'STOPPED' {
  return target === 'STARTED' ? 'RUNNING' : target;
}

const PLUGINS: readonly PluginInfo[] = [
  { class: `${FILE}SinkConnector`, type: 'sink', version: VERSION },
  { class: `${FILE}SourceConnector`, type: 'source', version: VERSION },
  { class: 'org.apache.kafka.connect.transforms.Filter', type: 'transformation', version: VERSION },
];

const key = (name: string, type: string, required: boolean): ConfigKeyInfo => ({
  name,
  type,
  required,
  default_value: null,
  importance: 'HIGH',
  documentation: '',
  group: null,
  width: 'NONE',
  display_name: name,
  dependents: [],
  order: -1,
});

const KEYS = [key('name', 'STRING', true), key('tasks.max', 'INT', false), key('topic', 'STRING', true)];

/** The same connectors as Kafka's `connect-file` has, with three of their settings. */
export const testCatalogue: PluginCatalogue = {
  list: () => PLUGINS,
  connector(name) {
    const found = PLUGINS.find((plugin) => plugin.class === name || aliasesOf(plugin.class).includes(name));
    return found?.type === 'source' || found?.type === 'sink'
      ? { className: found.class, kind: found.type, version: found.version }
      : undefined;
  },
  async configOf(name) {
    const found = PLUGINS.find((plugin) => plugin.class === name || aliasesOf(plugin.class).includes(name));
    return found === undefined ? undefined : found.type === 'transformation' ? [] : KEYS;
  },
  async validate(config): Promise<ConfigInfos> {
    const name = config['connector.class']!;
    if (testCatalogue.connector(name) === undefined)
      throw new ConnectError(
        `Failed to find any class that implements Connector and which name matches ${name}, available connectors are: …`,
      );
    const configs = KEYS.map((definition) => {
      const value = config[definition.name] ?? null;
      const errors = problemsOf(definition, value);
      return { definition, value: { name: definition.name, value, recommended_values: [], errors, visible: true } };
    });
    const error_count = configs.reduce((sum, { value }) => sum + value.errors.length, 0);
    return { name, error_count, groups: [], configs };
  },
};

function problemsOf({ name, required }: ConfigKeyInfo, value: string | null): string[] {
  if (value === null) return required ? [`Missing required configuration "${name}" which has no default value.`] : [];
  if (name === 'name' && value === '') return ['Invalid value  for configuration name: String may not be empty'];
  if (name === 'tasks.max' && !(Number(value) >= 1))
    return [`Invalid value ${value} for configuration tasks.max: Value must be at least 1`];
  return [];
}

function aliasesOf(className: string): string[] {
  const last = className.slice(className.lastIndexOf('.') + 1);
  return [last, last.replace(/Connector$/, '')];
}
