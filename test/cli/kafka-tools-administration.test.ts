// Kafka's tools for access rules, elections and transactions: what the originals of Kafka 4.1 print. What an authorizer is needed
// for is tested on a broker of ours that has one, and on an Apache Kafka with one, where it is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { toolRunner } from './kafka-tool-runner.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-tools-'));
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
  rmSync(directory, { recursive: true, force: true });
});

const run = toolRunner(() => server);

describe('kafka-acls', () => {
  test.each([
    ['', 'Command must include exactly one action: --list, --add, --remove. \n'],
    ['--add --list --topic x', 'Command must include exactly one action: --list, --add, --remove. \n'],
    ['--add --topic x', 'You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.\n'],
    ['--add --allow-principal User:x', 'You must provide at least one resource: --topic <topic> or --cluster or'],
    [
      '--add --allow-principal User:x --topic x --operation IdempotentWrite',
      'ResourceType TOPIC only supports operations [',
    ],
    ['--add --allow-principal User:x --producer --group x', 'With --producer you must specify a --topic\n'],
    ['--add --allow-principal User:x --consumer --topic x', 'With --consumer you must specify a --topic and a --group'],
    [
      '--add --allow-principal User:x --producer --topic x --operation Read',
      `Option "[producer]" can't be used with option "[operation]"\n`,
    ],
    [
      '--add --allow-principal User:x --topic x --resource-pattern-type match',
      "A '--resource-pattern-type' value of 'MATCH' is not valid when adding acls.\n",
    ],
    ['--add --topic x --principal User:x', 'The --principal option is only available if --list is set\n'],
    ['--list --idempotent', 'The --idempotent option is only available if --producer is set\n'],
  ])('%s is told how it is meant', async (words, err) => {
    const said = await run(`kafka-acls $B ${words}`);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err.slice(0, err.length)).toBe(err);
  });

  test('says what the broker says that has no rules, and who is no principal', async () => {
    expect(await run('kafka-acls $B --list')).toEqual({
      code: 1,
      out: 'Error while executing ACL command: No Authorizer is configured.\n',
      err: '',
    });
    expect(await run('kafka-acls $B --add --allow-principal jane --topic x')).toMatchObject({
      code: 1,
      out: 'Error while executing ACL command: expected a string in format principalType:principalName but got jane\n',
    });
  });

  test('removes nothing that nobody has agreed to', async () => {
    const asked =
      'Are you sure you want to delete all ACLs for resource filter `ResourcePattern(resourceType=TOPIC, name=x, patternType=LITERAL)`? (y/n)\n';
    expect(await run('kafka-acls $B --remove --topic x', 'n\n')).toEqual({ code: 0, out: asked, err: '' });
    expect(await run('kafka-acls $B --remove --topic x')).toEqual({
      code: 1,
      out: asked,
      err: 'Nobody answers: use --force where there is nobody to ask.\n',
    });
    const agreed = await run('kafka-acls $B --remove --topic x', 'Y\n');
    expect(agreed.out).toMatch(/\(y\/n\)\nError while executing ACL command: No Authorizer is configured/);
  });
});

