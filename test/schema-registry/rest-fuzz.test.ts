// Any request at all is answered, and what is refused has the error body that clients read.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { openEmbedded } from '../suites/embedded.ts';

const ROUTES = `
  GET /schemas, GET /schemas/ids/*, GET /schemas/ids/*/schema, GET /schemas/ids/*/subjects, GET /schemas/ids/*/versions,
  GET /schemas/guids/*, GET /schemas/guids/*/ids, GET /subjects, POST /subjects/*, DELETE /subjects/*,
  GET /subjects/*/versions, POST /subjects/*/versions, GET /subjects/*/versions/*, DELETE /subjects/*/versions/*,
  GET /subjects/*/versions/*/schema, POST /subjects/*/versions/*/tags, GET /subjects/*/versions/*/referencedby,
  GET /subjects/*/metadata, POST /compatibility/subjects/*/versions, POST /compatibility/subjects/*/versions/*,
  GET /config, PUT /config, DELETE /config, GET /config/*, PUT /config/*, DELETE /config/*,
  GET /mode, PUT /mode, DELETE /mode, GET /mode/*, PUT /mode/*, DELETE /mode/*,
  GET /contexts, DELETE /contexts/*, POST /contexts/*/subjects/*/versions, PUT /contexts/*/config, GET /nowhere/*`
  .split(',')
  .map((route) => route.trim().split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string]);

const PARAMETERS =
  'subject subjectPrefix deleted deletedOnly deletedAsNegative offset limit format normalize verbose key value findTags aliases latestOnly permanent force recursive defaultToGlobal ruleType fetchMaxId'.split(
    ' ',
  );

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'p',
    'j',
    ':.c:',
    ':.c:a',
    ':*:',
    '1',
    'latest',
    '-1',
    '0',
    '99999999999',
    '__GLOBAL',
    '%2F',
    '%',
    '%zz',
  ),
  fc.string({ maxLength: 8 }).map(encodeURIComponent),
);
const query = fc.dictionary(
  fc.constantFrom(...PARAMETERS),
  fc.oneof(
    fc.constantFrom('true', 'false', '', '-1', '5', 'serialized', 'resolved', ':.c:', 'a'),
    fc.string({ maxLength: 5 }),
  ),
  { maxKeys: 4 },
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '"int"',
    'AVRO',
    'PROTOBUF',
    'JSON',
    '{"type":"object"}',
    'syntax="proto3"; message M {}',
    'NONE',
    'IMPORT',
    -1,
    1,
    2 ** 31,
    { toString: 1, valueOf: 1 },
  ),
);
const optional = { requiredKeys: [] };
const rule = fc.record({ name: value, kind: value, mode: value, type: value, tags: value, params: value }, optional);
const ruleSet = fc.record(
  { domainRules: fc.oneof(value, fc.array(rule)), migrationRules: value, enableAt: value },
  optional,
);
const metadata = fc.record({ tags: value, properties: value, sensitive: value }, optional);
const body = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.record(
    {
      schema: value,
      schemaType: value,
      references: fc.oneof(value, fc.array(fc.record({ name: value, subject: value, version: value }))),
      metadata: fc.oneof(value, metadata),
      ruleSet: fc.oneof(value, ruleSet),
      version: value,
      id: value,
      schemaTagsToAdd: value,
      tagsToAdd: value,
      mode: value,
      compatibility: value,
      normalize: value,
      alias: value,
      compatibilityGroup: value,
      defaultMetadata: value,
    },
    optional,
  ),
);

test('requests at random', async () => {
  const embedded = await openEmbedded();
  const client = embedded.connect();
  const registry = await SchemaRegistry.open(client);
  const server = registryServer(registry, { clusterId: 'c', version: '0' });
  const headers = { 'content-type': 'application/json' };
  await registry.register('a', { schema: '"int"' });
  await registry.register('p', { schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; message M { int32 a = 1; }' });
  await registry.register('j', { schemaType: 'JSON', schema: '{"type":"object"}' });
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  const statuses = new Set<number>();

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ROUTES),
      fc.array(segment, { minLength: 2, maxLength: 2 }),
      query,
      body,
      async (route, segments, asked, sent) => {
        const [method, pattern] = route;
        let used = 0;
        const url = `${pattern.replaceAll('*', () => segments[used++]!)}?${new URLSearchParams(asked)}`;
        const answer = await fetch(`${origin}${url}`, {
          method,
          ...(method === 'GET' ? {} : { headers, body: JSON.stringify(sent) }),
        });
        statuses.add(answer.status);
        expect(answer.status).toBeLessThan(500);
        const text = await answer.text();
        if (answer.status >= 400) {
          expect(JSON.parse(text)).toEqual({ error_code: expect.any(Number), message: expect.any(String) });
        }
      },
    ),
    { numRuns: 1500 },
  );
  expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 404, 422]));
  await server.close();
  await registry.close();
  await client.close();
  await embedded.close();
});
