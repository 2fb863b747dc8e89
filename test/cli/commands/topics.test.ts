// `millrace topics`, `groups`, `configs` and `cluster`: what they print in each form, and what they change.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { Millrace } from '../support.ts';
import { commandsOn } from './support.ts';

let embedded: Embedded;
let client: Client;
let server: string;
const run = commandsOn(() => server);

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

// oxlint-disable-next-line typescript/no-explicit-any -- what is expected stands in the tests
async function json(line: string): Promise<any> {
  const { out, error } = await run(`${line} $B -o json`);
  expect(error).toBeUndefined();
  return JSON.parse(out);
}

async function fill(topic: string, partition: number, count: number): Promise<void> {
  const producer = client.producer();
  for (let i = 0; i < count; i++) await producer.send({ topic, partition, value: `${i}`, timestamp: 1000 + i });
  await producer.close();
}

describe('topics', () => {
  test('are created with what is said, once', async () => {
    expect(await run('topics create $B one two -p 2 -c retention.ms=1000')).toEqual({
      out: 'TOPIC  RESULT \n─────  ───────\none    created\ntwo    created\n'.replace(/ +\n/g, '\n'),
      err: '',
    });
    expect(await run('topics create $B one -o csv')).toMatchObject({
      out: "topic,result\none,Topic 'one' already exists.\n",
      code: 'TOPIC_ALREADY_EXISTS',
    });
    expect((await run('topics create $B one --if-not-exists -o csv')).out).toBe('topic,result\none,exists already\n');
    expect(await json('topics list')).toEqual([
      { topic: 'one', partitions: 2, replicas: 1 },
      { topic: 'two', partitions: 2, replicas: 1 },
    ]);
    expect((await run("topics list $B -r 'o.*' -o jsonl")).out).toBe('{"topic":"one","partitions":2,"replicas":1}\n');
  });

  test('have a heading in bold where there are colours, and cells that fit the terminal', async () => {
    const name = 'a-topic-with-quite-a-long-name';
    await run(`topics create $B ${name}`);
    const { out } = await run(`topics list $B ${name}`, { io: { colours: true, width: 40 } });
    const [heading, , row] = out.split('\n');
    expect(heading).toMatch(/TOPIC +PARTITIONS +REPLICAS/);
    expect(heading!.startsWith('\u001b[1m')).toBe(true);
    expect(row!.length).toBeLessThanOrEqual(40);
    await run(`topics delete $B ${name}`);
  });

  test('a dry run is checked by the broker, and makes nothing', async () => {
    expect((await run('topics create $B dry --dry-run -o csv')).out).toBe('topic,result\ndry,would be created\n');
    expect((await run('topics create $B dry --dry-run -c retention=1')).code).toBe('INVALID_CONFIG');
    expect((await json('topics list')).map(({ topic }: { topic: string }) => topic)).not.toContain('dry');
    expect((await run('topics delete $B one --dry-run -o csv')).out).toBe('topic,result\none,would be deleted\n');
    expect(await json('topics alter one -c retention.ms=5 --dry-run')).toEqual([
      { name: 'retention.ms', before: '1000', after: '5' },
    ]);
    expect((await run('topics alter $B one -c retention.ms=no --dry-run')).code).toBe('INVALID_CONFIG');
    expect(await json('topics add-partitions one -n 3 --dry-run')).toEqual([{ topic: 'one', before: 2, after: 5 }]);
    expect((await json('topics describe one'))[0].partitions).toHaveLength(2);
  });

  test('are described with offsets, sizes and configs of their own', async () => {
    await fill('one', 1, 3);
    const [one] = await json('topics describe one');
    expect(one).toMatchObject({
      topic: 'one',
      internal: false,
      messages: 3,
      configs: [{ name: 'retention.ms', value: '1000', source: 'DYNAMIC_TOPIC_CONFIG' }],
      partitions: [
        { partition: 0, leader: 1, replicas: [1], inSync: [1], start: 0, end: 0, messages: 0 },
        { partition: 1, start: 0, end: 3, messages: 3 },
      ],
    });
    expect(one.partitions[1].bytes).toBeGreaterThan(0);
    const { out } = await run('topics describe $B one two');
    expect(out).toMatch(/^one: 2 partitions, 3 records, id /);
    expect(out).toMatch(/^one: configs\nNAME +VALUE +SOURCE\n/m);
    const csv = (await run('topics describe $B one two -o csv')).out.split('\n');
    expect(csv[0]).toBe('topic,partition,leader,replicas,inSync,start,end,messages,bytes');
    expect(csv.map((line) => line.split(',').slice(0, 2).join(' '))).toEqual([
      'topic partition',
      'one 0',
      'one 1',
      'two 0',
      'two 1',
      '',
    ]);
    expect((await json('topics describe one -a'))[0].configs.length).toBeGreaterThan(10);
    expect(await run('topics describe $B none')).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      error: 'there is no topic none.',
    });
  });

  test('are altered, enlarged, trimmed and deleted', async () => {
    expect(await json('topics alter one -c retention.ms=2000 --delete-config cleanup.policy')).toEqual([
      { name: 'retention.ms', before: '1000', after: '2000' },
      { name: 'cleanup.policy', before: 'delete', after: 'delete' },
    ]);
    expect(await json('topics add-partitions one --total 3')).toEqual([{ topic: 'one', before: 2, after: 3 }]);
    expect(await json('topics trim one --offset -1 --dry-run -p 1')).toEqual([
      { topic: 'one', partition: 1, start: 0, newStart: 2, deleted: 2 },
    ]);
    expect(await json('topics trim one --offset 2')).toEqual([
      { topic: 'one', partition: 0, start: 0, newStart: 0, deleted: 0 },
      { topic: 'one', partition: 1, start: 0, newStart: 2, deleted: 2 },
      { topic: 'one', partition: 2, start: 0, newStart: 0, deleted: 0 },
    ]);
    expect(await json('topics offsets one --at end')).toEqual([
      { topic: 'one', partition: 0, start: 0, end: 0, messages: 0, at: 0 },
      { topic: 'one', partition: 1, start: 2, end: 3, messages: 1, at: 3 },
      { topic: 'one', partition: 2, start: 0, end: 0, messages: 0, at: 0 },
    ]);
    expect((await run('topics trim $B one --offset 1 -p 7')).error).toBe('the topic one has no partition 7.');
    expect((await run("topics delete $B -r 'two|one' -o csv")).out).toBe('topic,result\none,deleted\ntwo,deleted\n');
    expect((await run('topics delete $B one --if-exists -o jsonl')).out).toBe('');
    expect((await run('topics delete $B one')).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('what is typed wrong is told, exit code 2; what goes wrong has 1', async () => {
    const outcome = async (...words: string[]) => {
      const { code, stdout, stderr } = await new Millrace([...words, '-b', server]).ended;
      expect(stdout).toBe('');
      return [code, stderr];
    };
    expect(await outcome('topics', 'list', '--no-such')).toEqual([
      2,
      expect.stringContaining("unknown option '--no-such'"),
    ]);
    expect(await outcome('topics', 'list', '-o', 'xml')).toEqual([
      2,
      expect.stringContaining('table, json, jsonl, csv'),
    ]);
    expect(await outcome('topics', 'alter', 'x')).toEqual([2, expect.stringContaining('say what changes')]);
    expect(await outcome('topics', 'describe', 'x')).toEqual([1, 'millrace: there is no topic x.\n']);
    const { code, stderr } = await new Millrace(['topics']).ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^Usage: millrace topics [^]*add-partitions/),
    });
    const fromEnvironment = await new Millrace(['topics', 'list', '-o', 'jsonl'], {
      env: { MILLRACE_BOOTSTRAP_SERVER: server },
    }).ended;
    expect(fromEnvironment).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('groups', () => {
  beforeAll(async () => {
    await run('topics create $B read -p 2');
    await fill('read', 0, 5);
    await fill('read', 1, 5);
    await client.admin().alterOffsets('readers', [
      { topic: 'read', partition: 0, offset: 2 },
      { topic: 'read', partition: 1, offset: 5 },
    ]);
  });

  test('are listed and described with their lag', async () => {
    expect(await json('groups list')).toEqual([{ group: 'readers', state: 'Empty', protocol: null, type: 'classic' }]);
    expect(await json('groups describe readers')).toEqual([
      {
        group: 'readers',
        state: 'Empty',
        coordinator: server,
        assignor: null,
        lag: 3,
        members: [],
        partitions: [
          { topic: 'read', partition: 0, offset: 2, end: 5, lag: 3, member: null },
          { topic: 'read', partition: 1, offset: 5, end: 5, lag: 0, member: null },
        ],
      },
    ]);
    const { out } = await run('groups describe $B readers');
    expect(out).toMatch(/^readers: Empty, 0 members, lag 3\nGROUP +TOPIC +PARTITION +OFFSET +END +LAG +MEMBER\n/);
    expect((await run('groups describe $B nobody')).code).toBe('GROUP_ID_NOT_FOUND');
  });

  test('are described with the members that read', async () => {
    const consumer = client.consumer({ groupId: 'live', autoOffsetReset: 'earliest' });
    consumer.subscribe(['read']);
    await consumer.poll(10_000);
    const [live] = await json('groups describe live');
    expect(live).toMatchObject({ state: 'Stable', members: [{ partitions: ['read-0', 'read-1'] }] });
    expect((await run('groups reset $B live -t read --to-earliest --execute')).code).toBe('NON_EMPTY_GROUP');
    await consumer.close();
  });

  test('are set elsewhere when that is said', async () => {
    const dry = await run('groups reset $B readers -t read:0 --to-earliest -o csv');
    expect(dry).toEqual({
      out: 'topic,partition,before,after\nread,0,2,0\n',
      err: 'Nothing is changed: --execute does it.\n',
    });
    expect(await json('groups reset readers --all-topics --shift-by -1 --execute')).toEqual([
      { topic: 'read', partition: 0, before: 2, after: 1 },
      { topic: 'read', partition: 1, before: 5, after: 4 },
    ]);
    const plan = join(embedded.dataDir, 'plan.csv');
    writeFileSync(plan, 'read,1,3\n');
    expect(await json(`groups reset readers --from-file ${plan} --execute`)).toEqual([
      { topic: 'read', partition: 1, before: 4, after: 3 },
    ]);
    expect((await run('groups reset $B readers -t read')).code).toBe('INVALID_OPTION');
    expect((await run('groups reset $B readers --to-latest')).code).toBe('INVALID_OPTION');
    expect((await run('groups delete-offsets $B readers read:1 -o csv')).out).toBe(
      'topic,partition,result\nread,1,deleted\n',
    );
    expect((await run('groups delete $B readers nobody -o csv')).out).toMatch(
      /^group,result\nreaders,deleted\nnobody,/,
    );
  });
});

describe('configs', () => {
  test('are set, read and given back', async () => {
    await run('topics create $B tuned');
    expect(await json('configs set topic tuned retention.ms=7 segment.bytes=1048576')).toEqual([
      { name: 'retention.ms', before: '604800000', after: '7' },
      { name: 'segment.bytes', before: '1073741824', after: '1048576' },
    ]);
    expect((await run('configs get $B topic tuned -o csv')).out).toBe(
      'name,value,source\nretention.ms,7,DYNAMIC_TOPIC_CONFIG\nsegment.bytes,1048576,DYNAMIC_TOPIC_CONFIG\n',
    );
    expect(await json('configs unset topic tuned segment.bytes')).toEqual([
      { name: 'segment.bytes', before: '1048576', after: '1073741824' },
    ]);
    expect((await json('configs get topic tuned retention.ms'))[0].value).toBe('7');
    expect((await json('configs get broker 1 --all')).length).toBeGreaterThan(10);
    expect((await run('configs set $B topic tuned retention=7')).code).toBe('INVALID_CONFIG');
    expect((await run('configs get $B table x')).code).toBe('commander.invalidArgument');
  });
});

describe('cluster', () => {
  test('tells of brokers, disks and APIs', async () => {
    expect(await json('cluster info')).toEqual([
      {
        cluster: expect.any(String) as string,
        brokers: 1,
        topics: expect.any(Number) as number,
        partitions: expect.any(Number) as number,
        groups: expect.any(Number) as number,
      },
    ]);
    const [host, port] = server.split(':');
    expect(await json('cluster brokers')).toEqual([{ id: 1, host, port: Number(port) }]);
    const dirs = await json('cluster log-dirs tuned');
    expect(dirs).toEqual([
      { broker: 1, directory: expect.any(String) as string, topic: 'tuned', partition: 0, bytes: 0, error: null },
    ]);
    const apis = await json('cluster api-versions');
    expect(apis).toContainEqual({ key: 0, name: 'Produce', min: 0, max: expect.any(Number) as number });
  });
});
