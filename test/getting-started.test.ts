// docs/getting-started.md as a newcomer follows it: the package in an empty directory, every block typed into one shell, on
// the ports that the page names.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpackInto } from '../tools/build/unpacked.ts';
import { sectionsOf } from './suites/pages.ts';
import { Shell, withoutNetwork } from './suites/shell.ts';

const root = join(import.meta.dirname, '..');

const english = sectionsOf(readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8'));
const portuguese = sectionsOf(readFileSync(join(root, 'docs', 'pt', 'primeiros-passos.md'), 'utf8'));

test('the Portuguese page has the same blocks', () => {
  expect(portuguese.map(({ blocks }) => blocks)).toEqual(english.map(({ blocks }) => blocks));
});

describe.skipIf(withoutNetwork !== false)('getting started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-newcomer-'));
  let shell: Shell;

  beforeAll(() => {
    const own = unpackInto(folder);
    const { bin } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const bins = join(folder, 'node_modules', '.bin');
    mkdirSync(bins, { recursive: true });
    for (const [name, file] of Object.entries(bin)) symlinkSync(join(own, file), join(bins, name));
    shell = new Shell(folder, bins);
  }, 120_000);
  afterAll(async () => {
    await shell.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(english.filter(({ blocks }) => blocks.length > 0))('$title', ({ blocks }) =>
    expect(shell.follow(blocks)).resolves.toBeUndefined(),
  );
});
