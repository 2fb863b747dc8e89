// The REST proxy under batches of records: a process of its own with the whole platform in it, several clients that post batches
// one after the other, and what the proxy's process has spent of the processor for them. Then the way out: one consumer that
// reads them all.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openPlatform } from './platform.ts';

export const name = 'REST proxy: batches of 500 records of 100 bytes, JSON';

const CLIENTS = 4;
const BATCH = 500;
const RECORDS = 400_000;
const WARM_UP = 50_000;
const JSON_RECORDS = 'application/vnd.kafka.json.v2+json';
const body = JSON.stringify({ records: Array.from({ length: BATCH }, () => ({ value: { text: 'x'.repeat(89) } })) });

export async function measure(): Promise<Record<string, number | string>> {
  const server = fork(import.meta.filename, ['serve'], { stdio: 'inherit' });
  const [url] = (await once(server, 'message')) as [string];
  const cpuSeconds = async (): Promise<number> => {
    server.send('cpu');
    return ((await once(server, 'message')) as [number])[0];
  };
  try {
    await produce(url, WARM_UP);
    const produced = await spent(cpuSeconds, () => produce(url, RECORDS));
    const consumed = await spent(cpuSeconds, () => consume(url, RECORDS));
    return {
      'records/s of the proxy’s processor time, in': RECORDS / produced.cpu,
      'records/s of the clock, in': RECORDS / produced.clock,
      'records/s of the proxy’s processor time, out': RECORDS / consumed.cpu,
    };
  } finally {
    server.send('stop');
    await once(server, 'exit');
  }
}

async function spent(cpuSeconds: () => Promise<number>, work: () => Promise<void>) {
  const [cpu, clock] = [await cpuSeconds(), performance.now()];
  await work();
  return { cpu: (await cpuSeconds()) - cpu, clock: (performance.now() - clock) / 1000 };
}

async function produce(url: string, records: number): Promise<void> {
  let left = records / BATCH;
  const post = async () => {
    while (left-- > 0) {
      const headers = { 'content-type': JSON_RECORDS };
      const answer = await fetch(`${url}/topics/bench`, { method: 'POST', headers, body });
      const { offsets } = (await answer.json()) as { offsets: { error_code: number | null }[] };
      if (offsets.some(({ error_code }) => error_code !== null)) throw new Error('a record was refused');
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, post));
}

async function consume(url: string, records: number): Promise<void> {
  const post = (path: string, given: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(given),
    });
  await post('/consumers/bench', { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' });
  await post('/consumers/bench/instances/i/subscription', { topics: ['bench'] });
  for (let read = 0; read < records; ) {
    const answer = await fetch(`${url}/consumers/bench/instances/i/records`, { headers: { accept: JSON_RECORDS } });
    read += ((await answer.json()) as unknown[]).length;
  }
}

if (process.argv[2] === 'serve') {
  const { platform, close } = await openPlatform({ 'kafka.rest.listeners': 'http://127.0.0.1:0' });
  await platform.client.admin().createTopics([{ name: 'bench', partitions: 4 }]);
  process.on('message', async (asked) => {
    if (asked === 'cpu') {
      const { user, system } = process.cpuUsage();
      process.send!((user + system) / 1e6);
      return;
    }
    await close();
    process.exit(0);
  });
  process.send!(platform.url('rest-proxy'));
}
