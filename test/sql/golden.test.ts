// Every script of test/sql/golden: its statements, their plans and topologies, what records make of them, and why what is
// refused is refused. test/sql/golden.ts says how scripts are written. `vitest run -u` writes the expected files anew:
// read the difference before you believe it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runGolden } from './golden.ts';

const folder = join(import.meta.dirname, 'golden');
const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort();

describe('golden scripts', () => {
  test('are there', () => {
    expect(scripts.length).toBeGreaterThan(30);
  });

  test('have each what they should make, and nothing is left of others', () => {
    const made = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.out'));
    expect(made.sort()).toEqual(scripts.map((file) => file.replace(/\.sql$/, '.out')));
  });

  test.each(scripts)('%s', async (file) => {
    const text = await runGolden(readFileSync(join(folder, file), 'utf8'));
    await expect(text).toMatchFileSnapshot(join(folder, file.replace(/\.sql$/, '.out')));
  });
});
