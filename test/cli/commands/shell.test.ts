// `millrace shell`: lines are commands and Kafka's tools, on one cluster and another; what Tab offers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addCommands } from '../../../src/cli/commands/index.ts';
import { completionsOf } from '../../../src/cli/commands/shell.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { Millrace } from '../support.ts';

const brokers: Embedded[] = [];
const servers: string[] = [];

beforeAll(async () => {
  for (const name of ['here', 'there']) {
    const embedded = await openEmbedded();
    const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
    brokers.push(embedded);
    servers.push(`${host}:${port}`);
    const client = embedded.connect();
    await client.admin().createTopics([{ name: `topic-${name}` }]);
    await client.close();
  }
  process.env['MILLRACE_BOOTSTRAP_SERVER'] = servers[0]!;
});
afterAll(async () => {
  delete process.env['MILLRACE_BOOTSTRAP_SERVER'];
  for (const broker of brokers) await broker.close();
});

test('runs lines, on the cluster that is in use', async () => {
  const lines = [
    'topics list -o csv',
    `use ${servers[1]}`,
    '',
    'topics list -o csv',
    'kafka-topics --list',
    'exit',
    'never',
  ];
  const said = await new Millrace(['shell', '-b', servers[0]!], { input: lines.join('\n') }).ended;
  expect(said).toEqual({
    code: 0,
    stdout: 'topic,partitions,replicas\ntopic-here,1,1\ntopic,partitions,replicas\ntopic-there,1,1\ntopic-there\n',
    stderr: '',
  });
});

test('goes on behind lines that fail, and says so at the end', async () => {
  const lines = ['topics describe none', 'topics lst', 'nonsense', 'use', 'help', "consume topic-here -e -f 'a b'"];
  const said = await new Millrace(['shell', '-b', servers[0]!], { input: lines.join('\n') }).ended;
  expect(said.code).toBe(1);
  expect(said.stderr).toBe(
    "there is no topic none.\nunknown command 'lst'\n(Did you mean list?)\nunknown command 'nonsense'\nuse takes one host:port.\nmillrace: 4 lines failed.\n",
  );
  expect(said.stdout).toMatch(
    /^topics +list, describe[^]*^use +go to another cluster[^]*^Kafka’s tools: kafka-topics, /m,
  );
});

test('Tab offers what there is, with what it does', async () => {
  const offered = (line: string) => completionsOf(addCommands, line);
  expect(await offered('top')).toEqual([
    [
      'topics  list, describe, create, delete, alter and trim topics',
      'top     rates of topics and lag of groups, live',
    ],
    'top',
  ]);
  expect(await offered('topics desc')).toEqual([['describe '], 'desc']);
  expect(await offered('topics describe top')).toEqual([['topic-here '], 'top']);
  expect(await offered('kafka-to')).toEqual([['kafka-topics '], 'kafka-to']);
  expect(await offered('kafka-topics --part')).toEqual([['--partitions '], '--part']);
  expect(await offered('kafka-topics --describe --topic ')).toEqual([['topic-here '], '']);
  expect((await offered('us'))[0]).toEqual(['use ']);
});
