// `millrace backup`: what is restored is what was backed up: records, configs, groups, schemas; and what stands in the way.
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type ConsumerRecord, createClient } from '../../../src/client/index.ts';
import { partitionsOf, readStretches } from '../../../src/cli/commands/record-source.ts';
import { Platform } from '../../../src/platform/index.ts';
import { commandsOn } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-backup-'));

class Side {
  readonly platform: Platform;
  readonly server: string;
  readonly client: Client;
  readonly run = commandsOn(() => this.server);

  constructor(platform: Platform) {
    this.platform = platform;
    this.server = platform.url('broker').replace(/^.*:\/\//, '');
    this.client = createClient({ bootstrapServers: this.server });
  }

  /** Answers the rows that it prints. */
  async backup(words: string): Promise<Record<string, unknown>[]> {
    const { out, error } = await this.run(
      `backup ${words} $B -o json --registry ${this.platform.url('schema-registry')}`,
    );
    if (error !== undefined) throw new Error(error);
    return JSON.parse(out);
  }

  async refused(words: string): Promise<string> {
    const { error } = await this.run(`backup ${words} $B --registry ${this.platform.url('schema-registry')}`);
    return String(error);
  }

  async records(topic: string): Promise<ConsumerRecord[]> {
    const partitions = await partitionsOf(this.client, [topic]);
    const at = (timestamp: number) =>
      this.client.admin().listOffsets(partitions.map((each) => ({ ...each, timestamp })));
    const [starts, ends] = await Promise.all([at(-2), at(-1)]);
    const stretches = partitions.map((each, i) => ({ ...each, from: starts[i]!.offset, to: ends[i]!.offset }));
    return (await Array.fromAsync(readStretches(this.client, stretches, { readCommitted: true }))).sort(
      (a, b) => a.partition - b.partition || a.offset - b.offset,
    );
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- what is expected stands in the tests
  async registry(method: string, path: string, body?: object): Promise<any> {
    const answer = await fetch(`${this.platform.url('schema-registry')}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.json();
  }
}

let [from, to]: Side[] = [];

beforeAll(async () => {
  const start = async (name: string) =>
    new Side(
      await Platform.start({
        settings: {
          'log.dirs': join(directory, name),
          listeners: 'PLAINTEXT://127.0.0.1:0',
          'schema.registry.listeners': 'http://127.0.0.1:0',
          'ksql.listeners': 'http://127.0.0.1:0',
          'group.initial.rebalance.delay.ms': '0',
        },
      }),
    );
  from = await start('from');
  to = await start('to');
});
afterAll(async () => {
  for (const { client, platform } of [from!, to!]) {
    await client.close();
    await platform.stop();
  }
  rmSync(directory, { recursive: true, force: true });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const record = fc.record({
  partition: fc.nat(2),
  key: bytes,
  value: bytes,
  timestamp: fc.integer({ min: 0, max: 1_700_000_000_000 }),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 3 }),
});

test('what is restored is what was backed up, whatever it is', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 30 }), fc.nat(30), async (records, trimmed) => {
      const [topic, backup] = [`any-${++runs}`, join(directory, `backup-${runs}`)];
      const forever = { 'retention.ms': '-1', 'message.timestamp.before.max.ms': '9223372036854775807' };
      await from!.client.admin().createTopics([{ name: topic, partitions: 3, configs: forever }]);
      const producer = from!.client.producer();
      await Promise.all(records.map((each) => producer.send({ topic, ...each })));
      await producer.close();
      // Logs that do not begin at 0.
      const inFirst = records.filter(({ partition }) => partition === 0).length;
      await from!.client.admin().deleteRecords([{ topic, partition: 0, offset: Math.min(inFirst, trimmed) }]);
      await from!.backup(`create ${backup} ${topic} --no-schemas`);
      await to!.backup(`restore ${backup} --no-schemas`);
      const essence = (list: ConsumerRecord[]) =>
        list.map(({ partition, key, value, timestamp, headers }) => ({
          partition,
          key,
          value,
          timestamp,
          headers: headers.map((header) => [header.key, header.value === null ? null : Buffer.from(header.value)]),
        }));
      expect(essence(await to!.records(topic))).toEqual(essence(await from!.records(topic)));
      expect((await to!.client.admin().topicConfigs(topic)).filter(({ isDefault }) => !isDefault)).toEqual(
        (await from!.client.admin().topicConfigs(topic)).filter(({ isDefault }) => !isDefault),
      );
    }),
    { numRuns: 15 },
  );
});

describe('groups', () => {
  test('go on at the records that they had come to', async () => {
    const admin = from!.client.admin();
    await admin.createTopics([{ name: 'read', partitions: 2 }]);
    const producer = from!.client.producer();
    for (let i = 0; i < 10; i++) await producer.send({ topic: 'read', partition: 0, value: `${i}` });
    // What a transaction took back leaves holes.
    const careful = from!.client.producer({ transactionalId: 'careful' });
    await careful.initTransactions();
    careful.beginTransaction();
    await careful.send({ topic: 'read', partition: 0, value: 'taken back' });
    await careful.abortTransaction();
    await careful.close();
    await producer.send({ topic: 'read', partition: 0, value: '10' });
    await producer.close();
    await admin.deleteRecords([{ topic: 'read', partition: 0, offset: 4 }]);
    await admin.alterOffsets('middle', [{ topic: 'read', partition: 0, offset: 7 }]);
    await admin.alterOffsets('hole', [{ topic: 'read', partition: 0, offset: 11 }]);
    await admin.alterOffsets('done', [
      { topic: 'read', partition: 0, offset: 13, metadata: 'note' },
      { topic: 'read', partition: 1, offset: 0 },
    ]);
    const backup = join(directory, 'groups');
    expect(await from!.backup(`create ${backup} read --no-schemas`)).toEqual([
      { what: 'topic', name: 'read', partitions: 2, count: 7 },
      { what: 'groups', name: null, partitions: null, count: 3 },
      { what: 'subjects', name: null, partitions: null, count: 0 },
    ]);
    await to!.backup(`restore ${backup} --no-schemas`);
    const next = async (group: string) =>
      (await to!.client.admin().committedOffsets(group)).map(({ partition, offset, metadata }) => [
        partition,
        offset,
        metadata,
      ]);
    expect(await next('middle')).toEqual([[0, 3, '']]);
    expect(await next('hole')).toEqual([[0, 6, '']]);
    expect(await next('done')).toEqual([
      [0, 7, 'note'],
      [1, 0, ''],
    ]);

    // Twice: only when that is said, and then behind what is there.
    expect(await to!.refused(`restore ${backup} --no-schemas`)).toBe(
      'there are records in read: --append restores behind them.',
    );
    expect(await to!.records('read')).toHaveLength(7);
    await to!.backup(`restore ${backup} --no-schemas --append`);
    expect((await to!.records('read')).map(({ value }) => String(value)).join(' ')).toBe(
      '4 5 6 7 8 9 10 4 5 6 7 8 9 10',
    );
    expect(await next('middle')).toEqual([[0, 10, '']]);
  });

  test('that somebody has are left', async () => {
    const backup = join(directory, 'groups');
    await to!.client.admin().deleteTopics(['read']);
    await to!.client.admin().createTopics([{ name: 'read', partitions: 2 }]);
    await to!.client.admin().alterOffsets('middle', [{ topic: 'read', partition: 0, offset: 0 }]);
    expect(await to!.refused(`restore ${backup} --no-schemas`)).toMatch(
      /^the group middle has offsets of these topics/,
    );
    expect(await to!.records('read')).toHaveLength(0);
    await to!.backup(`restore ${backup} --no-schemas --no-groups`);
    expect(await to!.records('read')).toHaveLength(7);
    await to!.client.admin().deleteTopics(['read']);
    await to!.client.admin().createTopics([{ name: 'read', partitions: 1 }]);
    expect(await to!.refused(`restore ${backup} --no-schemas --no-groups`)).toBe(
      'read has 1 partitions, the backup 2.',
    );
  });
});

describe('schemas', () => {
  test('have their ids, versions and configs again', async () => {
    const avro = (name: string, fields: object[]) => ({ schema: JSON.stringify({ type: 'record', name, fields }) });
    const field = (name: string) => ({ name, type: 'string', default: '' });
    // Ids that the other registry would give out by itself.
    await from!.registry('POST', '/subjects/other-value/versions', avro('Other', [field('o')]));
    await from!.registry('POST', '/subjects/a-value/versions', avro('A', [field('x')]));
    await from!.registry('POST', '/subjects/a-value/versions', avro('A', [field('x'), field('y')]));
    await from!.registry('PUT', '/config/a-value', { compatibility: 'FULL' });
    await from!.registry('POST', '/subjects/b-value/versions', {
      schema: '{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}',
      references: [{ name: 'A', subject: 'a-value', version: 2 }],
    });
    await from!.registry('DELETE', '/subjects/a-value/versions/1');
    const backup = join(directory, 'schemas');
    const made = await from!.backup(`create ${backup} any-1`);
    expect(made.at(-1)).toEqual({ what: 'subjects', name: null, partitions: null, count: 3 });
    const restored = await to!.backup(`restore ${backup} --append --no-groups`);
    expect(restored.at(-1)).toEqual({ what: 'subjects', name: null, partitions: null, count: 3 });
    const all = async (side: Side) =>
      (await side.registry('GET', '/schemas?deleted=true')).map(({ ts: _, ...entity }: { ts?: number }) => entity);
    expect(await all(to!)).toEqual(await all(from!));
    expect(await to!.registry('GET', '/config/a-value')).toEqual({ compatibilityLevel: 'FULL' });
    expect(await to!.registry('GET', '/mode/a-value')).toMatchObject({ error_code: 40409 });
    // Those that are there are left as they are; others of the same name stand in the way.
    expect((await to!.backup(`restore ${backup} --append --no-groups`)).at(-1)).toMatchObject({ count: 0 });
    await to!.registry('POST', '/subjects/a-value/versions', avro('A', [field('x'), field('y'), field('z')]));
    await to!.registry('DELETE', '/subjects/other-value');
    await to!.registry('DELETE', '/subjects/other-value?permanent=true');
    await to!.registry('POST', '/subjects/other-value/versions', avro('Another', [field('p')]));
    expect(await to!.refused(`restore ${backup} --append --no-groups`)).toMatch(
      /^the registry has other versions of other-value: /,
    );
    expect(
      (await to!.run(`backup create ${join(directory, 'none')} any-1 -b ${from!.server} --registry http://127.0.0.1:1`))
        .code,
    ).toBe('REGISTRY_UNREACHABLE');
  });
});