describe('kafka-leader-election', () => {
  const file = join(directory, 'partitions.json');

  test.each([
    ['--topic x --partition 0', 'Missing required option(s): election-type\n'],
    ['--election-type other --topic x --partition 0', "Cannot parse argument 'other' of option election-type\n"],
    ['--election-type preferred --topic x', 'Missing required option(s): partition\n'],
    [
      '--election-type preferred',
      'One and only one of the following options is required: topic, all-topic-partitions,',
    ],
    [
      '--election-type preferred --all-topic-partitions --topic x --partition 0',
      'One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file\n',
    ],
  ])('%s is told why not', async (words, err) => {
    const said = await run(`kafka-leader-election $B ${words}`);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err.slice(0, err.length)).toBe(err);
  });

  test.each([
    ['{"partions": []}', 'Replica election data is missing "partitions" field\n'],
    [
      '{"partitions": [{"topic":"a","partition":0},{"topic":"a","partition":0}]}',
      'Replica election data contains duplicate partitions: [a-0]\n',
    ],
    ['{"partitions": [{"topic":"a"}]}', 'Replica election data: {"topic":"a"} is not {"topic", "partition"}\n'],
    ['{', `Replica election data in ${file} can't be read: `],
    ['null', 'Replica election data is missing "partitions" field\n'],
  ])('the file %s is refused', async (text, err) => {
    writeFileSync(file, text);
    const said = await run(`kafka-leader-election $B --election-type preferred --path-to-json-file ${file}`);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err.slice(0, err.length)).toBe(err);
  });

  test('a file with no partitions is no work', async () => {
    writeFileSync(file, '{"partitions": []}');
    expect(await run(`kafka-leader-election $B --election-type preferred --path-to-json-file ${file}`)).toEqual({
      code: 0,
      out: '',
      err: '',
    });
  });
});

describe('kafka-transactions', () => {
  test('tells of transactions and producers, in tables with a tab behind each cell', async () => {
    await run('kafka-topics $B --create --topic tx --partitions 2');
    const producer = client.producer({ transactionalId: 'tx-one', transactionTimeoutMs: 600_000 });
    await producer.initTransactions();
    producer.beginTransaction();
    await producer.send({ topic: 'tx', partition: 0, value: 'a' });
    const listed = await run("kafka-transactions $B list --transactional-id-pattern 'tx-.*'");
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(
      /^TransactionalId\tCoordinator\tProducerId\tTransactionState\t\ntx-one {9}\t1 {10}\t\d+ +\tOngoing {9}\t\n$/,
    );
    const described = await run('kafka-transactions $B describe --transactional-id tx-one');
    expect(described.out).toMatch(
      /^CoordinatorId\tTransactionalId\tProducerId\tProducerEpoch\tTransactionState\tTransactionTimeoutMs\tCurrentTransactionStartTimeMs\tTransactionDurationMs\tTopicPartitions\t\n1 {12}\ttx-one {9}\t\d+ +\t0 {12}\tOngoing {9}\t600000 {14}\t\d{13} {16}\t\d+ +\ttx-0 {11}\t\n$/,
    );
    const producers = await run('kafka-transactions $B describe-producers --topic tx --partition 0');
    expect(producers.out).toMatch(
      /^ProducerId\tProducerEpoch\tLatestCoordinatorEpoch\tLastSequence\tLastTimestamp\tCurrentTransactionStartOffset\t\n\d+ +\t0 {12}\t-1 {20}\t0 {11}\t\d{13}\t0 {28}\t\n$/,
    );
    // It is open, but not for long, and its coordinator knows of it.
    const head =
      'Topic\tPartition\tProducerId\tProducerEpoch\tCoordinatorEpoch\tStartOffset\tLastTimestamp\tDuration(min)\t\n';
    expect(await run('kafka-transactions $B find-hanging --topic tx')).toEqual({ code: 0, out: head, err: '' });
    expect((await run('kafka-transactions $B find-hanging --broker-id 1 --max-transaction-timeout 0')).out).toBe(head);
    expect(await run('kafka-transactions $B forceTerminateTransaction --transactionalId tx-one')).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    await expect.poll(() => client.admin().describeTransaction('tx-one')).toMatchObject({ state: 'Empty' });
    const ended = await run('kafka-transactions $B describe-producers --topic tx --partition 0 --broker-id 1');
    expect(ended.out).toMatch(/\tNone {25}\t\n$/);
  });

  test.each([
    ['nonsense', "invalid choice: 'nonsense' (choose from 'list', 'describe', "],
    ['describe', 'argument --transactional-id is required\n'],
    [
      'describe --transactional-id no',
      'Failed to describe transaction state of transactional-id `no`: DescribeTransactions request for transactionalId `no` failed because the ID could not be found.\n',
    ],
    ['describe-producers --topic tx', 'argument --partition is required\n'],
    [
      'describe-producers --topic tx --partition 0 --broker-id 9',
      'Failed to describe producers for partition tx-0 on broker 9: ',
    ],
    ['find-hanging --partition 0', 'The `find-hanging` command requires either --topic or --broker-id to limit'],
    ['find-hanging --topic nope', 'Failed to describe topic nope: it does not exist.\n'],
    ['abort --topic tx --partition 0', 'The transaction to abort must be identified either with --start-offset'],
    [
      'abort --topic tx --partition 0 --start-offset 99',
      'Could not find any open transactions starting at offset 99 on partition tx-0\n',
    ],
    [
      'abort --topic tx --partition 0 --producer-id 1 --producer-epoch 0',
      'Missing required argument --coordinator-epoch',
    ],
  ])('%s is told why not', async (words, err) => {
    const said = await run(`kafka-transactions $B ${words}`);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err.slice(0, err.length)).toBe(err);
  });

  test('abort writes the marker that an operator asks for', async () => {
    const marker = '--producer-id 1 --producer-epoch 0 --coordinator-epoch 0';
    expect(await run(`kafka-transactions $B abort --topic tx --partition 0 ${marker}`)).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    const known = await run('kafka-transactions $B describe-producers --topic tx --partition 0 --broker-id 1');
    expect(known.out).toMatch(/\n1 +\t0 +\t/);
  });
});

