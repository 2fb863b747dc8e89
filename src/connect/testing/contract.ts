/**
 * What any connector must do, as checks for whichever test runner: `for (const check of sourceContract(…)) test(check.name, check.run)`.
 * A check rejects with an error that says what is wrong. Tasks are driven here as a worker drives them, from stored offsets, without a
 * cluster.
 */
import { type Environment, messageOf, systemEnvironment } from '../../util/index.ts';
import { checkConfig, parseConfig, type RawConfig } from '../api/config-def.ts';
import type {
  ConnectorContext,
  Log,
  SinkOffset,
  SinkPlugin,
  SinkTask,
  SourcePlugin,
  SourceTask,
} from '../api/plugins.ts';
import type { SinkRecord, SourceOffset, SourcePartition, SourceRecord } from '../data/record.ts';
import { checkValue } from '../data/validate.ts';

/** Something that is to hold. */
export interface Check {
  /** What holds, with the class that it is about. */
  readonly name: string;
  /** Rejects with what does not hold. */
  run(): Promise<void>;
}

/** What a source is tried with. */
export interface SourceContractOptions {
  /** Settings with which it reads something. */
  readonly config: RawConfig;
  /** So many records it reads at least, of what is there when `prepare` has run. */
  readonly records: number;
  /** Puts there what is read; called before each check. */
  prepare?(): Promise<void> | void;
  /** How long a poll may take to bring something, ms. Default 10 000. */
  readonly timeoutMs?: number;
}

/** What a sink is tried with. */
export interface SinkContractOptions {
  /** Settings with which it writes somewhere that is empty. */
  readonly config: RawConfig;
  /** Records that it can write, of one partition, with growing offsets. */
  readonly records: readonly SinkRecord[];
  /** Empties that place; called before each check. */
  prepare?(): Promise<void> | void;
  /** What is there, in a form in which two writings of the same records are equal. */
  written(): Promise<unknown> | unknown;
  /** Whether records that are put again leave it as it is. Default false. */
  readonly isIdempotent?: boolean;
}

const TIMEOUT_MS = 10_000;
const ABORT_MS = 2000;

/** What a source must do. */
export function sourceContract<C extends SourcePlugin>(plugin: C, options: SourceContractOptions): Check[] {
  const { config, records: wanted } = options;
  const check = (name: string, work: () => Promise<void>): Check => ({
    name: `${plugin.className}: ${name}`,
    async run() {
      await options.prepare?.();
      await work();
    },
  });
  const read = (offsets: Map<string, SourceOffset>, count: number): Promise<SourceRecord[]> =>
    readSome(plugin, options, offsets, count);
  return [
    ...settingChecks(plugin, config, check),
    check('records are of their schemas, with topics, and offsets that can be stored', async () => {
      for (const record of await read(new Map(), wanted)) {
        ensure(record.topic !== '', 'a record has no topic');
        checkValue(record.keySchema, record.key, 'key');
        checkValue(record.valueSchema, record.value, 'value');
        ensureStorable(record.sourcePartition, 'a partition');
        ensureStorable(record.sourceOffset, 'an offset');
      }
    }),
    check('goes on behind the offset of whichever record, without a gap', async () => {
      const whole = await read(new Map(), wanted);
      for (const cut of [1, Math.floor(wanted / 2), wanted - 1].filter((at) => at > 0 && at < wanted)) {
        const offsets = new Map<string, SourceOffset>();
        for (const { sourcePartition, sourceOffset } of whole.slice(0, cut))
          offsets.set(JSON.stringify(sourcePartition), sourceOffset);
        const exactly = plugin.exactlyOnce?.(parseConfig(plugin.config, config)) === 'supported';
        const rest = (await read(offsets, wanted - cut)).map(contentOf);
        const expected = whole.slice(cut).map(contentOf);
        const first = rest.indexOf(expected[0]!);
        ensure(first >= 0, `behind record ${cut} of ${wanted} it goes on with ${rest[0]}, not with ${expected[0]}`);
        ensure(
          !exactly || first === 0,
          `behind record ${cut} it reads records again, and says that it supports exactly once`,
        );
      }
    }),
    check('a poll that waits returns when it is to stop', async () => {
      const run = await startSource(plugin, config, new Map());
      try {
        await settled(run, options);
        const poll = new AbortController();
        const polled = Promise.resolve(run.poll(poll.signal)).catch(() => []);
        poll.abort();
        await within(ABORT_MS, polled, `poll did not return within ${ABORT_MS} ms of the abort of its signal`);
      } finally {
        await run.stop();
      }
    }),
    check('stops without ever having been polled', async () => {
      const run = await startSource(plugin, config, new Map());
      await within(TIMEOUT_MS, Promise.resolve(run.stop()), 'stop did not return');
    }),
  ];
}

