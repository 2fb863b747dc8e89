// State larger than the memory it may take: a table of 100-byte values, most of it on disk. The first part runs one task
// with its store and its checkpoint, without a broker; the second a whole application in a process of its own, with a heap of
// 512 MB, that is filled, killed and started again. `npm run bench -- state keys=10000000` for other sizes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { Broker } from '../src/broker/index.ts';
import { createClient, type RecordCursor } from '../src/client/index.ts';
import { stringSerde } from '../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder, type Topology } from '../src/streams/index.ts';
import { Task } from '../src/streams/runtime/task.ts';
import { Checkpoint } from '../src/streams/state/checkpoint.ts';
import type { KeyValueState } from '../src/streams/state/key-value-store.ts';
import { MemoryBudget } from '../src/streams/state/memory-budget.ts';
import { keyValueEntries } from '../src/streams/state/typed-scans.ts';
import { systemEnvironment } from '../src/util/index.ts';

const KEYS = Number(process.argv.find((word) => word.startsWith('keys='))?.slice(5) ?? 1_000_000);
const HEAP_MB = 512;
const VALUE_BYTES = 100;
/** About what a row takes in memory, decoded. */
const ROW_BYTES = 335;
const BATCH = 20_000;
const FETCH = 5000;
/** Records between two turns of the loop. */
const RUN = 500;
const CHECKPOINT_MS = 10_000;
const SESSION_MS = 6000;
/** Prime to any number of keys that is asked for: neighbours in the input are no neighbours in the table. */
const STRIDE = 7_368_787;

export const name = `streams: state on disk, ${KEYS.toLocaleString('en')} keys of ${VALUE_BYTES} bytes`;

export async function measure(): Promise<Record<string, number | string>> {
  const memory = await child<Rates>(8000, 'rates', KEYS, 0);
  const tenth = await child<Rates>(HEAP_MB * 4, 'rates', KEYS, Math.ceil((KEYS * ROW_BYTES) / 10));
  const windows = await child<Windows>(2000, 'windows');
  const small = await application(Math.ceil(KEYS / 10));
  const large = await application(KEYS);
  return {
    'updates/CPU-s of a hot 2 % of the keys, all in memory': memory.hot.perCpuSecond,
    '  with memory for 10 %, share of that': tenth.hot.perCpuSecond / memory.hot.perCpuSecond,
    'updates/CPU-s, skewed (Zipf 1.0), all in memory': memory.skewed.perCpuSecond,
    '  with memory for 10 %, share of that, with the threads of LevelDB':
      tenth.skewed.perCpuSecond / memory.skewed.perCpuSecond,
    '  by the clock, share of that': tenth.skewed.perSecond / memory.skewed.perSecond,
    'updates/CPU-s, uniform, memory for 10 %': tenth.uniform.perCpuSecond,
    '  by the clock': tenth.uniform.perSecond,
    'ms for a range of five rows, memory for 10 %': tenth.rangeMs,
    'MB resident at most, all in memory and with memory for 10 %': `${memory.rssMb} and ${tenth.rssMb}`,
    'one window per record: last 100 k of 1 M, share of the first': windows.last / windows.first,
    '  records/s': windows.last,
    [`application, ${HEAP_MB} MB heap: seconds to fill`]: large.seconds,
    '  MB resident at most while filled': large.rssMb,
    '  rows in the store, and wrong ones among 2000': `${large.size} and ${large.wrong}`,
    'restart after kill -9: ms from start() to RUNNING': large.restartMs,
    '  the same with a tenth of the keys': small.restartMs,
    '  records from the changelog': large.changelogRecords,
    '  MB resident after the restart': large.restartRssMb,
  };
}

// ── One task ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Rate {
  readonly perSecond: number;
  /** Of all threads. */
  readonly perCpuSecond: number;
}

interface Rates {
  readonly hot: Rate;
  readonly skewed: Rate;
  readonly uniform: Rate;
  readonly rangeMs: number;
  readonly rssMb: number;
}

