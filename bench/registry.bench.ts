// The Schema Registry under load: reads over HTTP keep-alive (the server in a process of its own, so that it has one
// core to itself and the load comes from another), registrations as the registry grows, and the start with many subjects.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../src/broker/index.ts';
import { createClient } from '../src/client/index.ts';
import { registryServer, SchemaRegistry } from '../src/schema-registry/index.ts';

export const name = 'Schema Registry';

const SCHEMAS = 10_000;
const CONNECTIONS = 16;
const REQUESTS = 60_000;
const WARM_UP = 10_000;
/** Registrations that are timed together: one alone is a matter of luck. */
const SAMPLE = 100;

const schema = (i: number) =>
  JSON.stringify({
    type: 'record',
    name: `R${i}`,
    fields: [
      { name: 'id', type: 'long' },
      { name: `f${i}`, type: 'string' },
    ],
  });

export async function measure(): Promise<Record<string, number | string>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-registry-'));
  try {
    const early: number[] = [];
    const late: number[] = [];
    const growing = await open(dataDir);
    for (let i = 1; i <= SCHEMAS; i++) {
      const begun = performance.now();
      await growing.registry.register(`subject-${i}`, { schema: schema(i) });
      const took = performance.now() - begun;
      if (i > 100 && i <= 100 + SAMPLE) early.push(took);
      if (i > SCHEMAS - SAMPLE) late.push(took);
    }
    // A subject with many versions compares the newcomer with the latest only, but has to know them all.
    const versions: number[] = [];
    await growing.registry.setConfig('many', { compatibilityLevel: 'NONE' });
    for (let i = 1; i <= SCHEMAS; i++) {
      const begun = performance.now();
      await growing.registry.register('many', { schema: schema(SCHEMAS + i) });
      versions.push(performance.now() - begun);
    }
    await growing.close();

    const reopened = await open(dataDir);
    const { loadMs } = reopened;
    await reopened.close();

    const server = fork(import.meta.filename, ['serve', dataDir], { stdio: 'inherit' });
    const [port] = (await once(server, 'message')) as [number];
    const figures = {
      'GET /schemas/ids/{id}': await requestsPerSecond(port, (i) => `/schemas/ids/${1 + (i % SCHEMAS)}`),
      'GET /subjects/{s}/versions/latest': await requestsPerSecond(
        port,
        (i) => `/subjects/subject-${1 + (i % SCHEMAS)}/versions/latest`,
      ),
    };
    server.send('stop');
    await once(server, 'exit');

    return {
      ...Object.fromEntries(Object.entries(figures).map(([path, rate]) => [`${path}, requests/s`, Math.round(rate)])),
      [`registration around the 100th schema, ms (median of ${SAMPLE})`]: median(early),
      [`registration around the ${SCHEMAS}th, ms (median of ${SAMPLE})`]: median(late),
      'ratio of the two': median(late) / median(early),
      'ratio of the 10000th version of one subject to its 100th':
        median(versions.slice(-SAMPLE)) / median(versions.slice(50, 150)),
      [`start with ${SCHEMAS} subjects, ms`]: loadMs,
    };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function open(dataDir: string) {
  const broker = await Broker.open({ dataDir });
  const client = createClient({ dial: async () => broker.connect() });
  const begun = performance.now();
  const registry = await SchemaRegistry.open(client);
  return {
    registry,
    loadMs: performance.now() - begun,
    async close() {
      await registry.close();
      await client.close();
      await broker.close();
    },
  };
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Keep-alive connections, each with one request in flight, as a client's pool has them. */
async function requestsPerSecond(port: number, path: (i: number) => string): Promise<number> {
  let sent = 0;
  const run = async (total: number) => {
    sent = 0;
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, () => pump(port, () => (sent < total ? path(sent++) : undefined))),
    );
    return (total / (performance.now() - begun)) * 1000;
  };
  await run(WARM_UP);
  return run(REQUESTS);
}

/** A client as light as can be: the load must not be the limit. An answer is complete when its body is as long as it says. */
function pump(port: number, nextPath: () => string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay();
    let held = '';
    const ask = () => {
      const path = nextPath();
      if (path === undefined) socket.end(resolve);
      else
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.schemaregistry.v1+json\r\n\r\n`,
        );
    };
    socket.setEncoding('latin1');
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      held += chunk;
      const bodyStart = held.indexOf('\r\n\r\n') + 4;
      if (bodyStart < 4) return;
      if (!held.startsWith('HTTP/1.1 200')) return reject(new Error(held));
      const length = Number(/content-length: (\d+)/i.exec(held)![1]);
      if (held.length < bodyStart + length) return;
      held = '';
      ask();
    });
  });
}

if (process.argv[2] === 'serve') {
  const { registry, close } = await open(process.argv[3]!);
  const server = registryServer(registry, { clusterId: 'bench', version: '0' });
  process.send!(Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port));
  process.once('message', async () => {
    await server.close();
    await close();
    process.exit(0);
  });
}
