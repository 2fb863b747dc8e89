// The mail sink and a server that keeps the mails.
import { afterAll, expect, test } from 'vitest';
import { smtpSink } from '../../src/connect/connectors/smtp/index.ts';
import { INT32, parseConfig, type SinkRecord, sinkContract, STRING, structOf } from '../../src/connect/index.ts';
import { emitting } from './jdbc/suite.ts';
import { MailServer } from './support/smtp.ts';
import { afterwards, openCluster, openWorker, recordsIn, until } from './support/worker.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const emit = { name: 'emit', 'connector.class': 'test.Emitting', 'value.converter': JSON_CONVERTER };
const order = structOf({ id: INT32, mail: STRING, note: STRING });
const of = (id: number, mail: string, note = 'thanks') => ({
  keySchema: STRING,
  key: `k${id}`,
  valueSchema: order,
  value: { id, mail, note },
});

const settingsOf = (server: MailServer, more: Record<string, string> = {}) => ({
  'smtp.host': '127.0.0.1',
  'smtp.port': String(server.port),
  'smtp.user': 'me',
  'smtp.password': 'secret',
  'mail.from': 'Shop <shop@example.com>',
  'mail.to': '${mail}',
  'retry.backoff.ms': '10',
  ...more,
});

async function start(emitted: Parameters<typeof emitting>[0]) {
  const server = new MailServer();
  await server.listen();
  afterwards(() => server.close());
  const client = (await openCluster()).connect();
  const opened = await openWorker(client, [smtpSink, emitting(emitted)]);
  const run = async (config: Record<string, string>): Promise<void> => {
    await opened.worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
  };
  await run(emit);
  const sink = (more: Record<string, string> = {}) =>
    run({
      name: 'out',
      'connector.class': 'SmtpSink',
      topics: 'in',
      'value.converter': JSON_CONVERTER,
      ...settingsOf(server, more),
    });
  return { client, server, sink, ...opened };
}

const recipients = ({ taken }: MailServer): string[] => taken.map(({ to }) => to.join());

test('each record is a mail, over one connection, and no mail is HTML because its record is', async () => {
  const { server, sink } = await start([
    of(1, 'ann@example.com', '<b>&'),
    { ...of(2, ''), valueSchema: null, value: null },
    of(3, 'bob@example.com, cid@example.com'),
  ]);
  await sink({
    'mail.subject': 'Order ${id} für ${key}\r\nBcc: all@example.com',
    'mail.text': 'Note: ${note}',
    'mail.html': '<p>${note}</p>',
  });
  await until('two', () => server.taken.length === 2);
  expect(server.connections).toBe(1);
  expect(recipients(server)).toEqual(['ann@example.com', 'bob@example.com,cid@example.com']);
  const [first, second] = server.taken;
  expect(first!.from).toBe('shop@example.com');
  expect(first!.headers).toMatchObject({ from: 'Shop <shop@example.com>', to: 'ann@example.com' });
  expect(first!.headers).not.toHaveProperty('bcc');
  expect(first!.headers['subject']).toMatch(/^=\?UTF-8\?Q\?Order_1_f=C3=BCr_k1/);
  expect(first!.body).toContain('Note: <b>&');
  expect(first!.body).toContain('<p>&lt;b&gt;&amp;</p>');
  expect(second!.headers['message-id']).not.toBe(first!.headers['message-id']);
});

test('records that come together share a mail where that is wanted', async () => {
  const { server, sink } = await start(
    [1, 2, 3, 4, 5].map((id) => of(id, id === 2 ? 'b@example.com' : 'a@example.com')),
  );
  await sink({ 'mail.per': 'batch', 'batch.max.records': '3', 'mail.text': '${id}' });
  await until('all', () => server.taken.reduce((sum, { body }) => sum + body.split('\n').length, 0) === 5);
  const bodies = (to: string) => server.taken.filter((mail) => mail.to[0] === to).map(({ body }) => body);
  expect([bodies('a@example.com').join('\n'), bodies('b@example.com')]).toEqual(['1\n3\n4\n5', ['2']]);
  expect(server.taken.every(({ body }) => body.split('\n').length <= 3)).toBe(true);
  expect(server.taken[0]!.headers['subject']).toBe('in');
});

