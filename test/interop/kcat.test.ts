// kcat, a client of the C family, against a broker of ours over TCP: every codec, groups, idempotence, transactions' reads.
import { execFile, execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTopic } from '../broker/support.ts';
import { listeningBroker } from './support.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const isHere = hasKcat();
if (!isHere) console.log('skipped: kcat is not installed (apt-get install kcat)');

function hasKcat(): boolean {
  try {
    execFileSync('kcat', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!isHere)('kcat', () => {
  let address: string;

  beforeAll(async () => {
    const broker = await listeningBroker();
    ({ address } = broker);
    // Created beforehand: kcat waits a second before it asks for a topic again that was just created on the way.
    const transport = broker.broker.connect();
    for (const topic of [...codecs.map((codec) => `c-${codec}`), 'idem', 'listed', 'grouped']) {
      await createTopic(transport, topic);
    }
    return broker.stop;
  });

  function kcat(args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        'kcat',
        ['-b', address, '-X', 'fetch.wait.max.ms=20', ...args],
        { timeout: 20_000 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`kcat ${args.join(' ')}: ${stderr}`));
        },
      );
      child.stdin!.end(input);
    });
  }

  test.each(codecs)('writes and reads %s', async (codec) => {
    const lines = Array.from({ length: 50 }, (_, i) => `key${i}:value ${i} ${'x'.repeat(i)}`);
    await kcat(['-P', '-t', `c-${codec}`, '-K:', '-z', codec], `${lines.join('\n')}\n`);
    const read = await kcat(['-C', '-t', `c-${codec}`, '-e', '-q', '-f', '%k:%s\\n']);
    expect(read.trim().split('\n')).toEqual(lines);
  });

  test('writes idempotently, with headers and null values', async () => {
    await kcat(['-P', '-t', 'idem', '-K:', '-Z', '-X', 'enable.idempotence=true', '-H', 'a=1'], 'k:v\ntomb:\n');
    expect(await kcat(['-C', '-t', 'idem', '-e', '-q', '-Z', '-f', '%o %k %s %h\\n'])).toBe(
      '0 k v a=1\n1 tomb NULL a=1\n',
    );
  });

  test('creates a topic by writing to it', async () => {
    await kcat(['-P', '-t', 'made-on-the-way'], 'a\n');
    expect(await kcat(['-Q', '-t', 'made-on-the-way:0:-1'])).toMatch(/offset 1/);
  });

  test('lists topics and asks for offsets by time', async () => {
    await kcat(['-P', '-t', 'listed'], 'a\nb\n');
    expect(await kcat(['-L', '-t', 'listed'])).toMatch(/topic "listed" with 1 partitions/);
    expect(await kcat(['-Q', '-t', 'listed:0:-1'])).toMatch(/offset 2/);
    expect(await kcat(['-Q', '-t', 'listed:0:1'])).toMatch(/offset 0/);
  });

  test('reads as a group, and goes on where it stopped', async () => {
    await kcat(['-P', '-t', 'grouped'], 'one\ntwo\n');
    const read = () => kcat(['-G', 'kcat-group', '-X', 'auto.offset.reset=earliest', '-e', '-q', 'grouped']);
    expect(await read()).toBe('one\ntwo\n');
    await kcat(['-P', '-t', 'grouped'], 'three\n');
    expect(await read()).toBe('three\n');
  });
});
