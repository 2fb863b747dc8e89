// What every source of schemas does, in process or over HTTP. The registry behind it is a real one.
import { describe, expect, test } from 'vitest';
import { resolveReferences, type SchemaSource } from '../../src/serde/index.ts';

const record = (name: string, ...fields: unknown[]) => JSON.stringify({ type: 'record', name, fields });
const money = { schemaType: 'AVRO' as const, schema: record('Money', { name: 'cents', type: 'long' }) };

/** `subject`: gives names that nobody else uses. */
export function schemaSourceSuite(name: string, open: () => SchemaSource, subject: (name: string) => string): void {
  describe(`${name} as a schema source`, () => {
    test('registers, and answers by id, by GUID and by version', async () => {
      const source = open();
      const id = await source.register(subject('money'), money);
      expect(await source.register(subject('money'), money)).toBe(id);
      const byId = await source.byId(id);
      expect(byId).toMatchObject({ id, schemaType: 'AVRO', schema: money.schema });
      expect(byId.guid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(await source.byGuid(byId.guid!)).toMatchObject({ id, schema: money.schema, guid: byId.guid });
      expect(source.cached(id)).toMatchObject({ schema: money.schema });
      for (const version of [await source.version(subject('money'), 1), await source.latest(subject('money'))]) {
        expect(version).toMatchObject({ subject: subject('money'), version: 1, id, schemaType: 'AVRO' });
      }
    });

    test('says what is not there', async () => {
      const source = open();
      expect(await source.latest(subject('nothing'))).toBeUndefined();
      expect(await source.lookup(subject('nothing'), money)).toBeUndefined();
      const missing = { code: 'SCHEMA_NOT_FOUND' };
      await expect(source.byId(424242)).rejects.toMatchObject(missing);
      await expect(source.byGuid('00000000-0000-0000-0000-000000000000')).rejects.toMatchObject(missing);
      await expect(source.version(subject('nothing'), 1)).rejects.toMatchObject(missing);
    });

    test('looks up what is registered, and nothing else', async () => {
      const source = open();
      const id = await source.register(subject('looked-up'), money);
      expect(await source.lookup(subject('looked-up'), money)).toBe(id);
      expect(await source.lookup(subject('looked-up'), { ...money, schema: '"long"' })).toBeUndefined();
    });

    test('says why a schema is refused', async () => {
      const source = open();
      await source.register(subject('refused'), { schemaType: 'AVRO', schema: '"long"' });
      const text = source.register(subject('refused'), { schemaType: 'AVRO', schema: '"string"' });
      await expect(text).rejects.toMatchObject({ code: 'INCOMPATIBLE_SCHEMA' });
      for (const ask of ['register', 'lookup'] as const) {
        const broken = source[ask](subject('refused'), { schemaType: 'AVRO', schema: '{"type":' });
        await expect(broken).rejects.toMatchObject({ code: 'INVALID_SCHEMA' });
      }
    });

    test('keeps references', async () => {
      const source = open();
      await source.register(subject('money-type'), money);
      const references = [{ name: 'Money', subject: subject('money-type'), version: 1 }];
      const schema = record('Order', { name: 'price', type: 'Money' });
      const order = { schemaType: 'AVRO' as const, schema, references };
      const id = await source.register(subject('order'), order);
      expect((await source.byId(id)).references).toEqual(references);
      expect((await source.version(subject('order'), -1)).references).toEqual(references);
      expect(await source.lookup(subject('order'), order)).toBe(id);
    });

    test('gives ids, GUIDs and references the meaning of their subject’s context', async () => {
      const source = open();
      const inContext = (of: string) => `:.${subject('context')}:${of}`;
      await source.register(subject('first'), { schemaType: 'AVRO', schema: '"float"' });
      const other = { ...money, schema: record('Money', { name: 'euros', type: 'double' }) };
      const id = await source.register(inContext('money'), other);
      expect(id).toBe(1);
      const byId = await source.byId(id, inContext('money'));
      expect(byId).toMatchObject({ id, schema: other.schema });
      expect((await source.byId(id)).guid).not.toBe(byId.guid);
      expect(source.cached(id, inContext('money'))?.guid).toBe(byId.guid);
      expect(source.cached(id)?.guid).not.toBe(byId.guid);
      expect(await source.byGuid(byId.guid!, inContext('money'))).toMatchObject({ id });
      expect(await source.latest(inContext('money'))).toMatchObject({ id, version: 1 });
      await expect(source.byId(424242, inContext('money'))).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
      // The context is that of the schema which refers, unless it is named.
      for (const of of ['money', inContext('money')]) {
        const references = [{ name: 'Money', subject: of, version: 1 }];
        const schema = record('Order', { name: 'price', type: 'Money' });
        await source.register(inContext(`order-${of.length}`), { schemaType: 'AVRO', schema, references });
        const resolved = await resolveReferences(source, schema, references, inContext('order'));
        expect(resolved.references).toEqual([{ name: 'Money', schema: other.schema }]);
      }
    });

    test('finds the newest version with metadata', async () => {
      const source = open();
      const metadata = { properties: { stage: 'stable', owner: 'us & them' } };
      const id = await source.register(subject('staged'), { ...money, metadata });
      await source.register(subject('staged'), money);
      expect(await source.latest(subject('staged'), metadata.properties)).toMatchObject({ id, metadata });
      expect(await source.latest(subject('staged'), { stage: 'stable' })).toMatchObject({ id });
      expect(await source.latest(subject('staged'), { stage: 'stable', owner: 'them' })).toBeUndefined();
      expect(await source.latest(subject('nothing'), { stage: 'stable' })).toBeUndefined();
    });

    test('has the registry normalize where that is asked for', async () => {
      const source = open();
      const schema = JSON.stringify({ type: 'object', properties: { b: { type: 'string' }, a: { type: 'string' } } });
      const sorted = JSON.stringify({ properties: { a: { type: 'string' }, b: { type: 'string' } }, type: 'object' });
      const id = await source.register(subject('normal'), { schemaType: 'JSON', schema, normalize: true });
      const other = { schemaType: 'JSON' as const, schema: sorted };
      expect(await source.lookup(subject('normal'), { ...other, normalize: true })).toBe(id);
    });
  });
}
