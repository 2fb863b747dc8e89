// The guides of docs/ as somebody follows them who has the commands: each from its first block to its last, in a shell and a
// directory of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asPackage } from '../suites/as-package.ts';
import { Shell, withoutNetwork } from '../suites/shell.ts';
import { readPage } from './reader.ts';

const bins = join(import.meta.dirname, '..', '..', 'bin');
const GUIDES = ['troubleshooting.md', 'operations.md', 'coming-from.md', 'performance.md', 'security/index.md'];

describe.skipIf(withoutNetwork !== false).each(GUIDES)('docs/%s', (page) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-guide-'));
  let shell: Shell;

  beforeAll(() => {
    shell = new Shell(folder, bins, { NODE_OPTIONS: asPackage.join(' ') });
  });
  afterAll(async () => {
    await shell.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(readPage(page))('$title', ({ blocks }) => expect(shell.follow(blocks)).resolves.toBeUndefined());
});
