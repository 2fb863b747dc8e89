// `millrace produce` and `consume`: what goes in comes out, in each form, through the registry, to the end and followed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../../src/client/index.ts';
import { Platform } from '../../../src/platform/index.ts';
import { Millrace } from '../support.ts';
import { commandsOn, type Said } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-records-'));
let platform: Platform;
let client: Client;
let server: string;
let registry: string;
const run = commandsOn(() => server);

beforeAll(async () => {
  platform = await Platform.start({
    settings: {
      'log.dirs': join(directory, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'group.initial.rebalance.delay.ms': '0',
    },
  });
  server = platform.url('broker').replace(/^.*:\/\//, '');
  registry = platform.url('schema-registry');
  client = createClient({ bootstrapServers: server });
});
afterAll(async () => {
  await client.close();
  await platform.stop();
  rmSync(directory, { recursive: true, force: true });
});

let topics = 0;
async function topic(partitions = 1): Promise<string> {
  const name = `topic-${++topics}`;
  await client.admin().createTopics([{ name, partitions }]);
  return name;
}

async function produced(line: string, input: string): Promise<Said> {
  const said = await run(`${line} $B -o csv`, { input });
  expect(said.error).toBeUndefined();
  return said;
}

async function consumed(line: string): Promise<string> {
  const { out, err, error } = await run(`consume $B -e ${line} --registry ${registry}`);
  expect({ err, error }).toEqual({ err: '', error: undefined });
  return out;
}

describe('produce', () => {
  test('lines, with keys, headers and nulls', async () => {
    const name = await topic(2);
    expect((await produced(`produce ${name} -K : -H from=test -p 1 -Z`, 'a:1\nb:\n:3\n')).out).toBe(
      `topic,sent,refused\n${name},3,0\n`,
    );
    expect(await consumed(`${name} -o jsonl --filter 'timestamp > 0'`)).toMatch(
      new RegExp(
        [
          '"partition":1,"offset":0,"timestamp":\\d+,"key":"a","value":"1","headers":\\[{"name":"from","value":"test"}\\]}',
          '"offset":1,"timestamp":\\d+,"key":"b","value":null,.*',
          '"offset":2,"timestamp":\\d+,"key":null,"value":"3",.*\n$',
        ].join('[^]*'),
      ),
    );
  });

  test('JSON, its text as it is, with a member as key', async () => {
    const name = await topic();
    await produced(`produce ${name} --input jsonl -k user.id`, '{"user": {"id": 12345678901234567890}, "x":  1.0}\n\n');
    expect(await consumed(`${name} -f '%k %s|'`)).toBe(
      '12345678901234567890 {"user": {"id": 12345678901234567890}, "x":  1.0}|',
    );
    const list = await topic();
    await produced(`produce ${list} --input json`, '[{"a": 1},\n {"a": 2}]');
    expect(await consumed(list)).toBe('{"a":1}\n{"a":2}\n');
  });

  test('CSV as objects: numbers where they are written so, quotes over lines', async () => {
    const name = await topic();
    await produced(
      `produce ${name} --input csv -k id`,
      'id,code,price,note\n1,007,1.50,"two\nlines, ""quoted"""\n2,,-3e2,true\n',
    );
    expect(await consumed(`${name} -f '%k %s\\n'`)).toBe(
      '1 {"id":1,"code":"007","price":1.50,"note":"two\\nlines, \\"quoted\\""}\n2 {"id":2,"code":null,"price":-3e2,"note":true}\n',
    );
    const texts = await topic();
    await produced(`produce ${texts} --input csv --csv-text --csv-delimiter ';'`, 'id;b\n1;true\n');
    expect(await consumed(texts)).toBe('{"id":"1","b":"true"}\n');
  });

  test('what is refused is told with its line, and ends it, unless it goes on', async () => {
    const name = await topic();
    const lines = '{"a":1}\nno\n{"a":2}\n';
    const stopped = await run(`produce ${name} $B --input jsonl -o csv`, { input: lines });
    expect(stopped).toMatchObject({ out: `topic,sent,refused\n${name},1,1\n`, code: 'INVALID_INPUT' });
    expect(stopped.err).toMatch(/^line 2: unexpected text at/);
    expect(stopped.error).toMatch(/^1 lines were refused, 1 were sent; what stands behind them was not read/);
    const skipped = await run(`produce ${name} $B --input jsonl --skip-bad-lines -o csv`, { input: lines });
    expect(skipped).toEqual({
      out: `topic,sent,refused\n${name},2,1\n`,
      err: expect.stringMatching(/^line 2: /) as string,
    });
    expect(await consumed(name)).toBe('{"a":1}\n{"a":1}\n{"a":2}\n');
    // What the broker refuses is one of them.
    await client.admin().createTopics([{ name: 'small', configs: { 'max.message.bytes': '200' } }]);
    const tooLarge = await run('produce small $B --skip-bad-lines -o csv', { input: `a\n${'b'.repeat(1000)}\nc\n` });
    expect(tooLarge.out).toBe('topic,sent,refused\nsmall,2,1\n');
    expect(tooLarge.err).toMatch(/^line 2: /);
    expect((await run('produce none $B', { input: 'x' })).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await run(`produce ${name} $B -p 5`, { input: 'x' })).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('numbers and bytes, from a file', async () => {
    const name = await topic();
    const file = join(directory, 'numbers.txt');
    writeFileSync(file, '7 00ff\n-1 \n');
    await produced(`produce ${name} --file ${file} -K ' ' --key-format int --value-format hex`, '');
    expect(await consumed(`${name} -f '%k %s{hex} %S\\n' --key-format int`)).toBe('7 00ff 2\n-1  0\n');
    const longs = await topic();
    await produced(`produce ${longs} --value-format long`, '9007199254740993\n');
    await produced(`produce ${longs} --value-format double`, '1.5\n');
    expect(await consumed(`${longs} --value-format long -n 1`)).toBe('9007199254740993\n');
    expect(await consumed(`${longs} --value-format double --offset 1`)).toBe('1.5\n');
    expect((await run(`produce ${longs} $B --value-format int`, { input: 'x' })).err).toMatch(
      /^line 1: "x" is not a number/,
    );
  });

  test('partitions by the key as Kafka’s clients have it, as librdkafka’s, in turn', async () => {
    const name = await topic(4);
    await produced(`produce ${name} -K :`, 'a:1\nb:2\n');
    await produced(`produce ${name} -K : --partitioner crc32`, 'a:3\nb:4\n');
    await produced(`produce ${name} --partitioner round-robin`, '5\n6\n7\n8\n');
    const rows = (await consumed(`${name} -f '%s %p\\n'`)).trim().split('\n').sort();
    // crc32("a") = 3904355907, crc32("b") = 1908338681.
    expect(rows.slice(2)).toEqual(['3 3', '4 1', '5 0', '6 1', '7 2', '8 3']);
  });

  test('Avro, JSON Schema and Protobuf by the schemas of the registry', async () => {
    const avro = await topic();
    const schema = {
      type: 'record',
      name: 'Sale',
      fields: [
        { name: 'item', type: 'string' },
        { name: 'n', type: 'long' },
      ],
    };
    const file = join(directory, 'sale.avsc');
    writeFileSync(file, JSON.stringify(schema));
    const flags = `--value-format avro --registry ${registry}`;
    const without = await run(`produce ${avro} $B ${flags}`, { input: '{"item":"tea","n":1}\n' });
    expect(without.code).toBe('SCHEMA_NOT_FOUND');
    await produced(`produce ${avro} ${flags} --value-schema ${file}`, '{"item":"tea","n":9007199254740993}\n');
    await produced(`produce ${avro} ${flags} --input csv`, 'item,n\nrice,2\n');
    const wrong = await run(`produce ${avro} $B ${flags} --input jsonl`, { input: '{"item":"tea"}\n' });
    expect(wrong.err).toMatch(/^line 1: /);
    expect(await consumed(avro)).toBe('{"item":"tea","n":9007199254740993}\n{"item":"rice","n":2}\n');
    expect(await consumed(`${avro} --value-format avro --filter 'value.n > 9007199254740992' -f '%s'`)).toBe(
      '{"item":"tea","n":9007199254740993}',
    );

    const proto = await topic();
    const protoFile = join(directory, 'sale.proto');
    writeFileSync(protoFile, 'syntax = "proto3"; message Other {} message Sale { string item = 1; int64 n = 2; }');
    const ofProto = `--value-format protobuf --registry ${registry} --value-schema ${protoFile}`;
    await produced(`produce ${proto} ${ofProto} --message Sale`, '{"item":"tea","n":3}\n');
    expect(await consumed(proto)).toBe('{"item":"tea","n":3}\n');

    const json = await topic();
    const jsonFile = join(directory, 'sale.json');
    writeFileSync(jsonFile, '{"type":"object","title":"Sale","properties":{"n":{"type":"integer"}}}');
    await produced(
      `produce ${json} --value-format jsonschema --registry ${registry} --value-schema ${jsonFile}`,
      '{"n":4}\n',
    );
    expect(await consumed(`${json} -o jsonl`)).toMatch(/"key":null,"value":{"n":4},"headers":\[\]}\n$/);
    // What only begins as if it had a schema does not hide what has one.
    await produced(`produce ${json} --value-format hex`, '0000000001ff\n0000000000000007\n');
    await produced(`produce ${json} --value-format jsonschema --registry ${registry}`, '{"n":5}\n');
    expect(await consumed(`${json} --offset 1`)).toBe('AAAAAAH/\nAAAAAAAAAAc=\n{"n":5}\n');
    // Without the registry what it would have described is base64, which is told once.
    const alone = await run(`consume $B -e ${json} ${avro} --registry http://127.0.0.1:1`);
    expect(alone.out).toMatch(/^([\w+/=]+\n){6}$/);
    expect(alone.err.trim().split('\n')).toHaveLength(1);
  });

  test('until somebody has enough: what was read is sent', async () => {
    const name = await topic();
    const typing = new Millrace(['produce', name, '-b', server, '-o', 'csv'], { keepsInput: true });
    typing.child.stdin!.write('one\ntwo\n');
    const seen = new Millrace(['consume', name, '-b', server, '-n', '2']);
    await seen.ended;
    expect(await typing.kill('SIGINT')).toEqual({ code: 0, stdout: `topic,sent,refused\n${name},2,0\n`, stderr: '' });
  });

  test('what consume -o jsonl writes', async () => {
    const [from, to] = [await topic(2), await topic(3)];
    await produced(`produce ${from} -K : -H a=1 -H b=2`, 'k1:{"n":12345678901234567890}\nk2:text\n:\n');
    const records = await consumed(`${from} -o jsonl`);
    await produced(`produce ${to} --input records`, records);
    const essence = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => line.replace(/"topic".*?"timestamp"/, '"timestamp"'))
        .sort();
    expect(essence(await consumed(`${to} -o jsonl`))).toEqual(essence(records));
    const refused = await run(`produce ${to} $B --input records`, { input: '{"value":1,"keys":2}\n' });
    expect(refused.err).toMatch(/^line 1: a record has no keys/);
  });
});

describe('consume', () => {
  let name: string;
  beforeAll(async () => {
    name = await topic();
    const producer = client.producer();
    for (let i = 0; i < 6; i++) {
      const headers = [{ key: 'h', value: `${i}` }];
      await producer.send({
        topic: name,
        key: `k${i}`,
        value: `{"n": ${i}}`,
        timestamp: 1_700_000_000_000 + i,
        headers,
      });
    }
    await producer.send({ topic: name, value: null, timestamp: 1_700_000_000_006 });
    await producer.close();
  });

  test('from and to the places that are named', async () => {
    const offsets = async (range: string) => consumed(`${name} --offset ${range} -f '%o '`);
    expect(await offsets('start')).toBe('0 1 2 3 4 5 6 ');
    expect(await offsets('end')).toBe('');
    expect(await offsets('4')).toBe('4 5 6 ');
    expect(await offsets('-2')).toBe('5 6 ');
    expect(await offsets('+5')).toBe('5 6 ');
    expect(await offsets('1:3')).toBe('1 2 ');
    expect(await offsets(':2')).toBe('0 1 ');
    expect(await offsets('@1700000000003')).toBe('3 4 5 6 ');
    expect(await offsets('@1700000000001:@1700000000003')).toBe('1 2 ');
    expect(await consumed(`${name} -n 2 -f '%o '`)).toBe('0 1 ');
    expect((await run(`consume $B ${name} --offset middle`)).code).toBe('INVALID_OPTION');
  });

  test('in each form', async () => {
    expect(await consumed(`${name} --offset 5`)).toBe('{"n":5}\nnull\n');
    expect(await consumed(`${name} --offset 5 -o csv`)).toBe(
      `topic,partition,offset,timestamp,key,value,headers\n${name},0,5,1700000000005,k5,"{""n"":5}",h=5\n${name},0,6,1700000000006,,,\n`,
    );
    const list = JSON.parse(await consumed(`${name} --offset 5 -o json`));
    expect(list).toEqual([
      expect.objectContaining({ offset: 5, key: 'k5', value: { n: 5 }, headers: [{ name: 'h', value: '5' }] }),
      expect.objectContaining({ offset: 6, key: null, value: null, headers: [] }),
    ]);
    expect(JSON.parse(await consumed(`${name} --offset end -o json`))).toEqual([]);
    expect(await consumed(`${name} --offset 5 -o table`)).toMatch(
      /^PARTITION +OFFSET +TIMESTAMP +KEY +VALUE\n +0 +5 +2023-11-14T22:13:20.005Z +k5 +{"n":5}\n/,
    );
    expect(await consumed(`${name} --offset 5 -J`)).toBe(
      `{"topic":"${name}","partition":0,"offset":5,"tstype":"create","ts":1700000000005,"broker":1,"headers":["h","5"],"key":"k5","payload":"{\\"n\\": 5}"}\n` +
        `{"topic":"${name}","partition":0,"offset":6,"tstype":"create","ts":1700000000006,"broker":1,"key":null,"payload":null}\n`,
    );
    expect(await consumed(`${name} --offset 5 -Z -f '%t/%p/%o %k(%K) %s(%S) %s{json} %k{hex} %T [%h]\\x21%%\\n'`)).toBe(
      `${name}/0/5 k5(2) {"n": 5}(8) {"n":5} 6b35 1700000000005 [h=5]!%\n` +
        `${name}/0/6 NULL(-1) NULL(-1) null NULL 1700000000006 []!%\n`,
    );
    expect(await consumed(`${name} --offset 5:6 -f '%R%s{base64}'`)).toBe('\0\0\0\beyJuIjogNX0=');
    for (const format of ['%y', '%s{octal}', '%t{hex}', 'x%']) {
      expect((await run(`consume $B ${name} -f '${format}'`)).code).toBe('INVALID_OPTION');
    }
  });

  test('what is asked for only', async () => {
    expect(await consumed(`${name} --filter 'value.n >= 2 AND value.n < 4' -f '%o '`)).toBe('2 3 ');
    expect(await consumed(`${name} --filter 'headers.h = "4" OR value IS NULL' -f '%o '`)).toBe('4 6 ');
    expect(await consumed(`${name} --grep 'k[12]$' -f '%o '`)).toBe('1 2 ');
    const other = await topic(2);
    await produced(`produce ${other} --partitioner round-robin`, 'a\nb\nc\n');
    expect(await consumed(`${other} -p 1 -f '%s '`)).toBe('b ');
    expect(await consumed(`-r '${name}|${other}' -p 0 -f '%s{json} ' --filter 'topic = "${other}"'`)).toBe('"a" "c" ');
    expect((await run(`consume $B none-such`)).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await run(`consume $B ${other} -p 7`)).code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('what is not of its format is an error with its place, or left out and counted', async () => {
    const mixed = await topic();
    await produced(`produce ${mixed}`, '{"a":1}\nno\n{"a":2}\n');
    const failed = await run(`consume $B -e ${mixed} --value-format json`);
    expect(failed).toMatchObject({ out: '{"a":1}\n', code: 'DESERIALIZATION_FAILED' });
    expect(failed.error).toMatch(`the value of ${mixed}-0, offset 1: it is not JSON`);
    expect(await run(`consume $B -e ${mixed} --value-format json --skip-bad-records`)).toEqual({
      out: '{"a":1}\n{"a":2}\n',
      err: '1 records are not of their format and were left out.\n',
    });
  });

  test('in a group, which goes on where it was', async () => {
    const shared = await topic(2);
    await produced(`produce ${shared} --partitioner round-robin`, '1\n2\n3\n');
    const sorted = async () => (await consumed(`${shared} -g sharers`)).trim().split('\n').sort();
    expect(await sorted()).toEqual(['1', '2', '3']);
    await produced(`produce ${shared}`, '4\n');
    expect(await sorted()).toEqual(['4']);
    // A member that gets no partition has nothing to read.
    const single = await topic();
    await produced(`produce ${single}`, 'x\n');
    const first = client.consumer({ groupId: 'crowd', autoOffsetReset: 'earliest' });
    first.subscribe([single]);
    await first.poll(10_000);
    const second = run(`consume $B ${single} -g crowd -e`);
    let isOver = false;
    void second.then(() => {
      isOver = true;
    });
    while (!isOver) await first.poll(50);
    expect(['', 'x\n']).toContain((await second).out);
    await first.close();
    expect((await run(`consume $B ${shared} -g sharers -p 1`)).code).toBe('INVALID_OPTION');
  });

  test('as they come, until somebody has enough', async () => {
    const live = await topic();
    const following = new Millrace(['consume', live, '-b', server, '-f', '%s\n']);
    await produced(`produce ${live}`, 'first\n');
    await following.says(/^first\n/);
    await produced(`produce ${live}`, 'second\n');
    await following.says(/^first\nsecond\n/);
    expect(await following.kill('SIGINT')).toEqual({ code: 0, stdout: 'first\nsecond\n', stderr: '' });

    // The reader at the other end of a pipe goes: that is no error.
    const piped = new Millrace(['consume', live, '-b', server, '-o', 'jsonl']);
    await piped.says(/second/);
    piped.child.stdout!.destroy();
    await produced(`produce ${live}`, 'third\nfourth\n');
    expect(await piped.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
