// The eight requests that everybody's notes about the REST proxy have, as curl sends them, to the platform as it is started.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANY_PORTS, Millrace } from '../cli/support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-recipes-'));
let millrace: Millrace;
let url: string;

beforeAll(async () => {
  millrace = new Millrace(['start', '-d', directory, ...ANY_PORTS, '-p', 'num.partitions=1']);
  url = (await millrace.says(/REST proxy ready +(http:\S+)/))[1]!;
  await millrace.says(/is up after/);
});
afterAll(async () => {
  await millrace.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

/** Runs `curl …`; the answer's status, and its body. */
async function curl(...words: readonly string[]): Promise<{ status: number; body: unknown }> {
  const args = words.map((word) => word.replace('localhost:8082', url.replace('http://', '')));
  const { stdout } = await promisify(execFile)('curl', ['-s', '-w', '\n%{http_code}', ...args]);
  const at = stdout.lastIndexOf('\n');
  const body = stdout.slice(0, at);
  return { status: Number(stdout.slice(at + 1)), body: body === '' ? '' : (JSON.parse(body) as unknown) };
}

const V2 = 'Content-Type: application/vnd.kafka.v2+json';
const INSTANCE = 'localhost:8082/consumers/go_json_consumer/instances/my_consumer_instance';

describe('the recipes', () => {
  test('4: a record makes its topic', async () => {
    const said = await curl(
      ...['-X', 'POST', '-H', 'Content-Type: application/vnd.kafka.json.v2+json'],
      ...['-H', 'Accept: application/vnd.kafka.v2+json', '--data', '{"records":[{"value":{"msg":"success 4"}}]}'],
      'localhost:8082/topics/topicgo1',
    );
    expect(said).toEqual({
      status: 200,
      body: {
        offsets: [{ partition: 0, offset: 0, error_code: null, error: null }],
        key_schema_id: null,
        value_schema_id: null,
      },
    });
  });

  test('1, 2, 3: topics, a topic, its partitions', async () => {
    expect((await curl('localhost:8082/topics')).body).toContain('topicgo1');
    const partitions = [{ partition: 0, leader: 1, replicas: [{ broker: 1, leader: true, in_sync: true }] }];
    expect((await curl('localhost:8082/topics/topicgo1')).body).toMatchObject({
      name: 'topicgo1',
      configs: { 'cleanup.policy': 'delete' },
      partitions,
    });
    expect((await curl('localhost:8082/topics/topicgo1/partitions')).body).toEqual(partitions);
  });

  test('5, 6, 7, 8: a consumer, its subscription, its records, its end', async () => {
    const made = await curl(
      ...['-X', 'POST', '-H', V2, '--data'],
      '{"name": "my_consumer_instance", "format": "json", "auto.offset.reset": "earliest"}',
      'localhost:8082/consumers/go_json_consumer',
    );
    expect(made).toEqual({
      status: 200,
      body: {
        instance_id: 'my_consumer_instance',
        base_uri: `${url}/consumers/go_json_consumer/instances/my_consumer_instance`,
      },
    });
    const subscribed = await curl(
      ...['-X', 'POST', '-H', V2, '--data', '{"topics":["topicgo1"]}', `${INSTANCE}/subscription`],
    );
    expect(subscribed).toEqual({ status: 204, body: '' });
    const read = () => curl('-X', 'GET', '-H', 'Accept: application/vnd.kafka.json.v2+json', `${INSTANCE}/records`);
    let records = await read();
    // The first call may be empty: the group is being formed.
    while (records.status === 200 && (records.body as unknown[]).length === 0) records = await read();
    expect(records.body).toEqual([
      { topic: 'topicgo1', key: null, value: { msg: 'success 4' }, partition: 0, offset: 0 },
    ]);
    expect(await curl('-X', 'DELETE', '-H', V2, INSTANCE)).toEqual({ status: 204, body: '' });
  });
});
