// The verbs of `confluent`, each as people type it, in its old and its new spellings: one process behind, found again by a
// directory. Its ports are any that are free, by the environment.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Millrace, type Outcome } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-confluent-'));
const bin = join(import.meta.dirname, '..', '..', 'bin', 'confluent');
const env = {
  CONFLUENT_CURRENT: directory,
  MILLRACE_LISTENERS: 'PLAINTEXT://127.0.0.1:0',
  MILLRACE_SCHEMA_REGISTRY_LISTENERS: 'http://127.0.0.1:0',
  MILLRACE_KAFKA_REST_LISTENERS: 'http://127.0.0.1:0',
  MILLRACE_KSQL_LISTENERS: 'http://127.0.0.1:0',
  MILLRACE_CONNECT_LISTENERS: 'http://127.0.0.1:0',
};

function confluent(words: string, input = ''): Promise<Outcome> {
  return new Millrace(words.split(' '), { bin, env, input }).ended;
}

afterAll(async () => {
  await confluent('stop');
  rmSync(directory, { recursive: true, force: true });
});

const serving = ['zookeeper', 'kafka', 'schema-registry', 'kafka-rest', 'connect', 'ksql-server'];
const isUp = (names: readonly string[]): string => names.map((name) => `${name} is [UP]\n`).join('');

describe('before anything runs', () => {
  test.each([
    [
      'list',
      'Available services:\n  zookeeper\n  kafka\n  schema-registry\n  kafka-rest\n  connect\n  ksql-server\n  control-center\n',
    ],
    ['status kafka', 'kafka is [DOWN]\n'],
    ['local services kafka status', 'kafka is [DOWN]\n'],
    ['stop kafka', 'Using CONFLUENT_CURRENT: (none)\nkafka is [DOWN]\n'],
  ])('%s', async (words, stdout) => {
    expect(await confluent(words)).toEqual({ code: 0, stdout, stderr: '' });
  });

  test.each([
    ['top kafka', 'No services run: confluent start starts them.\n'],
    ['log kafka', 'There is no log: nothing was started yet.\n'],
    ['destroy', 'There is nothing to destroy.\n'],
    ['load my-sink', 'Say what my-sink is: confluent load my-sink -d <file>.\n'],
    ['unload', 'Say which connector, and behind -d the file that says what it is.\n'],
    ['start control-center', 'Control Center is not there yet.\n'],
    ['start kafak', 'There is no service "kafak": use zookeeper, kafka, '],
    ['statr kafka', 'There is no command "statr". Did you mean "start"?\n'],
    ['consume', 'Name a topic: confluent consume <topic>\n'],
    [
      'consume t --value-format xml',
      '--value-format: use avro, json, json-schema, jsonschema, protobuf or string, not "xml"\n',
    ],
  ])('%s says why not', async (words, stderr) => {
    const said = await confluent(words);
    expect(said).toMatchObject({ code: 1, stdout: '' });
    expect(said.stderr.slice(0, stderr.length)).toBe(stderr);
  });

  test('help and version', async () => {
    expect((await confluent('help')).stdout).toMatch(/^confluent <command>.*\n {2}list .*\n {2}start /);
    expect((await confluent('help consume')).stdout.split('\n')).toHaveLength(3);
    expect((await confluent('--help')).code).toBe(0);
    expect((await confluent('version kafka')).stdout).toMatch(/^Millrace \d/);
  });
});

test('starts, is used, stops, and goes on with its data', async () => {
  const started = await confluent('start kafka');
  const [, run] = /^Using CONFLUENT_CURRENT: (\S+)\n/.exec(started.stdout)!;
  expect(started).toEqual({
    code: 0,
    stdout: `Using CONFLUENT_CURRENT: ${run}\n${serving.map((name) => `Starting ${name}\n${name} is [UP]\n`).join('')}`,
    stderr: '',
  });
  expect((await confluent('current')).stdout).toBe(`${run}\n`);
  expect((await confluent('local current')).stdout).toBe(`${run}\n`);
  // A second start finds what runs.
  expect((await confluent('local services start')).stdout).toBe(started.stdout);
  expect((await confluent('status')).stdout).toContain(isUp(['zookeeper', 'kafka', 'schema-registry']));
  expect((await confluent('status kafka')).stdout).toBe('kafka is [UP]\n');
  expect((await confluent('local services kraft status')).stdout).toBe('kraft is [UP]\n');
  expect((await confluent('local services kafka log')).stdout).toMatch(/^Broker ready /);
  expect((await confluent('top kafka')).stdout).toMatch(/PID.*\n *\d+ .*millrace start/);

  expect(await confluent('produce words', 'a\nb\n')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await confluent('local services kafka consume words --from-beginning --max-messages 2')).toEqual({
    code: 0,
    stdout: 'a\nb\n',
    stderr: 'Processed a total of 2 messages\n',
  });
  const typed = await confluent('local produce typed -- --value-format avro --property value.schema="long"', '5\n');
  expect(typed).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await confluent('consume typed --value-format=avro --from-beginning --max-messages 1')).stdout).toBe('5\n');
  const refused = await confluent('produce typed --value-format avro', '5\n');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Must provide the Avro schema .*\n$/) });

  // Connectors, in the old spelling and the new one.
  const file = join(directory, 'lines.properties');
  writeFileSync(join(directory, 'lines.txt'), 'one\n');
  writeFileSync(file, `connector.class=FileStreamSource\nfile=${join(directory, 'lines.txt')}\ntopic=lines\n`);
  const loaded = await confluent(`load lines -d ${file}`);
  expect(loaded).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(loaded.stdout)).toMatchObject({ name: 'lines', config: { topic: 'lines' } });
  expect((await confluent('list connectors')).stdout).toBe('[\n  "lines"\n]\n');
  expect((await confluent('local services connect connector list')).stdout).toBe('[\n  "lines"\n]\n');
  expect((await confluent('list plugins')).stdout).toContain('org.apache.kafka.connect.file.FileStreamSourceConnector');
  expect(JSON.parse((await confluent('local services connect connector status lines')).stdout)).toMatchObject({
    name: 'lines',
    type: 'source',
  });
  expect((await confluent('config lines')).stdout).toContain("Current configuration of 'lines' connector:");
  expect((await confluent('unload lines')).stdout).toBe('Success.\n');
  expect(await confluent('status lines')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('No status found for connector lines'),
  });

  const stopped = await confluent('stop');
  expect(stopped.stdout).toBe(
    `Using CONFLUENT_CURRENT: ${run}\n${serving
      .toReversed()
      .map((name) => `Stopping ${name}\n${name} is [DOWN]\n`)
      .join('')}`,
  );
  expect((await confluent('status kafka')).stdout).toBe('kafka is [DOWN]\n');

  expect((await confluent('local services kafka start')).code).toBe(0);
  expect((await confluent('consume words --from-beginning --max-messages 2')).stdout).toBe('a\nb\n');
  expect((await confluent('destroy')).stdout).toMatch(new RegExp(`Deleting: ${run}\\n$`));
  expect(existsSync(run!)).toBe(false);
});
