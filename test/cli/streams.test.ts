// `millrace streams`, as its users have it: a process that loads their module, and one that resets what ran on a broker.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { serialize, stringSerde } from '../../src/serde/index.ts';
import { KafkaStreams, StreamsBuilder } from '../../src/streams/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { Millrace, type Outcome } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-streams-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Outcome> => new Millrace(['streams', ...args]).ended;

describe('millrace streams describe', () => {
  const library = pathToFileURL(join(import.meta.dirname, '../../src/streams/index.ts')).href;
  const serdes = pathToFileURL(join(import.meta.dirname, '../../src/serde/index.ts')).href;

  function moduleOf(name: string, end: string): string {
    const file = join(directory, name);
    writeFileSync(
      file,
      `import { StreamsBuilder } from '${library}';
import { stringSerde } from '${serdes}';
const texts = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder();
const names = builder.globalTable('names', texts, { name: 'names' });
builder
  .stream('words', texts)
  .groupBy((key, value) => value, { key: stringSerde, name: 'by-word' })
  .count({ name: 'counts' })
  .toStream()
  .mapValues(String, { value: stringSerde })
  .joinGlobal(names, (key) => key, (a, b) => a + b)
  .to((key) => 'say "' + key + '"', { value: stringSerde });
${end}
`,
    );
    return file;
  }

  test('prints what Kafka Streams would', async () => {
    const file = moduleOf('text.mjs', 'export default builder.build();');
    expect(await run('describe', file)).toEqual({
      code: 0,
      stderr: '',
      stdout: `Topologies:
   Sub-topology: 0
    Source: words-source (topics: [words])
      --> words-select-key
    Processor: words-select-key (stores: [])
      --> by-word-repartition-sink
      <-- words-source
    Sink: by-word-repartition-sink (topic: by-word-repartition)
      <-- words-select-key

   Sub-topology: 1
    Source: by-word-repartition-source (topics: [by-word-repartition])
      --> counts-aggregate
    Processor: counts-aggregate (stores: [counts])
      --> counts-to-stream
      <-- by-word-repartition-source
    Processor: counts-to-stream (stores: [])
      --> counts-map-values
      <-- counts-aggregate
    Processor: counts-map-values (stores: [])
      --> counts-names-join
      <-- counts-to-stream
    Processor: counts-names-join (stores: [])
      --> counts-sink
      <-- counts-map-values
    Sink: counts-sink (extractor: by record)
      <-- counts-names-join

   Sub-topology: 2 for global store (will not generate tasks)
    Source: names-global-source (topics: [names])
      --> names-update
    Processor: names-update (stores: [names])
      --> none
      <-- names-global-source
`,
    });
  });

  test('draws for Mermaid', async () => {
    const file = moduleOf('mermaid.mjs', 'export const topology = () => builder;');
    expect((await run('describe', file, '--format', 'mermaid')).stdout).toBe(`flowchart TD
  t11[/"words"/]
  t12[/"by-word-repartition"/]
  t13[/"(by record)"/]
  t14[/"names"/]
  subgraph c0 ["Sub-topology 0"]
    o0["words-source"]
    o1["words-select-key"]
    o2["by-word-repartition-sink"]
  end
  subgraph c1 ["Sub-topology 1"]
    o3["by-word-repartition-source"]
    o4["counts-aggregate"]
    o5["counts-to-stream"]
    o6["counts-map-values"]
    o7["counts-names-join"]
    o8["counts-sink"]
    s9[("counts")]
  end
  subgraph c2 ["Global store names"]
    s10[("names")]
  end
  t11 --> o0
  o0 --> o1
  o1 --> o2
  o2 --> t12
  t12 --> o3
  o3 --> o4
  o4 --> o5
  o4 --- s9
  o5 --> o6
  o6 --> o7
  o7 --> o8
  o8 --> t13
  t14 --> s10
`);
  });

  test('draws for Graphviz', async () => {
    const file = moduleOf('dot.mjs', 'export default async () => builder.build();');
    const { stdout } = await run('describe', file, '--format', 'dot');
    expect(stdout).toContain('digraph topology {\n');
    expect(stdout).toContain('    label="Sub-topology 1";\n');
    expect(stdout).toContain(' [label="counts", shape=cylinder];\n');
    expect(stdout).toMatch(/^ {2}o\d+ -> s\d+ \[dir=none\];$/m);
  });

  test('says what it can’t take', async () => {
    const file = moduleOf('other.mjs', 'export default 5;');
    expect(await run('describe', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('exports no topology'),
    });
    expect((await run('describe', join(directory, 'none.mjs'))).stderr).toContain('there is no file');
    expect((await run('describe', file, '--format', 'svg')).stderr).toContain('use text, mermaid, dot');
  });
});