/** What a sink must do. */
export function sinkContract<C extends SinkPlugin>(plugin: C, options: SinkContractOptions): Check[] {
  const { config, records } = options;
  const check = (name: string, work: () => Promise<void>): Check => ({
    name: `${plugin.className}: ${name}`,
    async run() {
      await options.prepare?.();
      await work();
    },
  });
  const putAll = async (batches: readonly (readonly SinkRecord[])[]): Promise<string> => {
    const task = await startSink(plugin, config);
    try {
      for (const batch of batches) await task.put(batch);
      await flush(task, batches.flat());
    } finally {
      await task.stop();
    }
    return JSON.stringify(await options.written());
  };
  return [
    ...settingChecks(plugin, config, check),
    check('what was put is there behind a flush', async () => {
      const before = JSON.stringify(await options.written());
      ensure((await putAll([records])) !== before, 'nothing was written');
    }),
    check('takes empty batches, and records one by one as well as together', async () => {
      const together = await putAll([[], records, []]);
      await options.prepare?.();
      const alone = await putAll(records.map((record) => [record]));
      ensure(alone === together, `one by one, ${alone} was written, and together ${together}`);
    }),
    check('goes on when it was started again', async () => {
      const whole = await putAll([records]);
      await options.prepare?.();
      const half = Math.ceil(records.length / 2);
      await putAll([records.slice(0, half)]);
      const halves = await putAll([records.slice(half)]);
      ensure(halves === whole, `in two parts, ${halves} was written, and at once ${whole}`);
    }),
    ...(options.isIdempotent === true
      ? [
          check('records that are put again change nothing', async () => {
            const once = await putAll([records]);
            const twice = await putAll([records]);
            ensure(once === twice, `once, ${once} was written, and twice ${twice}`);
          }),
        ]
      : []),
    check('stops without a record', async () => {
      const task = await startSink(plugin, config);
      await within(TIMEOUT_MS, Promise.resolve(task.stop()), 'stop did not return');
    }),
  ];
}

function settingChecks(
  plugin: SourcePlugin | SinkPlugin,
  config: RawConfig,
  check: (name: string, work: () => Promise<void>) => Check,
): Check[] {
  return [
    check('says of each setting that is missing and required which it is', async () => {
      for (const { name, key, problems } of checkConfig(plugin.config, {})) {
        if (key.default !== undefined) continue;
        ensure(
          problems.some((problem) => problem.includes(name)),
          `${name} is required, and nobody says so`,
        );
      }
      parseConfig(plugin.config, config);
    }),
    check('has a sentence for each setting', async () => {
      for (const [name, { doc, internal }] of Object.entries(plugin.config))
        ensure(internal === true || doc.length > 5, `${name} has no doc`);
    }),
    check('has no more tasks than it may', async () => {
      const connector = plugin.create(parseConfig(plugin.config, config), config, contextOf());
      try {
        await connector.start?.();
        for (const most of [1, 2, 5]) {
          const tasks = await connector.taskConfigs(most);
          ensure(tasks.length <= most, `of ${most} tasks it wants ${tasks.length}`);
          for (const task of tasks) parseConfig(plugin.config, { ...config, ...task });
        }
      } finally {
        await connector.stop?.();
      }
    }),
  ];
}

// ── Driving tasks ─────────────────────────────────────────────────────────────────────────────────────────────────

const environment: Environment = systemEnvironment;
const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

function contextOf(): ConnectorContext {
  return {
    name: 'contract',
    environment,
    log: silent,
    requestTaskReconfiguration: () => {},
    raiseError: () => {},
  };
}

