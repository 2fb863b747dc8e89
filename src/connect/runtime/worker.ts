// The worker: runs the connectors and tasks that a herder gives it. The life of a connector: its plugin is found, its settings are
// resolved and parsed → `create`, `start` → it is asked for its tasks' settings → each task is made with its converters,
// transformations, offsets and clients (here), and runs (source-run.ts, sink-run.ts) → `stop`. What fails is told to the listener
// as FAILED with its trace, and stays that until the herder starts it anew.
import type { Client } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import { type Environment, JavaPattern, messageOf } from '../../util/index.ts';
import { parseConfig, type RawConfig } from '../api/config-def.ts';
import type { Connector, Log, SinkPlugin, SourcePlugin } from '../api/plugins.ts';
import { ConfigError, ConnectError } from '../data/errors.ts';
import { type Plugins, TransformationChain } from '../plugins/index.ts';
import { FileOffsetStore, type OffsetStore, TopicOffsetStore } from '../storage/offset-store.ts';
import { consumerSettings, groupOf, metadataAgeOf, type OverridePolicy, producerSettings } from './client-settings.ts';
import { converterOf, headerConverterOf } from './converters.ts';
import { DeadLetters } from './dead-letters.ts';
import { traceOf, waitFor } from './error-handling.ts';
import { alterOffsets, type OffsetAccess, offsetsOf } from './connector-offsets.ts';
import type { Path } from './record-path.ts';
import { SinkRun } from './sink-run.ts';
import { type ExactlyOnce, SourceRun, type SourceRunOptions } from './source-run.ts';
import { deadLetterSettings, errorSettings, type TaskSettings, taskSettings } from './task-settings.ts';
import type { RunningTask, TaskOptions } from './task-run.ts';
import { TaskClients, type TaskClientsOptions } from './task-clients.ts';
import { TopicCreation } from './topic-creation.ts';
import type { StoredOffset, TargetState, TaskId, Worker, WorkerListener } from './worker-port.ts';

/** What a worker is told, apart from what runs. */
export interface WorkerOptions {
  readonly client: Client;
  /** As of `TaskClients`. */
  readonly clientWith?: TaskClientsOptions['clientWith'] | undefined;
  readonly plugins: Plugins;
  /** The worker's own settings: `key.converter`, `producer.…`, `consumer.…`. */
  readonly raw: RawConfig;
  /** Puts what providers have in place of `${provider:path:key}`. */
  readonly resolve: (config: RawConfig) => Promise<RawConfig>;
  /** The registry that a converter's settings name, or the platform's. */
  readonly schemaSource: (config: RawConfig) => SchemaSource;
  readonly offsets: OffsetStoreOptions;
  /** Standalone workers have none; it is in the names of transactional ids. */
  readonly groupId: string | undefined;
  readonly exactlyOnceSources: boolean;
  readonly overridePolicy: OverridePolicy;
  readonly topicCreation: boolean;
  readonly flushIntervalMs: number;
  /** How long a task may take to stop before it is given up. */
  readonly shutdownTimeoutMs: number;
  readonly environment: Environment;
  /** The log of a connector or a task by its logger's name. */
  readonly logOf: (name: string) => Log;
  readonly listener: WorkerListener;
}

/** Where the offsets of sources are. */
export type OffsetStoreOptions =
  | { readonly file: string }
  | { readonly topic: string; readonly partitions: number; readonly replicationFactor: number };

/** A connector that was started here. */
interface Running {
  readonly plugin: SourcePlugin | SinkPlugin;
  readonly config: RawConfig;
  /** Undefined while it is paused or stopped, or has failed. */
  connector: Connector | undefined;
  target: TargetState;
}