test('what the server takes later is sent again, and what it has taken is not', async () => {
  const { server, sink, heard } = await start([1, 2, 3, 4].map((id) => of(id, `a${id}@example.com`)));
  server.answers.push('250 taken', '451 later', '250 taken', 'drop', '421 going away');
  await sink();
  await until('four', () => server.taken.length >= 4);
  expect(recipients(server)).toEqual([1, 2, 3, 4].map((id) => `a${id}@example.com`));
  expect(server.taken[0]!.body).toBe('{"id":1,"mail":"a1@example.com","note":"thanks"}');
  expect(heard.stateOf('out-0')).toBe('RUNNING');
});

test('a server that is away is waited for as long as max.retries allows', async () => {
  const { server, sink, heard } = await start([of(1, 'a@example.com')]);
  await server.close();
  await sink({ name: 'hasty', 'max.retries': '2' });
  await heard.is('hasty-0', 'FAILED');
  expect(heard.traces.get('hasty-0')).toContain('Exceeded max.retries (2)');
  await sink({ 'max.retries': '100000' });
  await heard.is('out-0', 'RUNNING');
  await server.listen();
  await until('it', () => server.taken.length === 1);
});

test('mails that nobody takes are reported, and the others are sent', async () => {
  const { client, server, sink, heard, log } = await start([
    of(1, 'a@example.com'),
    of(2, 'nobody@example.com'),
    of(3, 'no address'),
    { ...of(4, ''), valueSchema: STRING, value: 'no field' },
    of(5, 'b@example.com'),
    of(6, 'c@example.com, nobody@example.com'),
  ]);
  await sink({ name: 'strict' });
  await heard.is('strict-0', 'FAILED');
  const before = server.taken.length;
  await sink({ 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' });
  await until('three', () => server.taken.length === before + 3);
  expect(recipients(server).slice(before)).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
  await until('the letters', async () => (await recordsIn(client, 'dead')).length === 3);
  expect((await recordsIn(client, 'dead')).map(({ key }) => key!.toString()).sort()).toEqual(['k2', 'k3', 'k4']);
  await until('the warning', () => log.some((line) => line.includes('went to all but nobody@example.com')));
});

test('a login that is wrong is told before anything is done, and fails the task', async () => {
  const { server, sink, heard } = await start([of(1, 'a@example.com')]);
  const problems = (more: Record<string, string> = {}) =>
    smtpSink.validate!(parseConfig(smtpSink.config, settingsOf(server, more)));
  expect(await problems()).toEqual([]);
  expect((await problems({ 'smtp.password': 'wrong' }))[0]!.message).toContain('535');
  expect((await problems({ 'smtp.require.tls': 'true' }))[0]!.message).toMatch(/STARTTLS/);
  expect((await problems({ 'smtp.port': '1' }))[0]!.message).toContain('ECONNREFUSED');
  const half = { 'smtp.host': 'x', 'smtp.user': 'me', 'mail.from': 'a@example.com', 'mail.to': 'b@example.com' };
  expect((await smtpSink.validate!(parseConfig(smtpSink.config, half)))[0]!.name).toBe('smtp.password');
  await sink({ 'smtp.password': 'wrong' });
  await heard.is('out-0', 'FAILED');
  expect(server.taken).toEqual([]);
});

const shared = new MailServer();
await shared.listen();
afterAll(() => shared.close());
const records: SinkRecord[] = Array.from({ length: 5 }, (_, offset) => ({
  topic: 't',
  partition: 0,
  offset,
  ...of(offset, `a${offset}@example.com`),
  timestamp: 1000,
  timestampType: 'CreateTime',
  headers: [],
  originalTopic: 't',
  originalPartition: 0,
  originalOffset: offset,
}));
test.each(
  sinkContract(smtpSink, {
    config: settingsOf(shared),
    records,
    prepare: () => void shared.taken.splice(0),
    written: () => shared.taken.map(({ to, body, headers }) => [to, body, headers['message-id']]),
  }),
)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});