describe('millrace streams reset', () => {
  const texts = { key: stringSerde, value: stringSerde };
  let embedded: Embedded;
  let address: string;
  let client: Client;
  let applicationId: string;
  let input: string;
  let names = 0;

  beforeAll(async () => {
    embedded = await openEmbedded();
    address = `127.0.0.1:${(await embedded.broker.listen({ host: '127.0.0.1', port: 0 })).port}`;
    client = createClient({ bootstrapServers: address });
  });
  afterAll(async () => {
    await client.close();
    await embedded.close();
  });
  beforeEach(async () => {
    applicationId = `app${names}`;
    input = `in${names++}`;
    await client.admin().createTopics([{ name: input, partitions: 1 }]);
    const producer = client.producer();
    for (let i = 0; i < 5; i++) {
      await producer.send({
        topic: input,
        key: Buffer.from('k'),
        value: serialize(stringSerde, `w${i}`),
        timestamp: 1000 * i,
      });
    }
    await producer.close();
  });

  const reset = (...args: string[]): Promise<Outcome> =>
    run('reset', '--bootstrap-servers', address, '--application-id', applicationId, ...args);
  const committed = async (): Promise<number | undefined> =>
    (await client.admin().committedOffsets(applicationId)).find(({ topic }) => topic === input)?.offset;
  const internal = async (): Promise<string[]> =>
    (await client.admin().listTopics()).filter((name) => name.startsWith(`${applicationId}-`)).sort();

  async function start(): Promise<KafkaStreams> {
    const builder = new StreamsBuilder();
    builder
      .stream(input, texts)
      .groupBy((_key, value) => value, { key: stringSerde, name: 'by' })
      .count({ name: 'counts' });
    const stateDir = join(directory, 'state');
    const app = new KafkaStreams(builder.build(), { client, applicationId, stateDir, commitIntervalMs: 10 });
    await app.start();
    await expect.poll(() => app.store('counts').keyValue<string, number>().size).toBe(5);
    return app;
  }

  test('sets offsets and deletes internal topics, so that the application begins anew', async () => {
    await (await start()).close();
    const dry = await reset('--input-topics', `${input},nowhere`, '--dry-run');
    expect(dry).toEqual({
      code: 0,
      stderr: '',
      stdout: `Dry run: nothing is changed.
Topics that do not exist, left out:
  nowhere
Offsets of the group ${applicationId}:
  ${input} partition 0: 0
Internal topics deleted:
  ${applicationId}-by-repartition
  ${applicationId}-counts-changelog
Local state is left: delete the directory ${applicationId} in the stateDir of every host, or call cleanUp() before start().
`,
    });
    expect([await committed(), (await internal()).length]).toEqual([5, 2]);
    expect((await reset('--input-topics', input)).code).toBe(0);
    expect([await committed(), await internal()]).toEqual([0, []]);
    // Local state that nobody deleted is found to be of another changelog.
    const app = await start();
    expect(await app.store('counts').keyValue<string, number>().get('w1')).toBe(1);
    await app.close();
  });

  test('refuses while the application runs, unless its members are removed by force', async () => {
    const app = await start();
    const refused = await reset('--input-topics', input);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the application ${applicationId} is still active`),
    });
    await app.close();
    const consumer = client.consumer({ groupId: applicationId });
    consumer.subscribe([input]);
    await consumer.poll(0);
    await expect.poll(async () => (await client.admin().describeGroups([applicationId]))[0]!.members.length).toBe(1);
    const forced = await reset('--input-topics', input, '--force');
    expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('Members removed from the group:\n') });
    await consumer.close();
    expect(await committed()).toBe(0);
  });

  test('takes the brokers from a file, and refuses what it does not know there', async () => {
    await (await start()).close();
    const file = join(directory, 'client.properties');
    const withFile = (...args: string[]): Promise<Outcome> =>
      run('reset', '--application-id', applicationId, '--input-topics', input, '--config-file', file, ...args);
    writeFileSync(file, `bootstrap.servers=${address}\nclient.id=me\n`);
    expect(await withFile('--to-offset', '2')).toMatchObject({ code: 0, stderr: '' });
    expect(await committed()).toBe(2);
    writeFileSync(file, 'bootstrap.servers=127.0.0.1:1\n');
    expect(await withFile('--bootstrap-server', address, '--to-offset', '3')).toMatchObject({ code: 0, stderr: '' });
    expect(await committed()).toBe(3);
    writeFileSync(file, `bootstrap.servers=${address}\nsecurity.protocol=TLS\n`);
    expect(await withFile()).toMatchObject({ code: 1, stderr: expect.stringContaining('security.protocol') });
    writeFileSync(file, `bootstrap.servers=${address}\nmetadata.max.age=1\n`);
    expect(await withFile()).toMatchObject({ code: 1, stderr: expect.stringContaining('metadata.max.age') });
  });

  test('takes the positions of Kafka’s tool', async () => {
    await (await start()).close();
    const at = async (...args: string[]): Promise<number | undefined> => {
      const { code, stderr } = await reset('--input-topics', input, ...args);
      expect([code, stderr]).toEqual([0, '']);
      return committed();
    };
    expect(await at('--shift-by', '-2')).toBe(3);
    expect(await at('--shift-by', '1')).toBe(4);
    expect(await at('--shift-by', '-90')).toBe(0);
    expect(await at('--to-latest')).toBe(5);
    expect(await at('--to-offset', '2')).toBe(2);
    expect(await at('--to-offset', '99')).toBe(5);
    expect(await at('--to-datetime', '1970-01-01T00:00:02.500')).toBe(3);
    expect(await at('--to-datetime', '1970-01-01T02:00:01+02:00')).toBe(1);
    expect(await at('--by-duration', 'PT1H')).toBe(5);
    expect(await at('--by-duration', 'P99999D')).toBe(0);
    const plan = join(directory, 'plan.csv');
    writeFileSync(plan, `${input},0,4\nother,0,1\n`);
    expect(await at('--from-file', plan)).toBe(4);
    expect(await at('--to-earliest')).toBe(0);
  });

  test('leaves the internal topics of applications with longer ids', async () => {
    await (await start()).close();
    const own = await internal();
    const other = `${applicationId}-other`;
    const consumer = client.consumer({ groupId: other });
    await consumer.commit([{ topic: input, partition: 0, offset: 1 }]);
    await consumer.close();
    await client.admin().createTopics([{ name: `${other}-x-changelog`, partitions: 1 }]);
    expect((await reset()).stdout).toContain(`Topics that may be another group’s, left`);
    expect(await internal()).toEqual([`${other}-x-changelog`]);
    expect(own).toHaveLength(2);
    await client.admin().createTopics([{ name: own[0]!, partitions: 1 }]);
    expect((await reset('--internal-topics', 'x')).stderr).toContain('not internal topics of the application');
    expect((await reset('--internal-topics', own[0]!)).code).toBe(0);
    expect(await internal()).toEqual([`${other}-x-changelog`]);
  });

  test('refuses flags that do not go together', async () => {
    const said = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await reset(...args);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await said('--to-latest', '--to-offset', '1', '--input-topics', input)).toContain(
      '--to-latest and --to-offset exclude each other',
    );
    expect(await said('--to-latest')).toContain('needs --input-topics');
    expect(await said('--to-offset', 'x', '--input-topics', input)).toContain('"x" is not a whole number');
    expect(await said('--by-duration', 'P', '--input-topics', input)).toContain('not a duration');
    expect(await said('--to-datetime', 'today', '--input-topics', input)).toContain('not a time');
    expect(await said('--zookeeper')).toContain('unknown option');
    expect((await run('reset')).stderr).toContain('--application-id');
  });
});