export class ConnectWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #offsets: OffsetStore;
  readonly #clients: TaskClients;
  readonly #connectors = new Map<string, Running>();
  readonly #tasks = new Map<string, RunningTask>();

  private constructor(options: WorkerOptions, offsets: OffsetStore) {
    this.#options = options;
    this.#offsets = offsets;
    this.#clients = new TaskClients({ ...options, clientWith: options.clientWith });
  }

  /** Resolves when it knows the offsets of all sources. */
  static async open(options: WorkerOptions): Promise<ConnectWorker> {
    const { offsets } = options;
    const store =
      'file' in offsets
        ? await FileOffsetStore.open(offsets.file)
        : await TopicOffsetStore.open(offsetsTopic(options, offsets));
    return new ConnectWorker(options, store);
  }

  // ── Connectors ──────────────────────────────────────────────────────────────────────────────────────────────────

  async startConnector(name: string, config: RawConfig, target: TargetState): Promise<void> {
    const { listener, resolve } = this.#options;
    if (this.#connectors.has(name)) throw new ConnectError(`connector ${name} runs already`);
    try {
      const resolved = await resolve(config);
      const plugin = await this.#plugin(resolved);
      const running: Running = { plugin, config: resolved, connector: undefined, target };
      this.#connectors.set(name, running);
      await this.#settle(name, running);
    } catch (error) {
      listener.onConnector(name, 'FAILED', traceOf(error));
    }
  }

  async stopConnector(name: string): Promise<void> {
    const running = this.#connectors.get(name);
    this.#connectors.delete(name);
    if (running === undefined) return;
    await this.#end(name, running);
    this.#options.listener.onConnector(name, 'UNASSIGNED');
  }

  async taskConfigs(name: string): Promise<readonly RawConfig[]> {
    const running = this.#connectors.get(name);
    if (running?.connector === undefined) throw new ConnectError(`connector ${name} does not run on this worker`);
    const { 'tasks.max': tasksMax, 'tasks.max.enforce': isEnforced } = taskSettings(running.config);
    const configs = await running.connector.taskConfigs(tasksMax);
    if (configs.length <= tasksMax) return configs;
    const message = `The connector ${name} has generated ${configs.length} tasks, which is greater than ${tasksMax}, the maximum number of tasks it is configured to create.`;
    if (isEnforced) throw new ConnectError(message);
    this.#options.logOf(name).warn(message);
    return configs;
  }

  async setTarget(name: string, target: TargetState): Promise<void> {
    for (const task of this.#tasks.values()) if (task.id.connector === name) task.setTarget(target);
    const running = this.#connectors.get(name);
    if (running === undefined || running.target === target) return;
    running.target = target;
    try {
      await this.#settle(name, running);
    } catch (error) {
      this.#options.listener.onConnector(name, 'FAILED', traceOf(error));
    }
  }

  running(): { readonly connectors: readonly string[]; readonly tasks: readonly TaskId[] } {
    return { connectors: [...this.#connectors.keys()], tasks: [...this.#tasks.values()].map(({ id }) => id) };
  }

  /** Starts or stops the connector, as its target says, and tells. */
  async #settle(name: string, running: Running): Promise<void> {
    const { listener } = this.#options;
    if (running.target !== 'STARTED') {
      await this.#end(name, running);
      listener.onConnector(name, running.target);
      return;
    }
    running.connector ??= await this.#begin(name, running);
    listener.onConnector(name, 'RUNNING');
  }

  async #begin(name: string, { plugin, config }: Running): Promise<Connector> {
    const { environment, logOf, listener } = this.#options;
    const connector = plugin.create(parseConfig(plugin.config, config), config, {
      name,
      environment,
      log: logOf(plugin.className),
      requestTaskReconfiguration: () => listener.onTaskReconfiguration(name),
      raiseError: (error) => listener.onConnector(name, 'FAILED', traceOf(error)),
    });
    await connector.start?.();
    return connector;
  }

  async #end(name: string, running: Running): Promise<void> {
    const { connector } = running;
    running.connector = undefined;
    try {
      await connector?.stop?.();
    } catch (error) {
      this.#options.logOf(name).warn(`connector ${name} could not stop cleanly: ${messageOf(error)}`);
    }
  }

  async #plugin(config: RawConfig): Promise<SourcePlugin | SinkPlugin> {
    const className = config['connector.class'];
    if (className === undefined) throw new ConfigError('connector.class says which connector it is, and is missing');
    return this.#options.plugins.connector(className);
  }

  // ── Tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async startTask(
    id: TaskId,
    connector: RawConfig,
    task: RawConfig,
    target: TargetState,
    isStillOurs?: () => Promise<void>,
  ): Promise<void> {
    const name = nameOf(id);
    if (this.#tasks.has(name)) throw new ConnectError(`task ${name} runs already`);
    const { listener, resolve } = this.#options;
    try {
      const [config, taskConfig] = await Promise.all([resolve(connector), resolve(task)]);
      const run = await this.#makeTask(id, { connector: config, task: taskConfig }, target, isStillOurs);
      this.#tasks.set(name, run);
      run.start();
    } catch (error) {
      listener.onTask(id, 'FAILED', traceOf(error));
    }
  }

  async stopTasks(ids: readonly TaskId[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#stopTask(id)));
  }

  async #stopTask(id: TaskId): Promise<void> {
    const name = nameOf(id);
    const task = this.#tasks.get(name);
    if (task === undefined) return;
    const { environment, shutdownTimeoutMs, logOf } = this.#options;
    const late = new AbortController();
    const stopped = task.stop().then(() => late.abort());
    await Promise.race([stopped, waitFor(environment, shutdownTimeoutMs, late.signal)]);
    if (!late.signal.aborted) {
      task.abandon();
      logOf(id.connector).error(`task ${name} has not stopped within ${shutdownTimeoutMs} ms, and is given up`);
    }
    this.#tasks.delete(name);
  }

  async #makeTask(
    id: TaskId,
    { connector, task }: { readonly connector: RawConfig; readonly task: RawConfig },
    target: TargetState,
    isStillOurs: (() => Promise<void>) | undefined,
  ): Promise<RunningTask> {
    const { environment, logOf, listener, flushIntervalMs } = this.#options;
    const plugin = await this.#plugin(connector);
    const path = await this.#path(connector);
    const options: TaskOptions = {
      id,
      className: plugin.className,
      config: parseConfig(plugin.config, { ...connector, ...task }),
      raw: { ...connector, ...task },
      client: this.#clients.of(plugin.kind === 'source' ? 'producer' : 'consumer', connector),
      path,
      errors: errorSettings(taskSettings(connector)),
      flushIntervalMs,
      environment,
      log: logOf(plugin.className),
      onState: (state, trace) => listener.onTask(id, state, trace),
      onTopic: (topic) => listener.onTopic(id, topic),
    };
    return plugin.kind === 'source'
      ? await this.#sourceRun(plugin, { ...options, isStillOurs }, connector, target)
      : this.#sinkRun(plugin, options, connector, target);
  }

  async #path(connector: RawConfig): Promise<Path> {
    const { plugins, raw, schemaSource } = this.#options;
    return {
      chain: {
        className: 'org.apache.kafka.connect.runtime.TransformationChain',
        use: await TransformationChain.of(connector, plugins),
      },
      key: await converterOf('key.converter', connector, raw, { plugins, schemaSource }),
      value: await converterOf('value.converter', connector, raw, { plugins, schemaSource }),
      header: await headerConverterOf(connector, raw, plugins),
    };
  }

  async #sourceRun(
    plugin: SourcePlugin,
    options: TaskOptions & Pick<SourceRunOptions, 'isStillOurs'>,
    connector: RawConfig,
    target: TargetState,
  ): Promise<RunningTask> {
    const { raw, overridePolicy, topicCreation, exactlyOnceSources, groupId } = this.#options;
    const settings = taskSettings(connector);
    const exactlyOnce = exactlyOnceSources
      ? {
          boundary: settings['transaction.boundary'].toLowerCase() as ExactlyOnce['boundary'],
          intervalMs: settings['transaction.boundary.interval.ms'] ?? options.flushIntervalMs,
        }
      : undefined;
    const own = await this.#ownOffsets(settings, connector);
    const producer = options.client.producer({
      ...producerSettings(raw, connector, overridePolicy),
      ...(exactlyOnce === undefined ? toleration(settings, options.log) : transaction(groupId!, options.id)),
    });
    return new SourceRun(
      {
        ...options,
        task: plugin.task(),
        producer,
        offsets: own ?? this.#offsets,
        olderOffsets: own === undefined ? undefined : this.#offsets,
        offsetsTopic: (own ?? this.#offsets) instanceof TopicOffsetStore ? topicOf(own ?? this.#offsets) : undefined,
        topics: new TopicCreation(this.#clients.of('admin', connector).admin(), topicCreation ? connector : {}),
        exactlyOnce,
      },
      target,
    );
  }

  /** Those of a connector that has a topic of its own for them. */
  async #ownOffsets(
    { 'offsets.storage.topic': topic }: TaskSettings,
    connector: RawConfig,
  ): Promise<TopicOffsetStore | undefined> {
    const { offsets } = this.#options;
    if (topic === null || 'file' in offsets || topic === offsets.topic) return undefined;
    const client = this.#clients.of('producer', connector);
    return TopicOffsetStore.open(offsetsTopic({ ...this.#options, client }, { ...offsets, topic }));
  }

  #sinkRun(plugin: SinkPlugin, options: TaskOptions, connector: RawConfig, target: TargetState): RunningTask {
    const { raw, overridePolicy } = this.#options;
    const client = this.#clients.of('producer', connector);
    const settings = taskSettings(connector);
    const letters = deadLetterSettings(settings, connector);
    const producer = producerSettings(raw, connector, overridePolicy);
    return new SinkRun(
      {
        ...options,
        task: plugin.task(),
        topics:
          settings['topics.regex'] === ''
            ? { names: settings.topics }
            : { pattern: JavaPattern.whole(settings['topics.regex']) },
        topicsIntervalMs: metadataAgeOf(raw, connector),
        consumer: {
          autoOffsetReset: 'earliest',
          groupId: groupOf(options.id.connector),
          ...consumerSettings(raw, connector, overridePolicy),
        },
        openDeadLetters:
          letters === undefined
            ? undefined
            : () => DeadLetters.open(client, letters, client.producer({ lingerMs: 0, ...producer }), options.id),
      },
      target,
    );
  }

  // ── Offsets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async offsets(name: string, config: RawConfig): Promise<readonly StoredOffset[]> {
    return this.#withOffsets(config, (access) => offsetsOf(access, name));
  }

  async alterOffsets(name: string, config: RawConfig, offsets: readonly StoredOffset[] | null): Promise<string> {
    return this.#withOffsets(config, (access) => alterOffsets(access, name, offsets));
  }

  async #withOffsets<T>(config: RawConfig, work: (access: OffsetAccess) => Promise<T>): Promise<T> {
    const { resolve, raw, overridePolicy } = this.#options;
    const resolved = await resolve(config);
    const plugin = await this.#plugin(resolved);
    const own = plugin.kind === 'source' ? await this.#ownOffsets(taskSettings(resolved), resolved) : undefined;
    try {
      const { groupId } = consumerSettings(raw, resolved, overridePolicy);
      return await work({
        client: this.#clients.of('admin', resolved),
        plugin,
        config: resolved,
        groupId,
        stores: own === undefined ? [this.#offsets] : [own, this.#offsets],
      });
    } finally {
      await own?.close();
    }
  }

  async fenceZombies(name: string, config: RawConfig, taskCount: number): Promise<void> {
    const { raw, overridePolicy, groupId, resolve } = this.#options;
    const resolved = await resolve(config);
    const client = this.#clients.of('producer', resolved);
    const settings = producerSettings(raw, resolved, overridePolicy);
    const ids = Array.from({ length: taskCount }, (_, task) => ({ connector: name, task }));
    await Promise.all(
      ids.map(async (id) => {
        const producer = client.producer({ ...settings, ...transaction(groupId!, id) });
        try {
          await producer.initTransactions();
        } finally {
          await producer.close();
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.stopTasks([...this.#tasks.values()].map(({ id }) => id));
    for (const name of [...this.#connectors.keys()]) await this.stopConnector(name);
    await this.#offsets.close();
    await this.#clients.close();
  }
}

function offsetsTopic(
  { client, environment, logOf, exactlyOnceSources }: WorkerOptions,
  topic: { readonly topic: string; readonly partitions: number; readonly replicationFactor: number },
) {
  const isolation = exactlyOnceSources ? ('read_committed' as const) : ('read_uncommitted' as const);
  return { client, ...topic, isolation, environment, log: (message: string) => logOf('offsets').warn(message) };
}

function topicOf(store: OffsetStore): string | undefined {
  return store instanceof TopicOffsetStore ? store.topic : undefined;
}

/** KIP-618: one id per task, whichever worker runs it. */
function transaction(groupId: string, { connector, task }: TaskId) {
  return { transactionalId: `${groupId}-${connector}-${task}` };
}

/** With `errors.tolerance=all` a record that the broker refuses is passed over, and told. */
function toleration(settings: TaskSettings, log: Log) {
  if (settings['errors.tolerance'] !== 'all') return {};
  return {
    onRefusal: (error: Error, { topic, partition }: TaskTopic) => {
      log.error(`a record of ${topic}-${partition} was refused, and is passed over: ${error.message}`);
      return 'continue' as const;
    },
  };
}

interface TaskTopic {
  readonly topic: string;
  readonly partition: number;
}

function nameOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`;
}
