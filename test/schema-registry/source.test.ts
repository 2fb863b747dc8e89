import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { HttpSchemaSource, registryServer, registrySource, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { schemaSourceSuite } from '../suites/schema-source.ts';

let embedded: Embedded;
let client: Client;
let registry: SchemaRegistry;
let server: ReturnType<typeof registryServer>;
let url: string;

beforeAll(async () => {
  embedded = await openEmbedded();
  client = embedded.connect();
  registry = await SchemaRegistry.open(client);
  server = registryServer(registry, { clusterId: 'c', version: '0' });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await registry.close();
  await client.close();
  await embedded.close();
});

schemaSourceSuite(
  'the registry in process',
  () => registrySource(registry),
  (name) => `in-process-${name}`,
);
schemaSourceSuite(
  'the registry over HTTP',
  () => new HttpSchemaSource(url),
  (name) => `over-http-${name}`,
);

describe('over HTTP', () => {
  /** Passes requests on to the registry, and keeps what it saw of them. */
  async function through<T>(run: (proxyUrl: string, seen: { path: string; authorization?: string }[]) => Promise<T>) {
    const seen: { path: string; authorization?: string }[] = [];
    const proxy = createServer(async (request, response) => {
      const { authorization } = request.headers;
      seen.push({ path: request.url!, ...(authorization === undefined ? {} : { authorization }) });
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(url + request.url, {
        method: request.method!,
        headers: { 'content-type': 'application/json' },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    try {
      return await run(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  }

  test('asks once for what does not change', async () => {
    await through(async (address, seen) => {
      const source = new HttpSchemaSource(`http://${address}/`);
      const schema = { schemaType: 'AVRO' as const, schema: '"double"' };
      const id = await source.register('asked', schema);
      const { guid } = await source.byId(id);
      const ask = async () => {
        await source.register('asked', schema);
        await source.byId(id);
        await source.byGuid(guid!);
        await source.version('asked', 1);
      };
      await ask();
      const first = seen.length;
      expect(first).toBe(4);
      for (let i = 0; i < 10; i++) await ask();
      expect(seen.length).toBe(first);
    });
  });

  test('says who asks, as the options or the URL have it', async () => {
    await through(async (address, seen) => {
      const sources = [
        new HttpSchemaSource({ url: `http://${address}`, username: 'ann', password: 'p:w' }),
        new HttpSchemaSource(`http://ann:p%3Aw@${address}`),
        new HttpSchemaSource(`http://${address}`),
      ];
      for (const source of sources) await source.latest('nothing');
      const basic = `Basic ${Buffer.from('ann:p:w').toString('base64')}`;
      expect(seen.map(({ authorization }) => authorization)).toEqual([basic, basic, undefined]);
    });
  });

  test('a URL may be that of a context', async () => {
    const schema = { schemaType: 'AVRO' as const, schema: '["null","string"]' };
    const id = await registrySource(registry).register(':.by-url:a', schema);
    const { guid } = await registrySource(registry).byId(id, ':.by-url:a');
    const source = new HttpSchemaSource(`${url}/contexts/.by-url`);
    expect(await source.byGuid(guid!)).toMatchObject({ id, schema: schema.schema });
    expect(await source.byId(id, 'a')).toMatchObject({ guid });
    expect(source.cached(id)).toMatchObject({ guid });
    expect(await source.latest('a')).toMatchObject({ id, subject: ':.by-url:a' });
  });

  test('tells apart who does not answer, who refuses and who is something else', async () => {
    const answers = new Map([
      ['/401', [401, 'no'] as const],
      ['/html', [200, '<html>'] as const],
    ]);
    const server = createServer((request, response) => {
      const [status, text] = answers.get(`/${request.url!.split('/')[1]}`)!;
      response.writeHead(status).end(text);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(new HttpSchemaSource(`${other}/401`).byId(1)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    await expect(new HttpSchemaSource(`${other}/html`).byId(1)).rejects.toMatchObject({ code: 'REGISTRY_FAILED' });
    server.closeAllConnections();
    server.close();
    await expect(new HttpSchemaSource(other).byId(1)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      retriable: true,
    });
  });
});
