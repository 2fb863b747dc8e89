// The longest silence of the broker while other people's work goes on: `millrace start` in a process of its own, a probe
// that asks for versions every 10 ms in another, and here those who make trouble, one after the other and together.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Client, createClient } from '../src/client/index.ts';
import {
  type Api,
  BATCH_HEADER_BYTES,
  create,
  createTopics,
  encodeRequest,
  FrameSplitter,
  FrameWriter,
  produce,
  sealBatch,
} from '../src/protocol/index.ts';

export const name = 'Longest silence of the broker (and of SQL), ms, while others work';

const ROWS = 200_000;
const EACH_MS = 5000;
/** Sizes of the table when its state is brought back from the changelog. */
const RESTORED_ROWS = [ROWS, 1_000_000];

interface Trouble {
  readonly name: string;
  /** Once; it is repeated until the time is over. */
  readonly make: (at: Target) => Promise<unknown>;
}

interface Target {
  readonly client: Client;
  readonly brokerPort: number;
  readonly sqlUrl: string;
}

const TROUBLES: readonly Trouble[] = [
  { name: 'pull queries over 200,000 rows', make: ({ sqlUrl }) => query(sqlUrl, 'SELECT * FROM totals;') },
  {
    name: 'hostile LIKE and REGEXP',
    make: ({ sqlUrl }) =>
      query(
        sqlUrl,
        "SELECT v FROM hostile WHERE v LIKE '%a%a%a%a%c' OR REGEXP_EXTRACT('^(a+)+$', v) = 'x' OR REGEXP_EXTRACT('^(a+)+\\1$', v) = 'x';",
      ),
  },
  { name: '9 MB of brackets', make: ({ sqlUrl }) => statement(sqlUrl, `SELECT ${'('.repeat(9e6)}`) },
  { name: '9 MB of names', make: ({ sqlUrl }) => statement(sqlUrl, `SELECT ${'a,'.repeat(4.5e6)}a FROM s;`) },
  { name: '13 MB of gzip bombs', make: ({ brokerPort }) => request(brokerPort, produce, 8, bombs()) },
  {
    name: 'CreateTopics with 50,000 names',
    make: ({ brokerPort }) => request(brokerPort, createTopics, 5, manyTopics()),
  },
];

export async function measure(): Promise<Record<string, number | string>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-silence-'));
  const figures: Record<string, number | string> = {};
  let server = await start(dataDir);
  try {
    await load(server.target);
    const probe = probeOf(server);
    figures['nobody else'] = await silence(probe, EACH_MS, []);
    for (const { name: what, make } of TROUBLES)
      figures[what] = await silence(probe, EACH_MS, [() => make(server.target)]);
    figures['all together'] = await silence(
      probe,
      3 * EACH_MS,
      TROUBLES.map(
        ({ make }) =>
          () =>
            make(server.target),
      ),
    );
    probe.disconnect();
    for (const rows of RESTORED_ROWS) {
      await produceItems(server.target, rows);
      await stop(server);
      rmSync(join(dataDir, 'streams'), { recursive: true });
      server = await start(dataDir);
      const again = probeOf(server);
      // For as long as it takes.
      const restored = untilThere(server.target, rows);
      figures[`a restore of ${rows.toLocaleString('en')} keys`] = await silence(again, EACH_MS, [() => restored]);
      again.disconnect();
    }
  } finally {
    await stop(server);
    rmSync(dataDir, { recursive: true, force: true });
  }
  return figures;
}

/** The longest wait of the probe while the work is done again and again; what was begun is waited for. */
async function silence(probe: ChildProcess, ms: number, works: readonly (() => Promise<unknown>)[]): Promise<string> {
  await told(probe);
  const until = performance.now() + ms;
  const repeat = async (work: () => Promise<unknown>): Promise<void> => {
    while (performance.now() < until) await work();
  };
  await Promise.all([
    ...works.map(repeat),
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    }),
  ]);
  const { broker, sql } = await told(probe);
  return `${Math.round(broker)} (${Math.round(sql)})`;
}

interface Waits {
  readonly broker: number;
  readonly sql: number;
}

function probeOf({ target }: Server): ChildProcess {
  return fork(join(import.meta.dirname, 'silence-probe.ts'), [String(target.brokerPort), target.sqlUrl]);
}

async function told(probe: ChildProcess): Promise<Waits> {
  probe.send('tell');
  const [message] = (await once(probe, 'message')) as [Waits];
  return message;
}

interface Server {
  readonly child: ChildProcess;
  readonly target: Target;
}