async function firstTask(plugin: SourcePlugin | SinkPlugin, config: RawConfig): Promise<RawConfig> {
  const connector = plugin.create(parseConfig(plugin.config, config), config, contextOf());
  try {
    await connector.start?.();
    const [task] = await connector.taskConfigs(1);
    if (task === undefined) throw new Error('the connector wants no task');
    return { ...config, ...task };
  } finally {
    await connector.stop?.();
  }
}

async function startSource(
  plugin: SourcePlugin,
  config: RawConfig,
  offsets: ReadonlyMap<string, SourceOffset>,
): Promise<SourceTask> {
  const raw = await firstTask(plugin, config);
  const task: SourceTask = plugin.task();
  const offset = (partition: SourcePartition): SourceOffset | null => offsets.get(JSON.stringify(partition)) ?? null;
  await task.start(
    parseConfig(plugin.config, raw),
    {
      connector: 'contract',
      taskId: 0,
      environment,
      log: silent,
      offset: async (partition) => offset(partition),
      offsets: async (partitions) => partitions.map(offset),
      transaction: undefined,
      pause,
    },
    raw,
  );
  return task;
}

async function readSome(
  plugin: SourcePlugin,
  { config, timeoutMs = TIMEOUT_MS }: SourceContractOptions,
  offsets: ReadonlyMap<string, SourceOffset>,
  count: number,
): Promise<SourceRecord[]> {
  const task = await startSource(plugin, config, offsets);
  const records: SourceRecord[] = [];
  const stopping = new AbortController();
  const cancel = environment.after(timeoutMs, () => stopping.abort());
  try {
    while (records.length < count && !stopping.signal.aborted) records.push(...(await task.poll(stopping.signal)));
    await task.commit?.();
  } finally {
    cancel();
    await task.stop();
  }
  ensure(records.length >= count, `of ${count} records ${records.length} came within ${timeoutMs} ms`);
  return records.slice(0, count);
}

/** Polls until nothing comes any more. */
async function settled(task: SourceTask, { records, timeoutMs = TIMEOUT_MS }: SourceContractOptions): Promise<void> {
  const stopping = new AbortController();
  const cancel = environment.after(timeoutMs, () => stopping.abort());
  for (let seen = 0; seen < records && !stopping.signal.aborted; ) seen += (await task.poll(stopping.signal)).length;
  cancel();
}

async function startSink(plugin: SinkPlugin, config: RawConfig): Promise<SinkTask> {
  const raw = await firstTask(plugin, config);
  const task: SinkTask = plugin.task();
  await task.start(
    parseConfig(plugin.config, raw),
    {
      connector: 'contract',
      taskId: 0,
      environment,
      log: silent,
      assignment: () => [],
      pause: () => {},
      resume: () => {},
      seek: () => {},
      requestCommit: () => {},
      retryIn: () => {},
      toleratesErrors: false,
      reportErrant: async (_record, error) => {
        throw error;
      },
      pauseFor: (delayMs) => pause(delayMs, new AbortController().signal),
    },
    raw,
  );
  return task;
}

async function flush(task: SinkTask, records: readonly SinkRecord[]): Promise<void> {
  const ends = new Map<string, SinkOffset>();
  for (const { originalTopic: topic, originalPartition: partition, originalOffset } of records)
    ends.set(`${topic}-${partition}`, { topic, partition, offset: originalOffset + 1 });
  if (task.preCommit === undefined) await task.flush?.([...ends.values()]);
  else await task.preCommit([...ends.values()]);
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = environment.after(delayMs, resolve);
    signal.addEventListener('abort', () => {
      cancel();
      resolve();
    });
    if (signal.aborted) resolve();
  });
}

async function within<T>(timeoutMs: number, work: Promise<T>, otherwise: string): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = environment.after(timeoutMs, () => reject(new Error(otherwise)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

/** What a record says, but for when it was read. */
function contentOf({ topic, key, value }: SourceRecord): string {
  return JSON.stringify([topic, key, value], (_name, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
}

function ensureStorable(stored: object, what: string): void {
  try {
    ensure(JSON.stringify(JSON.parse(JSON.stringify(stored))) === JSON.stringify(stored), `${what} is no JSON`);
  } catch (error) {
    throw new Error(`${what} cannot be stored: ${messageOf(error)}`, { cause: error });
  }
}

function ensure(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
