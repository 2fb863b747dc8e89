// What the README tells its readers to type does what it shows. The snippets are run as they stand, but for the addresses:
// the platform here has ports of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../src/platform/index.ts';
import { Millrace } from './cli/support.ts';
import { asPackage, Program } from './suites/as-package.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The text of the README between two of its own words. */
function between(start: string, end: string): string {
  const from = readme.indexOf(start);
  const to = readme.indexOf(end, from);
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThan(from);
  return readme.slice(from, to);
}

/** The contents of the code blocks of a kind; the plain ones have none. */
function blocks(text: string, kind: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, name]) => name === kind).map(([, , code]) => code!);
}

describe('the README', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-readme-'));
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': join(directory, 'data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(sql: string): Promise<string> {
    const { code, stdout, stderr } = await new Millrace(['sql', platform.url('sql'), '-e', sql]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  test('SQL: every statement shows its result', async () => {
    const part = between('## Use it', '**Schemas**');
    const [sql] = blocks(part, 'sql');
    const shown = blocks(part, '').at(-1)!;
    const said = await run(sql!);
    expect(said).toMatch(/^tea +2$[^]*^rice +1$[^]*^Limit Reached$/m);
    expect(said.endsWith(shown)).toBe(true);
    expect(said).not.toContain('WARNING');
  });

  test('Streams: the program counts the words that it is given, and the further ones', async () => {
    const part = between('**Streams**', '**SQL from code**');
    const [first, further] = [...part.matchAll(/bin\/millrace sql -e "(.*?)"/g)].map(([, sql]) => sql!);
    const [program] = blocks(part, 'ts');
    const shown = blocks(part, '').at(-1)!;
    await run(first!);

    const file = join(directory, 'words.ts');
    writeFileSync(file, program!.replace('localhost:9092', platform.services[0]!.url));
    const words = new Program(file, [], { cwd: directory });
    for (const line of shown.trim().split('\n')) await words.says(line);
    expect(words.output).toBe(shown);
    await run(further!);
    await words.says('the 3');
    expect(await words.stop()).toBe(0);
  });

  test('SQL from code: the program sees the total that its rows make', async () => {
    const part = between('**SQL from code**', '**In your tests**');
    const [program] = blocks(part, 'ts');
    const file = join(directory, 'totals.ts');
    writeFileSync(file, program!.replace('http://127.0.0.1:8088', platform.url('sql')));
    const { stdout } = await promisify(execFile)(process.execPath, [...asPackage, file]);
    expect(stdout.endsWith(blocks(part, '').at(-1)!)).toBe(true);
  });
});
