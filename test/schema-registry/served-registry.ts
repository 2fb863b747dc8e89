// A registry on a broker of its own, behind the HTTP rim, with settings where a test is about them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registrySettings, registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { readSettings } from '../../src/util/index.ts';
import { openEmbedded } from '../suites/embedded.ts';

export interface ServedRegistry {
  readonly registry: SchemaRegistry;
  readonly folder: string;
  readonly log: string[];
  /** Starts a server with these settings, short for those of the registry; answers its URL. */
  serve(settings?: Readonly<Record<string, string>>, isTls?: boolean): Promise<string>;
  write(file: string, ...lines: string[]): string;
  close(): Promise<void>;
}

export async function openServedRegistry(): Promise<ServedRegistry> {
  const embedded = await openEmbedded();
  const client = embedded.connect();
  const registry = await SchemaRegistry.open(client);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'));
  const servers: { close(): Promise<unknown> }[] = [];
  const log: string[] = [];
  return {
    registry,
    folder,
    log,
    async serve(settings = {}, isTls = false) {
      const given = Object.entries(settings).map(([name, value]) => [`schema.registry.${name}`, value]);
      const server = registryServer(registry, {
        clusterId: 'c',
        version: '0',
        settings: readSettings(registrySettings, Object.fromEntries(given)),
        isTls,
        log: (message) => log.push(message),
      });
      servers.push(server);
      return server.listen({ host: '127.0.0.1', port: 0 });
    },
    write(file, ...lines) {
      const path = join(folder, file);
      writeFileSync(path, `${lines.join('\n')}\n`);
      return path;
    },
    async close() {
      for (const server of servers) await server.close();
      await registry.close();
      await client.close();
      await embedded.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

export async function call(url: string, request: string, headers: Record<string, string> = {}, body?: unknown) {
  const [method, path] = request.split(' ') as [string, string];
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}