async function start(dataDir: string): Promise<Server> {
  const main = join(import.meta.dirname, '..', 'bin', 'millrace');
  const ports = ['--port', '0', '--registry-port', '0', '--sql-port', '0', '--rest-port', '0', '--connect-port', '0'];
  const child = spawn(process.execPath, [main, 'start', '-d', dataDir, ...ports], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes('is up')) break;
  }
  const brokerPort = Number(/Broker ready\s+\S+:(\d+)/.exec(text)![1]);
  const sqlUrl = /SQL ready\s+(\S+)/.exec(text)![1]!;
  return {
    child,
    target: { client: createClient({ bootstrapServers: `127.0.0.1:${brokerPort}` }), brokerPort, sqlUrl },
  };
}

async function stop({ child, target }: Server): Promise<void> {
  await target.client.close();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** A table of many keys, and the texts that patterns fail on. */
async function load({ client, sqlUrl }: Target): Promise<void> {
  await statement(
    sqlUrl,
    `SET 'auto.offset.reset' = 'earliest';
     CREATE STREAM items (k STRING KEY, v INT) WITH (kafka_topic='items', partitions=2, value_format='JSON');
     CREATE TABLE totals AS SELECT k, SUM(v) AS total FROM items GROUP BY k;
     CREATE STREAM hostile (v STRING) WITH (kafka_topic='hostile', partitions=1, value_format='JSON');
     INSERT INTO hostile VALUES ('${'a'.repeat(3000)}b');`,
  );
  await client.admin().createTopics([{ name: 'bombs', partitions: 1 }]);
  await produceItems({ client, sqlUrl }, ROWS);
}

/** Produces an item for each of so many keys, and waits until the table has them. */
async function produceItems({ client, sqlUrl }: Pick<Target, 'client' | 'sqlUrl'>, rows: number): Promise<void> {
  const producer = client.producer();
  for (let i = 0; i < rows; i++) {
    const sent = producer.send({ topic: 'items', key: Buffer.from(`key ${i}`), value: Buffer.from(`{"v":${i}}`) });
    if (i % 10_000 === 0) await sent;
  }
  await producer.flush();
  await producer.close();
  await untilThere({ sqlUrl }, rows);
}

async function untilThere({ sqlUrl }: Pick<Target, 'sqlUrl'>, rows: number): Promise<void> {
  const counted = async () =>
    Number(/"columns":\[(\d+)\]/.exec(await query(sqlUrl, 'SELECT COUNT(*) FROM totals;'))?.[1]);
  while ((await counted()) !== rows) {
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
  }
}

const post = async (url: string, body: object): Promise<string> =>
  (
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  ).text();
const statement = (url: string, ksql: string): Promise<string> => post(`${url}/ksql`, { ksql });
const query = (url: string, ksql: string): Promise<string> => post(`${url}/query`, { ksql });

/** Sends one request on a connection of its own, and waits for the answer or for the connection to be closed. */
async function request<Req, Res>(port: number, api: Api<Req, Res>, version: number, body: Req): Promise<void> {
  const out = new FrameWriter();
  encodeRequest(api, version, 1, 'trouble', body, out);
  const socket = connect({ host: '127.0.0.1', port });
  await new Promise<void>((resolve) => {
    const splitter = new FrameSplitter();
    socket.on('data', (chunk) => {
      if (splitter.push(chunk).length > 0) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
    socket.write(Buffer.concat(out.take()));
  });
  socket.destroy();
}

/** Batches that are small and hold much: 127 MB of zeros each. */
function bombs() {
  bomb ??= gzipBatch(gzipSync(Buffer.alloc(127 * 1024 * 1024), { level: 9 }));
  const records = bomb;
  return create(produce, {
    transactionalId: null,
    acks: 1,
    timeoutMs: 30_000,
    topicData: Array.from({ length: 100 }, () => ({ name: 'bombs', partitionData: [{ index: 0, records }] })),
  });
}

let bomb: Buffer | undefined;

/** A batch of one record, whose compressed part is what it is given. */
function gzipBatch(compressed: Buffer): Buffer {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  header.writeInt32BE(BATCH_HEADER_BYTES - 12 + compressed.length, 8);
  header.writeInt8(2, 16);
  header.writeInt16BE(1, 21);
  header.writeBigInt64BE(-1n, 43);
  header.writeInt16BE(-1, 51);
  header.writeInt32BE(-1, 53);
  header.writeInt32BE(1, 57);
  const batch = Buffer.concat([header, compressed]);
  sealBatch(batch);
  return batch;
}

function manyTopics() {
  const topics = Array.from({ length: 50_000 }, (_, i) => ({
    name: `many-${i}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  return create(createTopics, { topics, timeoutMs: 30_000, validateOnly: true });
}
