// Kafka's tools under their own names: what people type, in the words of old notes too, and what the originals of Kafka 4.1
// print for it.
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KAFKA_TOOLS, SYNONYMS } from '../../src/cli/kafka/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { type Said, toolRunner } from './kafka-tool-runner.ts';
import { Millrace } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
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

describe('the names', () => {
  test('each has a file in bin, with .sh behind it for Kafka’s own, and is told to npm', () => {
    const names = [...Object.keys(KAFKA_TOOLS), ...Object.keys(SYNONYMS)];
    const scripts = names.filter((name) => /^(kafka|zookeeper|connect)-/.test(name));
    const expected = [...names, ...scripts.map((name) => `${name}.sh`), 'millrace'].sort();
    expect(readdirSync(join(root, 'bin')).sort()).toEqual(expected);
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    expect(bin).toEqual(Object.fromEntries(expected.map((name) => [name, `bin/${name}`])));
    for (const name of expected) {
      accessSync(join(root, 'bin', name), constants.X_OK);
      if (name === 'millrace') continue;
      expect(readFileSync(join(root, 'bin', name), 'utf8')).toBe(
        name.endsWith('.sh')
          ? `#!/bin/sh\nexec "$(dirname "$0")/${name.replace(/\.sh$/, '')}" "$@"\n`
          : `#!/usr/bin/env node\nprocess.argv.splice(2, 0, '${name}');\nawait import('./millrace');\n`,
      );
    }
  });

  test('start what they say, as processes of their own', async () => {
    const bin = join(root, 'bin', 'kafka-topics');
    const listed = await promisify(execFile)('kafka-topics.sh', ['--list', '--bootstrap-server', server], {
      env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` },
    });
    expect(listed).toMatchObject({ stderr: '' });
    const made = await new Millrace(['--create', `--bootstrap-server=${server}`, '--topic=by-process'], { bin }).ended;
    expect(made).toEqual({ code: 0, stdout: 'Created topic by-process.\n', stderr: '' });
    const twice = await new Millrace(['--create', `--bootstrap-server=${server}`, '--topic=by-process'], { bin }).ended;
    expect(twice).toMatchObject({
      code: 1,
      stdout: "Error while executing topic command : Topic 'by-process' already exists.\n",
    });
    const zoo = await new Millrace([], { bin: join(root, 'bin', 'zookeeper-server-start') }).ended;
    expect(zoo).toMatchObject({ code: 0, stdout: expect.stringContaining('There is no ZooKeeper here') as string });
    const reset = await new Millrace(
      ['--bootstrap-server', server, '--application-id', 'none', '--input-topics', 'by-process', '--dry-run'],
      { bin: join(root, 'bin', 'kafka-streams-application-reset') },
    ).ended;
    expect(reset).toMatchObject({ code: 0, stdout: expect.stringContaining('by-process partition 0: 0') as string });
  });

  test.each(Object.keys(KAFKA_TOOLS).filter((name) => !/-start$|^connect-|^confluent$/.test(name)))(
    '%s says what it can',
    async (name) => {
      const asked = await run(`${name} --help`);
      expect(asked.code).toBe(0);
      expect(asked.err).toMatch(/\nOption +Description\n/);
      expect((await run(`${name} --no-such-flag`)).err).toMatch(/^no-such-flag is not a recognized option/);
    },
  );
});

describe('kafka-topics', () => {
  test('creates, lists, describes, enlarges and deletes', async () => {
    expect(await run('kafka-topics $B --create --topic one --partitions 2 --config retention.ms=1000')).toEqual({
      code: 0,
      out: 'Created topic one.\n',
      err: '',
    });
    expect((await run('kafka-topics $B --list')).out.split('\n')).toContain('one');
    const described = await run('kafka-topics $B --describe --topic one');
    expect(described.out.replace(/TopicId: \S+/, 'TopicId: *')).toBe(
      'Topic: one\tTopicId: *\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: retention.ms=1000\n' +
        '\tTopic: one\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n' +
        '\tTopic: one\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n',
    );
    expect(await run('kafka-topics $B --alter --topic one --partitions 4')).toEqual({ code: 0, out: '', err: '' });
    expect((await run('kafka-topics $B --alter --topic one --partitions 3')).code).toBe(1);
    expect((await run('kafka-topics $B --describe --topic one')).out.split('\n')).toHaveLength(6);
    expect(await run('kafka-topics $B --delete --topic one')).toEqual({ code: 0, out: '', err: '' });
    expect((await run('kafka-topics $B --list')).out.split('\n')).not.toContain('one');
  });

  test('takes what old notes say', async () => {
    const made = await run(
      `kafka-topics --create --topic mytopic-test-2020 --partitions 1 --replication-factor 1 --if-not-exists --zookeeper zookeeper:2181 --broker-list ${server}`,
    );
    expect(made).toMatchObject({ code: 0, out: 'Created topic mytopic-test-2020.\n' });
    expect(made.err).toMatch(/^--zookeeper is passed over: there is no ZooKeeper/);
    const again = await run('kafka-topics $B --create --topic mytopic-test-2020 --if-not-exists');
    expect(again).toEqual({ code: 0, out: '', err: '' });
    expect((await run('kafka-topics $B --describe mytopic-test-2020')).out).toMatch(/^Topic: mytopic-test-2020\t/);
    // Beginnings of flags, as far as they are clear.
    expect((await run('kafka-topics $B --desc --topic mytopic-test-2020')).code).toBe(0);
    expect((await run('kafka-topics $B --un --topic x')).err).toMatch(/^un is ambiguous: --/);
  });

  test('warns of names that metrics would mix up', async () => {
    const { out } = await run('kafka-topics $B --create --topic a.b');
    expect(out).toBe(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. " +
        'To avoid issues it is best to use either, but not both.\nCreated topic a.b.\n',
    );
  });

  test.each([
    ['--describe --topic nope', "Error while executing topic command : Topic 'nope' does not exist as expected\n"],
    ['--delete --topic nope', "Error while executing topic command : Topic 'nope' does not exist as expected\n"],
    [
      '--create --topic x --config nonsense=1',
      'Error while executing topic command : Unknown topic config "nonsense".\n',
    ],
  ])('refuses %s in the words of the original', async (words, out) => {
    expect(await run(`kafka-topics $B ${words}`)).toMatchObject({ code: 1, out });
  });

  test.each([
    ['--create', 'Missing required argument "[topic]"'],
    ['', 'Command must include exactly one action: --list, --describe, --create, --alter or --delete'],
    ['--list --create --topic x', 'Command must include exactly one action'],
    ['--list --partitions 3', `Option "[partitions]" can't be used with option "[list]"`],
    ['--create --topic x --partitions many', "Cannot parse argument 'many' of option partitions"],
    ['--create --topic x --topic y', 'Found multiple arguments for option topic, but you asked for only one'],
    ['--create --topic', 'Option topic requires an argument'],
    ['--create --topic x --partitons 3', 'partitons is not a recognized option: did you mean --partitions?'],
  ])('tells how %s is meant', async (words, err) => {
    const said = await run(`kafka-topics $B ${words}`);
    expect(said.code).toBe(1);
    expect(said.err).toContain(err);
    expect((await client.admin().listTopics()).filter((name) => name === 'x' || name === 'y')).toEqual([]);
  });
});

describe('the console', () => {
  const numbers = (from: number, to: number): string =>
    Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join('');

  test('produces lines and consumes them', async () => {
    await run('kafka-topics $B --create --topic mytopic');
    const produced = await run(
      `kafka-console-producer --request-required-acks 1 --broker-list ${server} --topic mytopic`,
      numbers(1, 100),
    );
    expect(produced).toEqual({ code: 0, out: '', err: '' });
    expect(await run('kafka-console-consumer $B --topic mytopic --from-beginning --max-messages 100')).toEqual({
      code: 0,
      out: numbers(1, 100),
      err: 'Processed a total of 100 messages\n',
    });
  });

  test('a group goes on where it was', async () => {
    await run('kafka-topics $B --create --topic followed');
    await run('kafka-console-producer $B --topic followed', numbers(1, 5));
    const first = await run('kafka-console-consumer $B --topic followed --group f --from-beginning --max-messages 3');
    expect(first.out).toBe(numbers(1, 3));
    const rest = await run('kafka-console-consumer $B --topic followed --group f --from-beginning --timeout-ms 1000');
    expect(rest.out).toBe(numbers(4, 5));
    expect(rest.err).toMatch(/no record came within --timeout-ms\nProcessed a total of 2 messages\n$/);
  });

  test('takes lines apart, and prints all that a record has', async () => {
    await run('kafka-topics $B --create --topic parts');
    const sent = await run(
      'kafka-console-producer $B --topic parts --property parse.key=true --property parse.headers=true --property key.separator=: --property null.marker=NIL',
      'h1:v1,h2:NIL\tk:v\nNIL\tNIL:v2\nNIL\tk3:NIL\n',
    );
    expect(sent.code).toBe(0);
    const read = await run(
      'kafka-console-consumer $B --topic parts --partition 0 --offset earliest --max-messages 3 --property print.key=true --property print.headers=true --property print.partition=true --property print.offset=true --property null.literal=-',
    );
    expect(read.out).toBe(
      'Partition:0\tOffset:0\th1:v1,h2:-\tk\tv\nPartition:0\tOffset:1\tNO_HEADERS\t-\tv2\nPartition:0\tOffset:2\tNO_HEADERS\tk3\t-\n',
    );
    const stamped = await run(
      'kafka-console-consumer $B --topic parts --partition 0 --offset 1 --max-messages 1 --property print.timestamp=true --property print.value=false',
    );
    expect(stamped.out).toMatch(/^CreateTime:\d{13}\n$/);
  });

  test('reads numbers as Kafka Streams writes them', async () => {
    await run('kafka-topics $B --create --topic counted');
    const producer = client.producer();
    const value = Buffer.alloc(8);
    value.writeBigInt64BE(9007199254740993n);
    await producer.send({ topic: 'counted', key: 'kafka', value });
    const { out } = await run(
      'kafka-console-consumer $B --topic counted --from-beginning --max-messages 1 --property print.key=true ' +
        '--property key.deserializer=org.apache.kafka.common.serialization.StringDeserializer ' +
        '--property value.deserializer=org.apache.kafka.common.serialization.LongDeserializer',
    );
    expect(out).toBe('kafka\t9007199254740993\n');
  });

  test('a line that is not as was said ends it with its number; what came before is sent', async () => {
    await run('kafka-topics $B --create --topic bad-lines');
    const sent = await run(
      'kafka-console-producer $B --topic bad-lines --property parse.key=true --property key.separator=,',
      'a,1\nnokey\nb,2\n',
    );
    expect(sent).toEqual({ code: 1, out: '', err: "No key separator found on line number 2: 'nokey'\n" });
    expect((await run('kafka-get-offsets $B --topic bad-lines')).out).toBe('bad-lines:0:1\n');
  });

  test.each([
    [
      'kafka-console-consumer $B --topic t --from-begining',
      'from-begining is not a recognized option: did you mean --from-beginning?',
    ],
    ['kafka-console-consumer $B', 'Exactly one of --include/--topic is required. '],
    ['kafka-console-consumer $B --topic t --offset 3', 'The partition is required when offset is specified.'],
    [
      'kafka-console-consumer $B --topic t --partition 0 --offset middle',
      "The provided offset value 'middle' is incorrect.",
    ],
    ['kafka-console-consumer $B --topic t --property print.kye=true', 'There is no formatter property print.kye'],
    ['kafka-console-producer $B', 'Missing required argument "[topic]"'],
    ['kafka-console-producer $B --topic t --property parse.keys=true', 'There is no reader property parse.keys'],
    ['kafka-console-producer $B --topic t --request-required-acks two', 'acks: use 0, 1, -1 or all, not "two"'],
  ])('%s is told why not', async (line, err) => {
    const said = await run(line);
    expect(said.code).toBe(1);
    expect(said.err).toContain(err);
  });

  test('a producer that is told where to begin says that it reads nothing', async () => {
    await run('kafka-topics $B --create --topic told');
    const { code, err } = await run('kafka-console-producer $B --topic told --from-begining', 'a\n');
    expect(code).toBe(0);
    expect(err).toMatch(/a producer reads nothing/);
  });
});

describe('kafka-consumer-groups', () => {
  beforeAll(async () => {
    await run('kafka-topics $B --create --topic g1 --partitions 2');
    const producer = client.producer();
    for (let i = 0; i < 10; i++) await producer.send({ topic: 'g1', partition: 0, value: String(i) });
    await run('kafka-console-consumer $B --topic g1 --group x --from-beginning --max-messages 10');
  });

  const noMembers = "\nConsumer group 'x' has no active members.\n\n";

  test('lists and describes', async () => {
    expect((await run('kafka-consumer-groups $B --list')).out.split('\n')).toContain('x');
    const listed = (await run('kafka-consumer-groups $B --list --state --type')).out.split('\n');
    expect(listed[0]).toBe('GROUP                     TYPE                 STATE               ');
    expect(listed).toContain('x                         Classic              Empty               ');
    const offsets =
      `${noMembers}GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n` +
      'x               g1              0          10              10              0               -               -               -\n' +
      'x               g1              1          0               0               0               -               -               -\n';
    // So it stands in notes, too.
    expect((await run(`kafka-consumer-groups --bootstrap-server==${server} --group=x --describe`)).out).toBe(offsets);
    expect((await run('kafka-consumer-groups $B --group x --describe --offsets')).out).toBe(offsets);
    expect((await run('kafka-consumer-groups $B --group x --describe --members')).out).toBe(
      `${noMembers}GROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     \n`,
    );
    const state = (await run('kafka-consumer-groups $B --group x --describe --state')).out;
    expect(state).toMatch(
      new RegExp(
        `^${noMembers}GROUP           COORDINATOR \\(ID\\)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS\\n` +
          'x               \\S+:\\d+ +\\(1\\) +-                    Empty                0\\n$',
      ),
    );
    expect(await run('kafka-consumer-groups $B --group nope --describe')).toMatchObject({
      code: 1,
      out: "\nError: Consumer group 'nope' does not exist.\n",
    });
  });

  test('tells of members', async () => {
    const consumer = client.consumer({ groupId: 'busy', autoOffsetReset: 'earliest' });
    consumer.subscribe(['g1']);
    while (consumer.assignment().length < 2) await consumer.poll(50);
    const { out } = await run('kafka-consumer-groups $B --group busy --describe --members --verbose');
    expect(out).toMatch(/^\nGROUP +CONSUMER-ID +HOST +CLIENT-ID +#PARTITIONS +CURRENT-EPOCH +CURRENT-ASSIGNMENT /);
    expect(out).toMatch(/\nbusy +\S+ +\S+ .*\b2 +- +g1:0,1 +- +-/);
    const offsets = (await run('kafka-consumer-groups $B --group busy --describe')).out;
    expect(offsets).toMatch(/\nbusy +g1 +0 +- +10 +- +\S+ +\S+/);
    expect(
      (await run('kafka-consumer-groups $B --group busy --topic g1 --reset-offsets --to-latest --execute')).out,
    ).toContain(
      "Error: Assignments can only be reset if the group 'busy' is inactive, but the current state is Stable.",
    );
    expect((await run('kafka-consumer-groups $B --group busy --delete')).out).toContain(
      "* Group 'busy' could not be deleted due to: ",
    );
    await consumer.close();
  });

  test('sets offsets, and only tells of it first', async () => {
    const table = (...rows: readonly (readonly [number, number])[]): string =>
      '\nGROUP                          TOPIC                          PARTITION  NEW-OFFSET     \n' +
      rows
        .map(
          ([p, o]) =>
            `x                              g1                             ${p}          ${String(o).padEnd(15)}\n`,
        )
        .join('');
    const reset = (words: string): Promise<Said> => run(`kafka-consumer-groups $B --reset-offsets --group x ${words}`);
    expect(await reset('--topic g1 --to-earliest --dry-run')).toEqual({ code: 0, out: table([0, 0], [1, 0]), err: '' });
    const careless = await reset('--topic g1 --to-earliest');
    expect(careless.out).toBe(table([0, 0], [1, 0]));
    expect(careless.err).toMatch(/^WARN: No action will be performed as the --execute option is missing\./);
    expect((await reset('--topic g1:0 --to-offset 3 --execute')).out).toBe(table([0, 3]));
    expect((await reset('--all-topics --shift-by 2 --execute')).out).toBe(table([0, 5], [1, 0]));
    expect((await reset('--all-topics --to-current --dry-run')).out).toBe(table([0, 5], [1, 0]));
    const exported = await reset('--all-topics --to-latest --export --dry-run');
    expect(exported).toEqual({ code: 0, out: 'g1,0,10\ng1,1,0\n\n', err: '' });
    const file = join(directory, 'plan.csv');
    writeFileSync(file, exported.out.replace('10', '7'));
    expect((await reset(`--from-file ${file} --execute`)).out).toBe(table([0, 7], [1, 0]));
    expect((await reset('--topic g1')).err).toMatch(/^One of the reset scenarios should be defined/);
    expect((await reset('--topic g9 --to-earliest --dry-run')).out).toMatch(/the topic 'g9' does not exist/);
    const committed = await client.admin().committedOffsets('x');
    expect(committed.find(({ partition }) => partition === 0)?.offset).toBe(7);
  });

  test('forgets offsets, and groups', async () => {
    expect((await run('kafka-consumer-groups $B --delete-offsets --group x --topic g1')).out).toBe(
      'Request succeeded for deleting offsets from group x.\n\nTOPIC           PARTITION  STATUS         \n' +
        'g1              0          Successful     \ng1              1          Successful     \n',
    );
    expect((await run('kafka-consumer-groups $B --delete --group x')).out).toBe(
      "Deletion of requested consumer groups ('x') was successful.\n",
    );
    expect((await run('kafka-consumer-groups $B --list')).out.split('\n')).not.toContain('x');
  });
});

describe('kafka-configs', () => {
  test('describes and changes', async () => {
    await run('kafka-topics $B --create --topic c1');
    expect((await run('kafka-configs $B --describe --entity-type topics --entity-name c1')).out).toBe(
      'Dynamic configs for topic c1 are:\n',
    );
    expect(
      (
        await run(
          "kafka-configs $B --alter --topic c1 --add-config 'retention.ms=5000,cleanup.policy=[compact,delete]'",
        )
      ).out,
    ).toBe('Completed updating config for topic c1.\n');
    expect((await run('kafka-configs $B --describe --topic c1')).out).toBe(
      'Dynamic configs for topic c1 are:\n' +
        '  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}\n' +
        '  retention.ms=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5000}\n',
    );
    expect((await run('kafka-configs $B --alter --topic c1 --delete-config retention.ms')).code).toBe(0);
    expect((await run('kafka-configs $B --describe --topic c1')).out).not.toContain('retention.ms');
    expect((await run('kafka-configs $B --describe --topic c1 --all')).out).toContain(
      '  retention.ms=604800000 sensitive=false ',
    );
    expect((await run('kafka-configs $B --describe --broker 1')).out).toBe('Dynamic configs for broker 1 are:\n');
    expect((await run('kafka-configs $B --describe --entity-type brokers --entity-default')).out).toBe(
      'Default configs for brokers in the cluster are:\n',
    );
  });

  test.each([
    ['--describe --topic nope', 0, "The topic 'nope' doesn't exist and doesn't have dynamic config.\n"],
    [
      '--alter --topic c1',
      1,
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter\n',
    ],
    ['--alter --topic c1 --delete-config segment.ms', 1, 'Invalid config(s): segment.ms\n'],
    [
      '--alter --entity-type topics --add-config a=b',
      1,
      'At least one of --entity-name, --topic must be specified with --alter\n',
    ],
    [
      '--alter --entity-type users --add-config producer_byte_rate=1',
      1,
      '--alter needs the name of one of the users, or their default.\n',
    ],
    [
      '--alter --user ann --add-config SCRAM-SHA-256=[iterations=4096]',
      1,
      'SCRAM-SHA-256 takes [password=…] or [iterations=…,password=…], with at least 4096 iterations.\n',
    ],
    [
      "--alter --user ann --add-config 'producer_byte_rate=1,SCRAM-SHA-256=[password=x]'",
      1,
      'Quotas and SCRAM credentials are altered one after the other.\n',
    ],
    [
      '--alter --ip 127.0.0.1 --add-config connection_creation_rate=fast',
      1,
      'Cannot parse quota configuration value for connection_creation_rate: fast\n',
    ],
  ])('%s', async (words, code, text) => {
    const said = await run(`kafka-configs $B ${words}`);
    expect({ code: said.code, text: said.out + said.err }).toEqual({ code, text });
  });

  // What the original of Kafka 4.4 prints, but for a user without credentials, of whom it says that there are none.
  test('of users, clients and addresses: credentials and quotas', async () => {
    const alter = async (words: string) =>
      expect(await run(`kafka-configs $B --alter ${words}`)).toMatchObject({ code: 0, err: '' });
    const describe = async (words: string) => (await run(`kafka-configs $B --describe ${words}`)).out;
    expect(
      (
        await run(
          "kafka-configs $B --alter --entity-type users --entity-name bob --add-config 'SCRAM-SHA-256=[iterations=8192,password=a,b=c]'",
        )
      ).out,
    ).toBe('Completed updating config for user bob.\n');
    await alter('--user bob --add-config producer_byte_rate=1024');
    expect(await describe('--entity-type users --entity-name bob')).toBe(
      "Quota configs for user-principal 'bob' are producer_byte_rate=1024.0\n" +
        "SCRAM credential configs for user-principal 'bob' are SCRAM-SHA-256=iterations=8192\n",
    );
    await alter('--user-defaults --client loader --add-config request_percentage=2.5');
    expect(await describe('--entity-type users --entity-default --entity-type clients --entity-name loader')).toBe(
      "Quota configs for the default user-principal, client-id 'loader' are request_percentage=2.5\n",
    );
    expect((await run('kafka-configs $B --alter --ip-defaults --add-config connection_creation_rate=1000')).out).toBe(
      'Completed updating default config for ips in the cluster.\n',
    );
    expect(await describe('--entity-type ips')).toBe(
      'Quota configs for the default ip are connection_creation_rate=1000.0\n',
    );
    await alter('--user bob --delete-config SCRAM-SHA-256');
    await alter('--user bob --delete-config producer_byte_rate');
    await alter('--user-defaults --client loader --delete-config request_percentage');
    await alter('--ip-defaults --delete-config connection_creation_rate');
    expect(await describe('--entity-type users')).toBe('');
    expect(await describe('--user bob')).toBe('');
  });

  test('what the broker refuses is told in its words', async () => {
    const said = await run('kafka-configs $B --alter --topic c1 --add-config nonsense=1');
    expect(said).toEqual({
      code: 1,
      out: `Error while executing config command with args '--bootstrap-server ${server} --alter --topic c1 --add-config nonsense=1'\nUnknown topic config "nonsense".\n`,
      err: '',
    });
  });
});

describe('offsets, records, directories, the cluster', () => {
  test('tell and delete', async () => {
    await run('kafka-topics $B --create --topic o1 --partitions 3');
    const producer = client.producer();
    for (let i = 0; i < 4; i++)
      await producer.send({ topic: 'o1', partition: 1, value: String(i), timestamp: 1000 + i });
    expect((await run('kafka-get-offsets $B --topic o1')).out).toBe('o1:0:0\no1:1:4\no1:2:0\n');
    expect((await run('kafka-get-offsets $B --topic-partitions o1:1-,nothing:0 --time 1002')).out).toBe(
      'o1:1:2\no1:2:\n',
    );
    expect((await run('kafka-get-offsets $B --topic o1 --partitions 1 --time earliest')).out).toBe('o1:1:0\n');
    expect((await run('kafka-get-offsets $B --topic nothing')).err).toBe(
      'Could not match any topic-partitions with the specified filters\n',
    );
    const file = join(directory, 'delete.json');
    writeFileSync(file, '{"partitions":[{"topic":"o1","partition":1,"offset":3}],"version":1}');
    expect((await run(`kafka-delete-records $B --offset-json-file ${file}`)).out).toBe(
      'Executing records delete operation\nRecords delete operation completed:\npartition: o1-1\tlow_watermark: 3\n',
    );
    expect((await run('kafka-get-offsets $B --topic o1 --partitions 1 --time -2')).out).toBe('o1:1:3\n');
    writeFileSync(file, '{"partitions":[{"topic":"o1"}]}');
    expect((await run(`kafka-delete-records $B --offset-json-file ${file}`)).err).toMatch(
      /is not \{"topic", "partition", "offset"\}/,
    );
    const dirs = (await run('kafka-log-dirs $B --describe --topic-list o1')).out.split('\n');
    expect(dirs.slice(0, 2)).toEqual([
      'Querying brokers for log directories information',
      'Received log directory information from brokers 1',
    ]);
    const { brokers } = JSON.parse(dirs[2]!) as {
      brokers: { broker: number; logDirs: { partitions: { partition: string; size: number }[] }[] }[];
    };
    expect(brokers[0]!.logDirs[0]!.partitions.map(({ partition }) => partition).sort()).toEqual([
      'o1-0',
      'o1-1',
      'o1-2',
    ]);
    expect((await run('kafka-cluster cluster-id $B')).out).toMatch(/^Cluster ID: [\w-]{22}\n$/);
    expect((await run('kafka-cluster list-endpoints $B')).out).toMatch(/^ID +HOST +PORT\n1 +127\.0\.0\.1 +\d+\n$/);
    expect((await run('kafka-storage random-uuid')).out).toMatch(/^[\w][\w-]{21}\n$/);
    expect((await run('kafka-storage format -t x -c y --standalone')).code).toBe(0);
  });
});

describe('the performance tests', () => {
  test('send and read as many as they are told, and say how fast that was', async () => {
    await run('kafka-topics $B --create --topic perf');
    const sent = await run(
      `kafka-producer-perf-test --topic perf --num-records 2000 --record-size 50 --throughput -1 --producer-props bootstrap.servers=${server} acks=1 buffer.memory=1`,
    );
    expect(sent.out).toMatch(
      /^2000 records sent, [\d.]+ records\/sec \([\d.]+ MB\/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99.9th.\n$/,
    );
    expect(sent.err).toBe(
      'The producer’s setting buffer.memory is passed over: there is none of that name.\n'.replace('’', "'"),
    );
    const within = await run(
      'kafka-producer-perf-test $B --topic perf --num-records 100 --record-size 50 --throughput 1000 --transactional-id perf-test',
    );
    expect(within.out).toMatch(/^100 records sent, /);
    const rate = Number(/([\d.]+) records\/sec/.exec(within.out)![1]);
    expect(rate).toBeLessThan(1100);
    const read = await run('kafka-consumer-perf-test $B --topic perf --messages 2100 --timeout 5000');
    const [head, row] = read.out.split('\n');
    expect(head).toBe(
      'start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec',
    );
    expect(row).toMatch(
      /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, ){2}0\.1001, [\d.]+, 2100, [\d.]+, \d+, \d+, [\d.]+, [\d.]+$/,
    );
    expect(read.err).toBe('');
    expect((await run('kafka-producer-perf-test $B --topic perf --num-records 1 --throughput 1')).err).toMatch(
      /^one of the arguments --record-size --payload-file is required\n/,
    );
  });
});
