// What goes wrong with records, as rows of a stream, and the records themselves in a topic of their own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsOf } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { overHttp, PLACES, type SqlOverHttp } from './http.ts';

const LOG = {
  'ksql.logging.processing.topic.auto.create': true,
  'ksql.logging.processing.stream.auto.create': true,
};

describe.each(PLACES)('the processing log, queries %s', (_place, settings) => {
  let dataDir: string;
  let platform: Platform;
  let sql: SqlOverHttp;

  const start = async (more: Record<string, string | number | boolean>): Promise<void> => {
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
        'ksql.streams.commit.interval.ms': 20,
        ...settings,
        ...LOG,
        ...more,
      },
    });
    sql = overHttp(platform.url('sql'), () => platform.stop());
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
    await start({ 'ksql.logging.processing.rows.include': true });
    await sql.ksql(`
      CREATE STREAM s (id INT KEY, v INT, l ARRAY<INT>) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
      SET 'ksql.streams.errors.dead.letter.queue.topic.name'='unreadable';
      CREATE STREAM letters AS SELECT id, v + 1 AS w FROM s;
      UNSET 'ksql.streams.errors.dead.letter.queue.topic.name';
      CREATE STREAM halves AS SELECT id, 10 / v AS w FROM s WHERE 10 / v > 0;`);
    const producer = platform.client.producer();
    const key = Buffer.from([0, 0, 0, 7]);
    await producer.send({ topic: 's', key, value: '{"V": 1}' });
    await producer.send({ topic: 's', key, value: '{"V": "no number"}' });
    await producer.send({ topic: 's', key, value: '{"V": 0}' });
    await producer.close();
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const rows = (condition: string): Promise<unknown[][]> =>
    sql.rows(`SELECT logger, level, message FROM ksql_processing_log WHERE ${condition};`);

  test('tells which record could not be read, and why', async () => {
    const condition = "message->type = 0 AND logger LIKE '%HALVES%'";
    await expect.poll(async () => (await rows(condition)).length).toBe(1);
    const [[logger, level, message]] = (await rows(condition)) as [[string, string, Record<string, unknown>]];
    expect([logger, level]).toEqual(['processing.CSAS_HALVES_1.source.deserializer', 'ERROR']);
    expect(message).toMatchObject({
      TYPE: 0,
      DESERIALIZATIONERROR: {
        TARGET: 'value',
        ERRORMESSAGE: expect.stringContaining("Can't convert type") as string,
        RECORDB64: Buffer.from('{"V": "no number"}').toString('base64'),
        topic: 's',
        partition: 0,
        offset: 1,
      },
      RECORDPROCESSINGERROR: null,
    });
  });

  test('tells which row an expression failed over', async () => {
    const condition = 'message->type = 1';
    await expect.poll(async () => (await rows(condition)).length).toBe(1);
    const [[logger, , message]] = (await rows(condition)) as [[string, string, Record<string, unknown>]];
    expect(logger).toBe('processing.CSAS_HALVES_1.WHERE');
    expect(message).toMatchObject({
      RECORDPROCESSINGERROR: {
        ERRORMESSAGE: expect.stringMatching(/zero/i) as string,
        RECORD: expect.stringContaining('0') as string,
        topic: 's',
        partition: 0,
        offset: 2,
      },
    });
  });

  test('keeps records that could not be read, whole', async () => {
    const at = { topic: 'unreadable', partition: 0 };
    const consumer = platform.client.consumer();
    const admin = platform.client.admin();
    await expect.poll(async () => (await admin.listTopics()).includes('unreadable')).toBe(true);
    consumer.assign([{ ...at, offset: 0 }]);
    const letters = [];
    while (letters.length === 0) letters.push(...recordsOf(await consumer.poll(1000)));
    await consumer.close();
    expect(letters).toHaveLength(1);
    const [letter] = letters;
    expect([letter!.key?.toString('hex'), String(letter!.value)]).toEqual(['00000007', '{"V": "no number"}']);
    const headers = Object.fromEntries(letter!.headers.map((header) => [header.key, String(header.value)]));
    expect(headers).toMatchObject({
      '__streams.errors.topic': 's',
      '__streams.errors.partition': '0',
      '__streams.errors.offset': '1',
      '__streams.errors.message': expect.stringContaining("Can't convert type") as string,
    });
    const [tables] = await sql.ksql('DESCRIBE letters EXTENDED;');
    expect(tables).toMatchObject({
      sourceDescription: { errorStats: expect.stringContaining('undecodable: 1') as string },
    });
  });

  test('tells which row could not be written', async () => {
    const subject = `${platform.url('schema-registry')}/subjects/strict-value/versions`;
    const schema = { type: 'record', name: 'R', fields: [{ name: 'W', type: 'int' }] };
    const registered = await fetch(subject, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    });
    const { id } = (await registered.json()) as { id: number };
    await sql.ksql(`
      CREATE STREAM loose (v INT) WITH (KAFKA_TOPIC='loose', PARTITIONS=1, VALUE_FORMAT='JSON');
      CREATE STREAM strict WITH (KAFKA_TOPIC='strict', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=${id}) AS SELECT v AS w FROM loose;
      INSERT INTO loose VALUES (NULL);`);
    const condition = 'message->type = 3';
    await expect.poll(async () => (await rows(condition)).length).toBe(1);
    const [[logger, , message]] = (await rows(condition)) as [[string, string, Record<string, unknown>]];
    expect(logger).toMatch(/^processing\.CSAS_STRICT_\d+\.sink\.serializer$/);
    expect(message).toMatchObject({
      SERIALIZATIONERROR: {
        TARGET: 'value',
        ERRORMESSAGE: expect.stringContaining('W is null') as string,
        RECORD: '[null]',
        topic: 'strict',
      },
      PRODUCTIONERROR: null,
    });
    await sql.ksql('DROP STREAM strict;');
  });

  test('tells what stopped a query', async () => {
    await sql.ksql(`
      SET 'ksql.fail.on.deserialization.error'='true';
      CREATE STREAM stops AS SELECT id, v FROM s;`);
    const condition = "message->type = 4 AND logger LIKE '%STOPS%'";
    await expect.poll(async () => (await rows(condition)).length).toBe(1);
    expect((await rows(condition))[0]![2]).toMatchObject({
      KAFKASTREAMSTHREADERROR: { THREADNAME: expect.stringContaining('STOPS') as string },
    });
    await sql.ksql('DROP STREAM stops;');
  });

  test('is there again after a restart, and leaves rows out where nobody wants them', async () => {
    await platform.stop();
    await start({});
    const [listed] = await sql.ksql('SHOW STREAMS;');
    expect(JSON.stringify(listed)).toContain('default_ksql_processing_log');
    const producer = platform.client.producer();
    await producer.send({ topic: 's', key: Buffer.from([0, 0, 0, 9]), value: 'nothing' });
    await producer.close();
    const condition = "message->type = 0 AND message->deserializationError->`offset` = 3 AND logger LIKE '%HALVES%'";
    await expect.poll(async () => (await rows(condition)).length).toBe(1);
    expect((await rows(condition))[0]![2]).toMatchObject({ DESERIALIZATIONERROR: { RECORDB64: null } });
  });
});
