// What docs/rest-proxy.md shows is what its commands print.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Proxy } from './support.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'rest-proxy.md'), 'utf8');

let proxy: Proxy;
beforeAll(async () => {
  proxy = await Proxy.start({ 'num.partitions': '1' });
});
afterAll(() => proxy.stop());

test('its commands, from the first to the last', async () => {
  const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, kind, text]) => ({ kind, text: text! }));
  const commands = blocks.filter(({ kind }) => kind === 'sh');
  expect(commands.length).toBeGreaterThan(5);
  const address = proxy.url.replace('http://', '');
  for (const [i, { kind, text }] of blocks.entries()) {
    if (kind !== 'sh') continue;
    const command = text.replaceAll('localhost:8082', address).replaceAll('curl', 'curl -s');
    const { stdout } = await promisify(execFile)('bash', ['-c', command]);
    const shown = blocks[i + 1]?.kind === 'json' ? blocks[i + 1]!.text.trim() : '';
    expect(stdout.trim().replaceAll(address, 'localhost:8082')).toBe(shown);
  }
});
