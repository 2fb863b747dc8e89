// kafka-dump-log over the files that our broker writes: the lines of Kafka's DumpLogSegments; and over damaged ones.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Broker, dumpFile, type DumpOptions } from '../../src/broker/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { toolRunner } from './kafka-tool-runner.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-dump-log-'));
const data = join(directory, 'data');
const segment = join(data, 't-0', '00000000000000000000');
const run = toolRunner(() => '');

beforeAll(async () => {
  const settings = {
    'log.index.interval.bytes': 200,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.num.partitions': 1,
  };
  const broker = await Broker.open({ dataDir: data, settings });
  const client = createClient({ dial: async () => broker.connect() });
  await fill(client);
  await client.close();
  await broker.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function fill(client: Client): Promise<void> {
  await client.admin().createTopics([{ name: 't', partitions: 1 }]);
  const topic = 't';
  const plain = client.producer({ lingerMs: 20 });
  const headers = [
    { key: 'h', value: 'x' },
    { key: 'n', value: null },
  ];
  await plain.send({ topic, key: 'k', value: 'v', timestamp: 1000, headers });
  await Promise.all([
    plain.send({ topic, value: 'only value', timestamp: 2000 }),
    plain.send({ topic, key: 'only key', value: null, timestamp: 2001 }),
  ]);
  const zipped = client.producer({ compressionType: 'gzip', lingerMs: 20 });
  await Promise.all([1, 2].map((i) => zipped.send({ topic, key: `z${i}`, value: 'zip '.repeat(50), timestamp: 3000 })));
  const transactional = client.producer({ transactionalId: 'x' });
  await transactional.initTransactions();
  for (const end of ['abortTransaction', 'commitTransaction'] as const) {
    transactional.beginTransaction();
    await transactional.send({ topic, key: end, value: 'tx', timestamp: 5000 });
    await transactional[end]();
  }
  await client.admin().alterOffsets('g', [{ topic, partition: 0, offset: 1, metadata: 'note' }]);
  await client.admin().deleteOffsets('g', [{ topic, partition: 0 }]);
  const member = client.consumer({ groupId: 'm', groupInstanceId: 'one', autoOffsetReset: 'earliest' });
  member.subscribe([topic]);
  while ((await member.poll(100)).length === 0);
}

/** What differs from run to run. */
function steady(text: string): string {
  return text
    .replaceAll(/crc: \d+/g, 'crc: *')
    .replaceAll(/\b1[789]\d{11}\b/g, '<now>')
    .replaceAll(data, '');
}

const batch = (fields: string, more: string): string =>
  `${fields} partitionLeaderEpoch: 0 ${more} compresscodec: none crc: * isvalid: true\n`;

describe('a log', () => {
  test('is a line per batch', async () => {
    const { code, out, err } = await run(`kafka-dump-log --files ${segment}.log`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(steady(out)).toContain(
      'Dumping /t-0/00000000000000000000.log\nLog starting offset: 0\n' +
        batch(
          'baseOffset: 0 lastOffset: 0 count: 1 baseSequence: 0 lastSequence: 0 producerId: 0 producerEpoch: 0',
          'isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1000 size: 77 magic: 2',
        ) +
        batch(
          'baseOffset: 1 lastOffset: 2 count: 2 baseSequence: 1 lastSequence: 2 producerId: 0 producerEpoch: 0',
          'isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 77 CreateTime: 2001 size: 93 magic: 2',
        ),
    );
    expect(out).toContain(' compresscodec: gzip ');
    expect(out.split('\n')).toHaveLength(10);
  });

  test('is a line per record, with keys and values where they are asked for', async () => {
    const deep = await run(`kafka-dump-log --files ${segment}.log --deep-iteration`);
    const records = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('|'));
    expect(records(steady(deep.out))).toEqual([
      '| offset: 0 CreateTime: 1000 keySize: 1 valueSize: 1 sequence: 0 headerKeys: [h,n]',
      '| offset: 1 CreateTime: 2000 keySize: -1 valueSize: 10 sequence: 1 headerKeys: []',
      '| offset: 2 CreateTime: 2001 keySize: 8 valueSize: -1 sequence: 2 headerKeys: []',
      '| offset: 3 CreateTime: 3000 keySize: 2 valueSize: 200 sequence: 0 headerKeys: []',
      '| offset: 4 CreateTime: 3000 keySize: 2 valueSize: 200 sequence: 1 headerKeys: []',
      '| offset: 5 CreateTime: 5000 keySize: 16 valueSize: 2 sequence: 0 headerKeys: []',
      '| offset: 6 CreateTime: <now> keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] endTxnMarker: ABORT coordinatorEpoch: 0',
      '| offset: 7 CreateTime: 5000 keySize: 17 valueSize: 2 sequence: 0 headerKeys: []',
      '| offset: 8 CreateTime: <now> keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 0',
    ]);
    const full = records((await run(`kafka-dump-log --files ${segment}.log --print-data-log`)).out);
    expect(full[0]).toMatch(/ headerKeys: \[h,n\] key: k payload: v$/);
    expect(full[1]).toMatch(/ headerKeys: \[\] payload: only value$/);
    expect(full[2]).toMatch(/ headerKeys: \[\] key: only key$/);
    const bare = await run(`kafka-dump-log --files ${segment}.log --print-data-log --skip-record-metadata`);
    expect(bare.out).toContain('\n| key: k payload: v\n');
    expect(bare.out).toContain('\n payload: only value\n| key: only key\n');
  });

  test('of offsets and of transactions is JSON', async () => {
    const offsets = join(data, '__consumer_offsets-0', '00000000000000000000.log');
    const read = steady((await run(`kafka-dump-log --files ${offsets} --offsets-decoder`)).out);
    expect(read).toContain(
      'key: {"type":"1","data":{"group":"g","topic":"t","partition":0}} payload: {"version":"3","data":{"offset":1,"leaderEpoch":-1,"metadata":"note","commitTimestamp":<now>}}\n',
    );
    expect(read).toContain('key: {"type":"1","data":{"group":"g","topic":"t","partition":0}} payload: <DELETE>\n');
    expect(read).toContain(
      '"groupInstanceId":"one","clientId":"millrace","clientHost":"in-process","rebalanceTimeout":300000,"sessionTimeout":45000,"subscription":{"topics":["t"],"userData":null},"assignment":{"assignedPartitions":[{"topic":"t","partitions":[0]}],"userData":null}}]}}\n',
    );
    const transactions = join(data, '__transaction_state-0', '00000000000000000000.log');
    const states = steady((await run(`kafka-dump-log --files ${transactions} --transaction-log-decoder`)).out);
    expect(states).toContain(
      'key: {"type":"0","data":{"transactionalId":"x"}} payload: {"version":"1","data":{"producerId":2,"producerEpoch":0,"transactionTimeoutMs":60000,"transactionStatus":1,"transactionPartitions":[{"topic":"t","partitionIds":[0]}],"transactionLastUpdateTimestampMs":<now>,"transactionStartTimestampMs":<now>}}\n',
    );
    const wrong = await run(`kafka-dump-log --files ${segment}.log --offsets-decoder`);
    expect(wrong.code).toBe(0);
    expect(wrong.out).toContain("key: Error at offset 0, skipping. Could not read version from key's buffer.\n");
    expect(wrong.out).toContain('key: Error at offset 1, skipping. The record has no key.\n');
  });

  test('that is cut off, or damaged, is told of behind what is whole', async () => {
    const broken = join(directory, '00000000000000000000.log');
    const bytes = readFileSync(`${segment}.log`);
    const dump = async (change: (copy: Buffer) => Buffer | void, flags = '') => {
      const copy = Buffer.from(bytes);
      writeFileSync(broken, change(copy) ?? copy);
      return run(`kafka-dump-log --files ${broken} ${flags}`);
    };
    const cut = await dump((copy) => copy.subarray(0, 100));
    expect(cut.code).toBe(0);
    expect(cut.out).toMatch(/isvalid: true\nFound 23 invalid bytes at the end of 00000000000000000000.log\n$/);
    const flipped = await dump((copy) => void (copy[76 + 93]! ^= 1));
    expect(flipped.out.match(/isvalid: \w+/g)!.slice(0, 3)).toEqual([
      'isvalid: true',
      'isvalid: false',
      'isvalid: true',
    ]);
    const short = await dump((copy) => void copy.writeInt32BE(5, 77 + 8));
    expect(short.code).toBe(1);
    expect(short.out).toContain('baseOffset: 0 ');
    expect(short.err).toBe(
      `Found record size 5 smaller than minimum record overhead (14) at position 77 in file ${broken}.\n`,
    );
    const old = await dump((copy) => void copy.writeInt8(1, 77 + 16));
    expect(old.err).toBe(`Found message format 1, of which only 2 is read, at position 77 in file ${broken}.\n`);
    const records = await dump((copy) => void copy.writeInt8(0x7e, 77 + 61), '--deep-iteration');
    expect(records.err).toMatch(
      /^The records of the batch at position 77 in file .* can't be read: .*longer than its batch/,
    );
    expect((await dump(() => Buffer.alloc(0))).out).toBe(`Dumping ${broken}\nLog starting offset: 0\n`);
  });
});

describe('the files beside it', () => {
  test('indexes, aborted transactions and producers', async () => {
    const files = ['index', 'timeindex', 'txnindex'].map((ending) => `${segment}.${ending}`).join(',');
    const { out } = await run(`kafka-dump-log --files ${files},${join(data, 't-0', '00000000000000000009.snapshot')}`);
    const lines = steady(out).split('\n');
    expect(lines[0]).toBe('Dumping /t-0/00000000000000000000.index');
    expect(lines[1]).toMatch(/^offset: \d+ position: \d+$/);
    expect(lines).toContainEqual(expect.stringMatching(/^timestamp: 5000 offset: \d+$/));
    expect(lines).toContain('version: 0 producerId: 2 firstOffset: 5 lastOffset: 6 lastStableOffset: 5');
    expect(lines).toContain(
      'producerId: 0 producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: <now> firstSequence: 1 lastSequence: 2 lastOffset: 2 offsetDelta: 1 timestamp: <now>',
    );
    expect(lines).toContain(
      'producerId: 2 producerEpoch: 2 coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: <now> ',
    );
  });

  test('an index that does not agree with its log, or can be none', async () => {
    const index = join(directory, '00000000000000000000.index');
    copyFileSync(`${segment}.log`, join(directory, '00000000000000000000.log'));
    copyFileSync(`${segment}.index`, index);
    const verify = (flag: string) => run(`kafka-dump-log --files ${index} ${flag}`);
    expect((await verify('--verify-index-only')).out).toBe(`Dumping ${index}\n`);
    expect((await verify('--index-sanity-check')).out).toBe(`Dumping ${index}\n${index} passed sanity check.\n`);
    const bytes = readFileSync(index);
    bytes.writeUInt32BE(bytes.readUInt32BE(0) + 1, 0);
    writeFileSync(index, bytes);
    expect((await verify('--verify-index-only')).out).toMatch(
      /^Dumping .*\nMismatches in :.*00000000000000000000\.index\n {2}Index offset: \d+, log offset: \d+\n$/,
    );
    writeFileSync(index, Buffer.alloc(9));
    expect(await verify('--index-sanity-check')).toMatchObject({
      code: 1,
      err: `Index file ${index} is corrupt, found 9 bytes which is neither positive nor a multiple of 8\n`,
    });
  });

  test.each([
    ['--files nope.log', 1, 'There is no file nope.log.\n'],
    ['--files package.json', 0, 'Ignoring unknown file package.json\n'],
    ['--deep-iteration', 1, 'Missing required argument "[files]"\n'],
  ])('%s is told of', async (words, code, err) => {
    const said = await run(`kafka-dump-log ${words}`);
    expect(said.code).toBe(code);
    expect(said.err.slice(0, err.length)).toBe(err);
  });
});

test('whatever the bytes are, there are lines or one error that says what is wrong', () => {
  const options: DumpOptions = {
    deep: true,
    contents: true,
    bare: false,
    journal: undefined,
    maxBytes: Number.POSITIVE_INFINITY,
    verifyOnly: false,
    sanityOnly: false,
  };
  const sources = [
    `${segment}.log`,
    `${segment}.index`,
    `${segment}.timeindex`,
    `${segment}.txnindex`,
    join(data, 't-0', '00000000000000000009.snapshot'),
    join(data, '__consumer_offsets-0', '00000000000000000000.log'),
    join(data, '__transaction_state-0', '00000000000000000000.log'),
  ].map((path) => ({ ending: path.slice(path.lastIndexOf('.')), bytes: readFileSync(path) }));
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.option(fc.nat()),
      fc.constantFrom('offsets' as const, 'transactions' as const, undefined),
      ({ ending, bytes }, changes, cut, journal) => {
        const copy = Buffer.from(bytes);
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        const path = join(directory, `00000000000000000001${ending}`);
        writeFileSync(path, cut === null ? copy : copy.subarray(0, cut % copy.length));
        try {
          for (const line of dumpFile(path, { ...options, journal })!) expect(typeof line).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError);
          expect((error as Error).message).toContain(path);
        }
      },
    ),
    { numRuns: 500 },
  );
});