describe('kafka-broker-api-versions', () => {
  test('tells of every API that clients have, and which versions they use', async () => {
    const { code, out } = await run('kafka-broker-api-versions $B');
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^\S+:\d+ \(id: 1 rack: null isFenced: false\) -> \($/);
    expect(lines[1]).toMatch(/^\tProduce\(0\): \d+ to 13 \[usable: 13\],$/);
    expect(out).toContain('\n\tOffsetDelete(47): 0 [usable: 0],\n');
    expect(out).toContain('\n\tReadShareGroupState(84): UNSUPPORTED,\n');
    expect(lines.at(-2)).toBe(')');
    expect(lines.at(-3)).toBe('\tDeleteShareGroupOffsets(92): 0 [usable: 0]');
  });
});

const cluster = process.env['KAFKA_BOOTSTRAP_SERVERS'];
if (cluster === undefined) console.log('skipped: KAFKA_BOOTSTRAP_SERVERS names no Apache Kafka with an authorizer');

describe.for([
  { name: 'on a broker with an authorizer', servers: undefined, isAbsent: false },
  { name: 'on Apache Kafka', servers: cluster, isAbsent: cluster === undefined },
])('$name', ({ servers, isAbsent }) => {
  let ruled: Embedded | undefined;
  let address = servers ?? '';
  beforeAll(async () => {
    if (servers !== undefined || isAbsent) return;
    ruled = await openEmbedded({
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    });
    const { host, port } = await ruled.broker.listen({ host: '127.0.0.1', port: 0 });
    address = `${host}:${port}`;
  });
  afterAll(async () => ruled?.close());

  const onCluster = toolRunner(() => address);
  const topic = `ruled-${process.pid}`;
  const pattern = (type: string, name: string, kind = 'LITERAL'): string =>
    `\`ResourcePattern(resourceType=${type}, name=${name}, patternType=${kind})\``;
  const rule = (principal: string, operation: string, permission = 'ALLOW'): string =>
    `\t(principal=${principal}, host=*, operation=${operation}, permissionType=${permission})\n`;

  test.skipIf(isAbsent)('rules are added, listed and removed', async () => {
    const added = await onCluster(
      `kafka-acls $B --add --allow-principal User:Jane --producer --topic ${topic} --transactional-id ${topic} --idempotent`,
    );
    expect(added).toEqual({
      code: 0,
      out:
        `Adding ACLs for resource ${pattern('TOPIC', topic)}: \n ${['WRITE', 'DESCRIBE', 'CREATE'].map((each) => rule('User:Jane', each)).join('')}\n` +
        `Adding ACLs for resource ${pattern('TRANSACTIONAL_ID', topic)}: \n ${['WRITE', 'DESCRIBE'].map((each) => rule('User:Jane', each)).join('')}\n` +
        `Adding ACLs for resource ${pattern('CLUSTER', 'kafka-cluster')}: \n ${rule('User:Jane', 'IDEMPOTENT_WRITE')}\n`,
      err: '',
    });
    await onCluster(
      `kafka-acls $B --add --deny-principal User:Eve --operation read --topic ${topic} --resource-pattern-type prefixed`,
    );
    const eve =
      `ACLs for principal \`User:Eve\`\nCurrent ACLs for resource ${pattern('TOPIC', topic, 'PREFIXED')}:\n` +
      `${rule('User:Eve', 'READ', 'DENY')}\n`;
    const listed = await onCluster(
      `kafka-acls $B --list --topic ${topic}-more --resource-pattern-type match --principal User:Eve`,
    );
    expect(listed).toEqual({ code: 0, out: eve, err: '' });
    const all = await onCluster(`kafka-acls $B --list --topic ${topic}`);
    expect(all.out.split('\n').sort().join('\n').trim()).toBe(
      [
        `Current ACLs for resource ${pattern('TOPIC', topic)}:`,
        ...['CREATE', 'DESCRIBE', 'WRITE'].map((each) => rule('User:Jane', each).trimEnd()),
      ]
        .sort()
        .join('\n')
        .trim(),
    );
    for (const words of [
      `--producer --topic ${topic} --transactional-id ${topic} --idempotent --allow-principal User:Jane`,
      `--topic ${topic} --resource-pattern-type any`,
    ]) {
      expect(await onCluster(`kafka-acls $B --remove --force ${words}`)).toEqual({ code: 0, out: '', err: '' });
    }
    const left = await onCluster('kafka-acls $B --list --principal User:Jane --principal User:Eve');
    expect(left.out).not.toContain(topic);
  });

  test.skipIf(isAbsent)('elections tell of what needs none, and what can have none', async () => {
    await onCluster(`kafka-topics $B --create --topic ${topic} --partitions 1`);
    const elect = (words: string) => onCluster(`kafka-leader-election $B --election-type PREFERRED ${words}`);
    expect(await elect(`--topic ${topic} --partition 0`)).toEqual({
      code: 0,
      out: `Valid replica already elected for partitions ${topic}-0\n`,
      err: '',
    });
    expect(await elect('--all-topic-partitions')).toEqual({ code: 0, out: '', err: '' });
    expect(await elect(`--topic ${topic} --partition 9`)).toEqual({
      code: 1,
      out: `Error completing leader election (PREFERRED) for partition: ${topic}-9: No such partition as ${topic}-9\n`,
      err: '1 replica(s) could not be elected\n',
    });
  });

  test.skipIf(isAbsent)('a transaction that hangs is aborted by where it begins', async () => {
    const producing = createClient({ bootstrapServers: address });
    const producer = producing.producer({ transactionalId: topic });
    await producer.initTransactions();
    producer.beginTransaction();
    await producer.send({ topic, partition: 0, value: 'open' });
    const abort = `kafka-transactions $B abort --topic ${topic} --partition 0 --start-offset 0`;
    expect(await onCluster(abort)).toEqual({ code: 0, out: '', err: '' });
    expect(await onCluster(abort)).toMatchObject({ code: 1, err: expect.stringMatching(/^Could not find any open/) });
    // What the coordinator takes to be open is in no partition, so nothing hangs.
    const found = await onCluster(`kafka-transactions $B find-hanging --topic ${topic} --max-transaction-timeout 0`);
    expect(found.out.split('\n')).toHaveLength(2);
    await producing.close();
  });
});
