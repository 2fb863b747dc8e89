// Any request at all is answered, and what is refused has the error body that clients read; nothing is the proxy's own fault.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embedded, Proxy, V2 } from './support.ts';

const CONSUMER = '/consumers/*/instances/*';
const CLUSTER = '/v3/clusters/C';
const ROUTES = [
  ...['GET /topics', 'GET /topics/*', 'GET /topics/*/partitions', 'GET /topics/*/partitions/*'],
  ...['GET /topics/*/partitions/*/offsets', 'POST /topics/*', 'POST /topics/*/partitions/*', 'GET /brokers'],
  ...['POST /consumers/*', `DELETE ${CONSUMER}`, `POST ${CONSUMER}/subscription`, `GET ${CONSUMER}/subscription`],
  ...[`POST ${CONSUMER}/assignments`, `GET ${CONSUMER}/assignments`, `POST ${CONSUMER}/positions`],
  ...[`POST ${CONSUMER}/positions/beginning`, `GET ${CONSUMER}/records?timeout=1`, `POST ${CONSUMER}/offsets`],
  ...['GET /v3/clusters', 'GET /v3/clusters/*', `GET ${CLUSTER}/topics/*`, `PATCH ${CLUSTER}/topics/*`],
  ...[`POST ${CLUSTER}/topics`, `GET ${CLUSTER}/topics/*/configs/*`, `PUT ${CLUSTER}/topics/*/configs/*`],
  ...[`POST ${CLUSTER}/topics/*/configs:alter`, `POST ${CLUSTER}/topics/*/records`],
  ...[`POST ${CLUSTER}/topics/*/records:batch`, `GET ${CLUSTER}/consumer-groups/*`, `POST ${CLUSTER}/acls`],
  ...[`GET ${CLUSTER}/consumer-groups/*/lags/*/partitions/*`, `GET ${CLUSTER}/brokers/*`, 'GET /nowhere/*'],
];

const segment = fc.oneof(
  fc.constantFrom('t', 'g', 'i', '0', '-', '-1', '1', '99999999999', '%2F', '%', '%zz', '..', '%00', 'a b'),
  fc.string({ maxLength: 8 }).map(encodeURIComponent),
);
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    't',
    0,
    1,
    -1,
    1e300,
    true,
    null,
    'AAAA',
    '*',
    'json',
    'AVRO',
    '"int"',
    '2026-01-01T00:00:00Z',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const members = [
  ...['records', 'key', 'value', 'partition', 'value_schema', 'value_schema_id', 'name', 'format', 'topics'],
  ...['topic_pattern', 'partitions', 'topic', 'offsets', 'offset', 'timestamps', 'timestamp', 'entries', 'id'],
  ...['topic_name', 'partitions_count', 'configs', 'data', 'type', 'schema_id', 'headers', 'replicas_assignments'],
];
const { body } = fc.letrec((tie) => ({
  body: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.dictionary(fc.constantFrom(...members), tie('body'), { maxKeys: 4 }),
    fc.array(tie('body'), { maxLength: 3 }),
  ),
}));
const text = fc.oneof(
  { weight: 5, arbitrary: body.map((value) => JSON.stringify(value) ?? '') },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);
const type = fc.constantFrom(
  V2,
  'application/json',
  'text/plain',
  ...['json', 'binary', 'avro', 'protobuf'].map(embedded),
);

let proxy: Proxy;
beforeAll(async () => {
  proxy = await Proxy.start({ 'auto.create.topics.enable': 'false', 'consumer.request.timeout.ms': '1' });
  const admin = proxy.platform.client.admin();
  await admin.createTopics([{ name: 't', partitions: 1 }]);
  await proxy.ask('POST /consumers/g', { body: { name: 'i', format: 'json' } });
});
afterAll(() => proxy.stop());

test('any request is answered in the form that clients read', async () => {
  const cluster = await proxy.platform.client.admin().clusterId();
  const known = (part: string) => (['t', 'g', 'i', '0'].includes(part) ? 1 : 0);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ROUTES),
      fc.array(segment, { minLength: 3, maxLength: 3 }),
      fc.boolean(),
      text,
      type,
      async (route, parts, isKnown, sent, contentType) => {
        // A topic that is not there is waited for: mostly the one that is there is asked for.
        const names =
          isKnown || route.startsWith('POST /topics') || route.includes('/records') ? ['t', 'i', '0'] : parts;
        if (route.includes('/consumers/') && names.some(known)) names[0] = 'g';
        const path = [...route.split('*')].reduce((all, part, i) => `${all}${names[(i - 1) % 3]!}${part}`);
        const [method] = path.split(' ');
        const answer = await proxy.ask(path.replace('/C', `/${cluster}`).replaceAll('/../', '/'), {
          ...(method === 'GET' || method === 'DELETE' ? {} : { body: sent }),
          type: contentType,
        });
        expect({ status: answer.status, text: answer.text, path }).not.toMatchObject({ status: 500 });
        if (answer.status >= 400) {
          expect(Object.keys(answer.body)).toEqual(['error_code', 'message']);
          expect(String(answer.body.error_code).slice(0, 3)).toBe(String(answer.status));
        }
      },
    ),
    { numRuns: 600 },
  );
  expect(await proxy.ask('GET /topics')).toMatchObject({ status: 200 });
}, 120_000);