/** Records with keys as `choose` says, made in place. */
class Generated implements RecordCursor {
  offset: number;
  timestamp = 0;
  readonly bytes = Buffer.alloc(KEY_BYTES + VALUE_BYTES, 'v');
  readonly keyStart = 0;
  readonly keyEnd = KEY_BYTES;
  readonly valueStart = KEY_BYTES;
  readonly valueEnd = KEY_BYTES + VALUE_BYTES;
  readonly headerCount = 0;
  readonly #from: number;
  readonly #keys: readonly number[];

  constructor(from: number, keys: readonly number[]) {
    this.#from = from;
    this.offset = from - 1;
    this.#keys = keys;
  }

  advance(): boolean {
    if (++this.offset >= this.#from + this.#keys.length) return false;
    this.timestamp = this.offset;
    this.bytes.write(keyOf(this.#keys[this.offset - this.#from]!), 0, 'latin1');
    this.bytes.write(String(this.offset), KEY_BYTES, 'latin1');
    return true;
  }

  again(): Generated {
    return new Generated(this.#from, this.#keys);
  }

  headers(): [] {
    return [];
  }
}

const KEY_BYTES = 14;
function keyOf(i: number): string {
  return `key-${String(i).padStart(KEY_BYTES - 4, '0')}`;
}

function latest(): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>('in', { key: stringSerde, value: stringSerde })
    .groupByKey()
    .reduce((_one, other) => other, { name: 'latest' });
  return builder.build();
}

async function processed(task: Task, records: number): Promise<void> {
  for (let left = records; left > 0; left -= task.run(Math.min(left, RUN))) await setImmediate();
}

async function rates(keys: number, budgetBytes: number): Promise<Rates> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const budget = new MemoryBudget(Math.max(1, budgetBytes));
  const checkpoint = budgetBytes === 0 ? null : await Checkpoint.open(join(directory, '0_0'), { budget });
  const topology = latest();
  const task = new Task({
    topology,
    subTopology: topology.subTopologies[0]!,
    partition: 0,
    settings: { applicationId: 'bench', caching: false, onDecodeError: () => 'fail', onProcessingError: () => 'fail' },
    output: { hasPartitions: false, partitionsOf: () => 1, send: () => {} },
    environment: systemEnvironment,
    budget,
    tracking: (spec) => ({ log: true, disk: checkpoint?.disk(spec) ?? null }),
    globalStores: new Map(),
  });
  let offset = 0;
  let checkpointedAt = performance.now();
  const run = async (records: number, choose: () => number): Promise<Rate> => {
    const start = performance.now();
    const cpu = process.cpuUsage();
    for (let left = records; left > 0; left -= BATCH) {
      // A fetch is taken in while another one is at work, as in a worker.
      for (let fetched = 0; fetched < BATCH; fetched += FETCH) {
        task.queues[0]!.push(new Generated(offset, Array.from({ length: FETCH }, choose)), (offset += FETCH), 0);
        if (fetched > 0) await processed(task, FETCH);
      }
      await processed(task, FETCH);
      for (const store of task.stores.values()) store.drainLog(() => {});
      if (checkpoint === null || (!budget.isFullOfDirty && performance.now() - checkpointedAt < CHECKPOINT_MS))
        continue;
      await checkpoint.write(task.stores, { changelogOffsets: {}, positions: {}, streamTime: offset });
      checkpointedAt = performance.now();
    }
    const { user, system } = process.cpuUsage(cpu);
    return {
      perSecond: (records / (performance.now() - start)) * 1000,
      perCpuSecond: (records / (user + system)) * 1e6,
    };
  };
  const random = generator(7);
  const spread = (i: number): number => (i * STRIDE) % keys;
  let next = 0;
  await run(keys, () => spread(next++));
  const sample = Math.min(2_000_000, keys * 2);
  const hotKeys = Math.ceil(keys / 50);
  await run(hotKeys * 2, () => spread(Math.floor(random() * hotKeys)));
  const hot = await run(sample, () => spread(Math.floor(random() * hotKeys)));
  const zipf = (): number => spread(Math.floor((keys + 1) ** random()) - 1);
  await run(sample, zipf);
  const skewed = await run(sample, zipf);
  const uniform = await run(sample, () => Math.floor(random() * keys));
  const rangeMs = checkpoint === null ? 0 : await fiveRows(task, keys, random);
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1000);
  task.close();
  await checkpoint?.close();
  rmSync(directory, { recursive: true, force: true });
  return { hot, skewed, uniform, rangeMs, rssMb };
}

async function fiveRows(task: Task, keys: number, random: () => number): Promise<number> {
  const state = task.stores.get('latest') as KeyValueState;
  const rounds = 200;
  const start = performance.now();
  for (let i = 0; i < rounds; i++) {
    const from = Math.floor(random() * (keys - 5));
    const found = await Array.fromAsync(keyValueEntries(state, keyOf(from), keyOf(from + 4)));
    if (found.length !== 5) throw new Error(`a range of five rows has ${found.length}`);
  }
  return (performance.now() - start) / rounds;
}

interface Windows {
  readonly first: number;
  readonly last: number;
}

/** A processor that keeps one window per record, as one that leaves out duplicates does. */
function windows(): Windows {
  const builder = new StreamsBuilder();
  const size = 10_000;
  builder.addStateStore({
    kind: 'window',
    name: 'seen',
    key: stringSerde,
    value: stringSerde,
    retentionMs: 3_600_000,
    windowSizeMs: size,
  });
  builder.stream<string, string>('in', { key: stringSerde, value: stringSerde }).process(
    (context) => {
      const seen = context.windowStore<string, string>('seen');
      return {
        process: ({ key, timestamp }) => {
          for (const _ of seen.fetch(key, timestamp - size, timestamp)) return;
          seen.put(key, 'x', timestamp);
        },
      };
    },
    { stores: ['seen'] },
  );
  const topology = builder.build();
  const task = new Task({
    topology,
    subTopology: topology.subTopologies[0]!,
    partition: 0,
    settings: { applicationId: 'bench', caching: false, onDecodeError: () => 'fail', onProcessingError: () => 'fail' },
    output: { hasPartitions: false, partitionsOf: () => 1, send: () => {} },
    environment: systemEnvironment,
    tracking: () => ({ log: true, disk: null }),
    globalStores: new Map(),
  });
  const times: number[] = [];
  let next = 0;
  for (let part = 0; part < 10; part++) {
    const start = performance.now();
    task.queues[0]!.push(
      new Generated(
        part * 100_000,
        Array.from({ length: 100_000 }, () => next++),
      ),
      (part + 1) * 100_000,
      0,
    );
    while (task.run(BATCH) > 0) for (const store of task.stores.values()) store.drainLog(() => {});
    times.push(performance.now() - start);
  }
  return { first: 1e8 / times[0]!, last: 1e8 / times[9]! };
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const high = state >>> 5;
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (high * 67108864 + (state >>> 6)) / 9007199254740992;
  };
}

