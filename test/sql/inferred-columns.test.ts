// Columns that came from the registry stay what they were, whatever becomes of the schema.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';

const FIRST = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, default: '' },
    { name: 'tags', type: { type: 'map', values: { type: 'array', items: 'int' } }, default: {} },
    {
      name: 'to',
      type: ['null', { type: 'record', name: 'To', fields: [{ name: 'zip', type: 'string' }] }],
      default: null,
    },
  ],
};
const LATER = { ...FIRST, fields: [FIRST.fields[0], { name: 'more', type: 'int', default: 0 }] };

test('a source with inferred columns, and its query, come back when the schema has lost columns', {
  timeout: 30_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-inferred-'));
  const start = () =>
    Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
  const post = async (url: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { sourceDescription: { fields: unknown[]; readQueries: unknown[] } }[];
  };
  const register = (platform: Platform, subject: string, schema: unknown) =>
    post(`${platform.url('schema-registry')}/subjects/${subject}/versions`, { schema: JSON.stringify(schema) });
  const described = async (platform: Platform) => {
    const [entity] = await post(`${platform.url('sql')}/ksql`, { ksql: 'DESCRIBE orders;' });
    return entity!.sourceDescription;
  };

  const first = await start();
  await first.client.admin().createTopics([{ name: 'orders', partitions: 1 }]);
  await register(first, 'orders-key', 'string');
  await register(first, 'orders-value', FIRST);
  await post(`${first.url('sql')}/ksql`, {
    ksql: `CREATE STREAM orders WITH (kafka_topic='orders', format='AVRO');
           CREATE STREAM notes AS SELECT rowkey, id, note, \`TO\`->zip AS zip FROM orders;`,
  });
  const before = await described(first);
  expect(before.fields).toHaveLength(6);
  expect(before.readQueries).toHaveLength(1);
  await register(first, 'orders-value', LATER);
  await first.stop();

  const second = await start();
  const after = await described(second);
  expect(after.fields).toEqual(before.fields);
  expect(after.readQueries).toHaveLength(1);
  await second.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
