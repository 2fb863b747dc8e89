// Completion: what is offered at each place of a line, with names of a broker and a registry, and by a real bash.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wordsIn } from '../../../src/cli/commands/completion.ts';
import { type Client, createClient } from '../../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { Millrace } from '../support.ts';

const root = join(import.meta.dirname, '..', '..', '..');
let embedded: Embedded;
let client: Client;
let server: string;

beforeAll(async () => {
  embedded = await openEmbedded();
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  server = `${host}:${port}`;
  client = createClient({ bootstrapServers: server });
  await client.admin().createTopics([{ name: 'orders' }, { name: 'orders-late' }, { name: 'returns' }]);
  await client.admin().alterOffsets('readers', [{ topic: 'orders', partition: 0, offset: 0 }]);
});
afterAll(async () => {
  await client.close();
  await embedded.close();
});

async function offered(words: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const said = await new Millrace(['__complete', '--', ...words], {
    env: { MILLRACE_BOOTSTRAP_SERVER: server, ...env },
  }).ended;
  expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' });
  return said.stdout.split('\n').slice(0, -1);
}

describe('candidates', () => {
  test('are commands, with what they do', async () => {
    const first = await offered(['']);
    expect(first).toContain('topics\tlist, describe, create, delete, alter and trim topics');
    const names = first.map((line) => line.split('\t')[0]);
    expect(names).toEqual(expect.arrayContaining(['start', 'sql', 'schemas', 'consume', 'completion']));
    expect(names).not.toContain('__complete');
    expect((await offered(['topics', 'd'])).map((line) => line.split('\t')[0])).toEqual(['describe', 'delete']);
  });

  test('are options and what they take', async () => {
    expect((await offered(['topics', 'create', '--'])).map((line) => line.split('\t')[0])).toEqual(
      expect.arrayContaining(['--partitions', '--replicas', '--config', '--dry-run', '--help']),
    );
    expect(await offered(['topics', 'list', '-o', ''])).toEqual(['table', 'json', 'jsonl', 'csv']);
    expect(await offered(['topics', 'list', '--output=j'])).toEqual(['--output=json', '--output=jsonl']);
    expect(await offered(['consume', '--value-format', 'a'])).toEqual(['auto', 'avro']);
    expect(await offered(['configs', 'get', ''])).toEqual(['topic', 'broker', 'group']);
    expect(await offered(['completion', ''])).toEqual(['bash', 'zsh', 'fish']);
  });

  test('are the names that there are', async () => {
    expect(await offered(['topics', 'describe', 'o'])).toEqual(['orders', 'orders-late']);
    expect(await offered(['topics', 'describe', 'orders', '-o', 'json', ''])).toEqual([
      'orders',
      'orders-late',
      'returns',
    ]);
    expect(await offered(['consume', '-g', ''])).toEqual(['readers']);
    expect(await offered(['groups', 'reset', 'readers', '--topic', 'r'])).toEqual(['returns']);
    expect(await offered(['groups', 'describe', ''])).toEqual(['readers']);
  });

  test('are silent, and soon, where nobody answers', async () => {
    expect(await offered(['topics', 'describe', '-b', '127.0.0.1:1', ''])).toEqual([]);
    // Somebody who takes the connection and says nothing.
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => {
      mute.listen(0, '127.0.0.1', resolve);
    });
    const { port } = mute.address() as { port: number };
    expect(await offered(['topics', 'describe', '-b', `127.0.0.1:${port}`, ''])).toEqual([]);
    expect(await offered(['schemas', 'get', '--registry', `http://127.0.0.1:${port}`, ''])).toEqual([]);
    mute.close();
  });

  test.each([
    ['millrace', []],
    ['millrace ', ['']],
    ['millrace topics d', ['topics', 'd']],
    ['millrace consume \'a b\' -f "%s x" ', ['consume', 'a b', '-f', '%s x', '']],
    ['millrace topics list -b localhost:9092 ', ['topics', 'list', '-b', 'localhost:9092', '']],
  ])('%s is taken apart', (line, words) => {
    expect(wordsIn(line)).toEqual(words);
  });
});

describe('scripts', () => {
  test.each(['bash', 'zsh', 'fish'])('%s', async (shell) => {
    const { code, stdout } = await new Millrace(['completion', shell]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain(`millrace completion ${shell}`);
  });

  test.skipIf(!existsSync('/bin/bash'))('work in bash', async () => {
    const complete = async (line: string) => {
      const script = [
        'eval "$(bin/millrace completion bash)"',
        `COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}`,
        '_millrace bin/millrace',
        'printf "%s\\n" "${COMPREPLY[@]}"',
        'complete -p millrace',
      ].join('\n');
      const { stdout } = await promisify(execFile)('/bin/bash', ['--norc', '-c', script], {
        cwd: root,
        env: { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` },
      });
      return stdout.trim().split('\n');
    };
    expect(await complete('millrace topics del')).toEqual(['delete', 'complete -o default -F _millrace millrace']);
    expect((await complete(`millrace topics describe -b ${server} ret`))[0]).toBe('returns');
  });
});
