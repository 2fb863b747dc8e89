// Several registries on one broker: any of them writes, none overwrites what another one acknowledged, and what was
// acknowledged by one is known to all.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';
import type { Road } from './client.ts';

const record = (name: string) => JSON.stringify({ type: 'record', name, fields: [{ name: 'a', type: 'int' }] });

export function registriesSuite(name: string, openRoad: () => Promise<Road>): void {
  describe(`registries that share a topic ${name}`, () => {
    const topic = `_schemas-${randomUUID()}`;
    let road: Road;
    const clients: Client[] = [];
    const registries: SchemaRegistry[] = [];

    beforeAll(async () => {
      road = await openRoad();
      for (let i = 0; i < 3; i++) registries.push(await open());
    });
    afterAll(async () => {
      for (const registry of registries) await registry.close();
      for (const client of clients) await client.close();
      await road.close();
    });

    async function open(): Promise<SchemaRegistry> {
      const client = road.connect();
      clients.push(client);
      return SchemaRegistry.open(client, { topic });
    }

    const instance = (i: number) => registries[i % registries.length]!;

    test('registrations at all of them at once: ids and versions are given once, and all agree', async () => {
      await instance(0).setConfig('shared', { compatibilityLevel: 'NONE' });
      const stored = await Promise.all(
        Array.from({ length: 120 }, (_, i) =>
          instance(i).register(i % 2 === 0 ? 'shared' : `own-${i}`, { schema: record(`R${i}`) }),
        ),
      );
      expect(new Set(stored.map(({ id }) => id)).size).toBe(120);
      const versions = stored.filter(({ subject }) => subject === 'shared').map(({ version }) => version);
      expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
      const newcomer = await open();
      registries.push(newcomer);
      for (const registry of registries) {
        await registry.caughtUp();
        for (const { id, subject, version, schema } of stored) {
          expect(registry.version(subject, String(version))).toMatchObject({ id, schema });
        }
      }
    });

    test('the same schema at all of them at once is registered once', async () => {
      const stored = await Promise.all(
        registries.map((registry) => registry.register('same', { schema: record('Same') })),
      );
      expect(new Set(stored.map(({ id, version }) => `${id} ${version}`)).size).toBe(1);
    });

    test('what would break what another one registered just now is refused', async () => {
      const candidates = ['int', 'string', 'boolean'].map((type) => JSON.stringify({ type: 'array', items: type }));
      const results = await Promise.allSettled(
        candidates.map((schema, i) => instance(i).register('contended', { schema })),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ errorCode: 409 });
      }
    });

    test('a read over HTTP at one sees what another one acknowledged', async () => {
      const server = registryServer(instance(1), { clusterId: 'c', version: '0' });
      const url = await server.listen({ host: '127.0.0.1', port: 0 });
      const get = async (path: string) => (await fetch(url + path)).json();
      await instance(0).setConfig('seen', { compatibilityLevel: 'NONE' });
      for (let i = 1; i <= 30; i++) {
        const { id, guid, version } = await instance(i % 3 === 1 ? 0 : i).register('seen', {
          schema: record(`Seen${i}`),
        });
        // A different first question each time: each has to find out by itself that there is something new.
        const questions = [
          async () => expect((await get(`/schemas/ids/${id}`)) as object).toMatchObject({ guid }),
          async () => expect((await get('/subjects/seen/versions/latest')) as object).toMatchObject({ id, version }),
          async () => expect((await get('/subjects/seen/versions')) as number[]).toHaveLength(i),
          async () => expect((await get(`/schemas/guids/${guid}`)) as object).toMatchObject({ guid }),
        ];
        for (let q = 0; q < questions.length; q++) await questions[(i + q) % questions.length]!();
      }
      await server.close();
    });

    test('an instance that is gone does not hold the others up', async () => {
      const gone = await open();
      await gone.register('left-behind', { schema: record('Left') });
      await gone.close();
      const { version } = await instance(2).register('left-behind', { schema: record('Left') });
      expect(version).toBe(1);
      await instance(2).deleteSubject('left-behind', false);
      await instance(0).deleteSubject('left-behind', true);
      await instance(1).caughtUp();
      expect(() => instance(1).versions('left-behind')).toThrow("Subject 'left-behind' not found.");
    });
  });
}
