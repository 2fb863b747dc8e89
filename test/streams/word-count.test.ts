import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the word count example counts', () => {
  const example = join(import.meta.dirname, '../../examples/word-count.ts');
  const lines = execFileSync(process.execPath, [example], { encoding: 'utf8' }).trim().split('\n');
  expect(lines.sort()).toEqual(['grinds 1', 'mill 2', 'rests 1', 'runs 1', 'the 3', 'water 1']);
});
