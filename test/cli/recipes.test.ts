// What people who learn Kafka type, row by row of the recipes that they learn from. (11, a directory for kafka-server-start,
// is in stock-files.test.ts; the verbs of `confluent` are in confluent.test.ts.)
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consoleProducer } from '../../src/cli/kafka/console-producer.ts';
import { runTool } from '../../src/cli/kafka/tool.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { toolRunner } from './kafka-tool-runner.ts';
import { Millrace } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
let embedded: Embedded;
let client: Client;
let server: string;

beforeAll(async () => {
  embedded = await openEmbedded();
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  server = `${host}:${port}`;
  client = createClient({ bootstrapServers: server });
});
afterAll(async () => {
  await client.close();
  await embedded.close();
});

const run = toolRunner(() => server);

test('1: a topic, by the words of ZooKeeper', async () => {
  const made = await run(
    'kafka-topics $B --create --topic mytopic-test-2020 --partitions 1 --replication-factor 1 --if-not-exists --zookeeper zookeeper:2181',
  );
  expect(made).toMatchObject({ code: 0, out: 'Created topic mytopic-test-2020.\n' });
  expect(made.err).toMatch(/^--zookeeper is passed over: there is no ZooKeeper/);
});

test('2: a topic with three partitions', async () => {
  const made = await run(`kafka-topics --create --topic=test --bootstrap-server=${server} --partitions=3`);
  expect(made).toEqual({ code: 0, out: 'Created topic test.\n', err: '' });
});

test('3: the names of topics', async () => {
  expect((await run(`kafka-topics --list --bootstrap-server=${server}`)).out).toBe('mytopic-test-2020\ntest\n');
  expect((await run('kafka-topics $B --list --zookeeper zookeeper:2181')).out).toBe('mytopic-test-2020\ntest\n');
});

test('4: what a topic is made of, also by its name alone', async () => {
  const described = await run(`kafka-topics --bootstrap-server=${server} --topic=test --describe`);
  expect(described.out).toMatch(
    /^Topic: test\tTopicId: \S+\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: .*\n(\tTopic: test\tPartition: \d\tLeader: 1\tReplicas: 1\tIsr: 1\t.*\n){3}$/,
  );
  expect((await run('kafka-topics $B --describe test --zookeeper zookeeper:2181')).out).toBe(described.out);
});

test('5 and 6: a hundred lines in, a hundred lines out', async () => {
  const lines = Array.from({ length: 100 }, (_, i) => `${i + 1}\n`).join('');
  const sent = await run(
    `kafka-console-producer --request-required-acks 1 --broker-list ${server} --topic mytopic-test-2020`,
    lines,
  );
  expect(sent).toEqual({ code: 0, out: '', err: '' });
  const read = await run(
    'kafka-console-consumer $B --topic mytopic-test-2020 --from-beginning --max-messages 100 --timeout-ms 20000',
  );
  expect(read).toEqual({ code: 0, out: lines, err: 'Processed a total of 100 messages\n' });
});

test('7: a consumer follows', async () => {
  const following = new Millrace([`--bootstrap-server=${server}`, '--topic=test', '--group=x'], {
    bin: join(root, 'bin', 'kafka-console-consumer'),
  });
  await expect.poll(async () => (await client.admin().describeGroups(['x']))[0]!.state).toBe('Stable');
  await run('kafka-console-producer $B --topic test', 'later\n');
  await following.says(/^later\n/);
  expect((await following.kill('SIGINT')).code).toBe(0);
});

test('7: of three members that share two partitions one idles', async () => {
  await run('kafka-topics $B --create --topic two --partitions 2');
  const members = [1, 2, 3].map(() => client.consumer({ groupId: 'shared' }));
  for (const member of members) member.subscribe(['two']);
  let isOver = false;
  const polling = members.map(async (member) => {
    while (!isOver) await member.poll(50);
  });
  await expect
    .poll(async () => {
      const { out } = await run('kafka-consumer-groups $B --describe --group shared --members');
      return out
        .match(/(?<= )\d+ *$/gm)
        ?.map(Number)
        .toSorted();
    })
    .toEqual([0, 1, 1]);
  isOver = true;
  await Promise.all(polling);
  await Promise.all(members.map((member) => member.close()));
});

test('8: a prompt, a record per line', async () => {
  let out = '';
  const code = await runTool(consoleProducer, [`--bootstrap-server=${server}`, '--topic=test'], {
    input: Object.assign(Readable.from(['typed\n']), { isTTY: true }),
    out: (text) => (out += text),
    err: (text) => (out += text),
    drained: () => Promise.resolve(),
    interrupted: new Promise(() => {}),
  });
  expect({ code, out }).toEqual({ code: 0, out: '>>' });
});

test('9: a flag that is misspelt in notes', async () => {
  const consumer = await run('kafka-console-consumer $B --topic test --from-begining');
  expect(consumer.err).toContain('did you mean --from-beginning?');
  const producer = await run('kafka-console-producer $B --topic test --from-begining', '');
  expect(producer.err).toContain('a producer reads nothing; kafka-console-consumer knows --from-beginning.');
});

test('10: a group, with one or two signs of equality', async () => {
  for (const equals of ['=', '==']) {
    const { out } = await run(`kafka-consumer-groups --bootstrap-server${equals}${server} --group=x --describe`);
    expect(out).toMatch(
      /\nGROUP +TOPIC +PARTITION +CURRENT-OFFSET +LOG-END-OFFSET +LAG +CONSUMER-ID +HOST +CLIENT-ID\nx +test +0 /,
    );
  }
});