describe('files', () => {
  const backup = join(directory, 'whole');
  test('are compared with their checksums', async () => {
    await from!.backup(`create ${backup} -r 'any-[12]' --no-schemas`);
    const { out, error } = await from!.run(`backup verify ${backup} -o json`);
    expect(error).toBeUndefined();
    const files = JSON.parse(out) as { file: string; state: string }[];
    expect(files.map(({ file }) => file)).toEqual(
      [1, 2].flatMap((n) => [0, 1, 2].map((p) => `topics/any-${n}/${p}.jsonl.gz`)).concat('groups.json'),
    );
    expect(new Set(files.map(({ state }) => state))).toEqual(new Set(['whole']));

    const [first, second, third] = files.map(({ file }) => join(backup, file));
    truncateSync(first!, 3);
    const changed = readFileSync(second!);
    changed[changed.length - 1]! ^= 1;
    writeFileSync(second!, changed);
    rmSync(third!);
    const broken = await from!.run(`backup verify ${backup} -o csv`);
    expect(broken.code).toBe('BACKUP_DAMAGED');
    expect(broken.out).toMatch(
      /\n[^\n]*it has 3 bytes instead of \d+\n[^\n]*its checksum is another\n[^\n]*it is missing\n/,
    );
    expect(await to!.refused(`restore ${backup} --no-schemas`)).toMatch(/any-1\/0.jsonl.gz: it has 3 bytes instead of/);
  });

  test('are in a directory of their own, and a manifest says that they are all there', async () => {
    expect(await from!.refused(`create ${backup} any-1`)).toMatch(
      /is not empty: a backup wants a directory of its own/,
    );
    rmSync(join(backup, 'manifest.json'));
    expect((await from!.run(`backup verify ${backup}`)).error).toMatch(
      /it has no manifest.json: it was broken off, or is none/,
    );
    expect(await from!.refused(`create ${join(directory, 'new')} none-such`)).toBe('there is no topic none-such.');
    expect(existsSync(join(directory, 'new'))).toBe(false);
    expect(await to!.refused(`restore ${join(directory, 'groups')} else --no-schemas`)).toBe(
      'the backup has no topic else.',
    );
  });

  test('are of all topics but those with an underscore in front, which is told', async () => {
    const { err, out } = await from!.run(`backup create ${join(directory, 'all')} $B --no-schemas -o csv`);
    expect(err).toMatch(/^Left out, --internal takes them, too: .*_schemas/);
    expect(out).toMatch(/\ntopic,read,2,7\n/);
  });
});