// ── An application ────────────────────────────────────────────────────────────────────────────────────────────────

interface Filled {
  readonly size: number;
  readonly wrong: number;
  readonly rssMb: number;
}

interface Restarted {
  readonly restartMs: number;
  readonly restartRssMb: number;
  readonly changelogRecords: number;
}

async function application(keys: number): Promise<Filled & Restarted & { readonly seconds: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const broker = await Broker.open({
    dataDir: join(directory, 'broker'),
    settings: { 'group.initial.rebalance.delay.ms': 0 },
  });
  const { host, port } = await broker.listen({ host: '127.0.0.1', port: 0 });
  const client = createClient({ dial: async () => broker.connect() });
  try {
    await client.admin().createTopics([{ name: 'in', partitions: 2, configs: { 'retention.ms': '-1' } }]);
    const start = performance.now();
    const filling = launch(HEAP_MB, 'fill', `${host}:${port}`, join(directory, 'state'), keys);
    const producer = client.producer({ batchSize: 512 * 1024 });
    await producer.partitionsFor('in');
    for (let i = 0; i < keys; i++) {
      const key = (i * STRIDE) % keys;
      producer.enqueue('in', key % 2, Buffer.from(keyOf(key)), Buffer.from(valueOf(key)), i);
      if (i % BATCH === 0) await producer.flush();
    }
    await producer.close();
    const filled = await filling.answer<Filled>();
    const seconds = (performance.now() - start) / 1000;
    filling.process.kill('SIGKILL');
    await filling.ended;
    // The group waits for a member that was killed; that is no matter of the state.
    await pause(SESSION_MS * 1.5);
    const again = launch(HEAP_MB, 'restart', `${host}:${port}`, join(directory, 'state'), keys);
    const restarted = await again.answer<Restarted>();
    again.process.kill('SIGKILL');
    await again.ended;
    return { ...filled, ...restarted, seconds };
  } finally {
    await client.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function valueOf(key: number): string {
  return `value of ${key} `.padEnd(VALUE_BYTES, '.');
}

async function filledApplication(
  bootstrapServers: string,
  stateDir: string,
  keys: number,
  isAgain: boolean,
): Promise<void> {
  const app = new KafkaStreams(latest(), {
    client: createClient({ bootstrapServers }),
    applicationId: 'bench',
    stateDir,
    processingGuarantee: 'exactly_once_v2',
    sessionTimeoutMs: SESSION_MS,
    onError: (error) => console.error(error),
  });
  let changelogRecords = 0;
  app.onRestored((report) => (changelogRecords += report.changelogRecords));
  const start = performance.now();
  await app.start();
  const restartMs = performance.now() - start;
  const rssMb = (): number => Math.round(process.resourceUsage().maxRSS / 1000);
  if (isAgain) {
    console.log(JSON.stringify({ restartMs, restartRssMb: rssMb(), changelogRecords } satisfies Restarted));
    return;
  }
  const store = app.store('latest').keyValue<string, string>();
  while (store.size < keys) await pause(100);
  // Long enough for what is written behind.
  await pause(CHECKPOINT_MS * 1.5);
  let wrong = 0;
  const random = generator(1);
  for (let i = 0; i < 2000; i++) {
    const key = Math.floor(random() * keys);
    if (store.get(keyOf(key)) !== valueOf(key)) wrong++;
  }
  console.log(JSON.stringify({ size: store.size, wrong, rssMb: rssMb() } satisfies Filled));
}

// ── Processes ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  answer<T>(): Promise<T>;
}

function launch(heapMb: number, ...words: readonly (string | number)[]): Started {
  const launched = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMb}`, import.meta.filename, ...words.map(String)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(launched, 'exit');
  const line = once(createInterface({ input: launched.stdout }), 'line');
  return {
    process: launched,
    ended,
    answer: async <T>() => {
      const early = ended.then(([code]) => Promise.reject(new Error(`${words[0]} ended with ${String(code)}`)));
      const [text] = (await Promise.race([line, early])) as [string];
      return JSON.parse(text) as T;
    },
  };
}

async function child<T>(heapMb: number, ...words: readonly (string | number)[]): Promise<T> {
  const { answer, ended } = launch(heapMb, ...words);
  const result = await answer<T>();
  await ended;
  return result;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

if (process.argv[1] === import.meta.filename) {
  const [mode, one, two, three] = process.argv.slice(2);
  if (mode === 'rates') console.log(JSON.stringify(await rates(Number(one), Number(two))));
  else if (mode === 'windows') console.log(JSON.stringify(windows()));
  else await filledApplication(one!, two!, Number(three), mode === 'restart');
}
