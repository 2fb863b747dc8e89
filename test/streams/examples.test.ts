import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asPackage } from '../suites/as-package.ts';

function linesOf(example: string): string[] {
  const file = join(import.meta.dirname, '../../examples', example);
  return execFileSync(process.execPath, [...asPackage, file], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

test('the word count example counts', () => {
  expect(linesOf('word-count.ts').sort()).toEqual(['grinds 1', 'mill 2', 'rests 1', 'runs 1', 'the 3', 'water 1']);
});

test('the schemas example makes a bill of an order', () => {
  expect(linesOf('schemas.ts')).toEqual(['{"text":"3 × tea","total":7.5}', 'PROTOBUF JSON']);
});

test('the enrichment example asks until it is answered, and keeps the order of a customer', () => {
  const lines = linesOf('enrichment.ts');
  expect(lines.filter((line) => line.startsWith('ada'))).toEqual([
    'ada {"item":"tea","country":"AT","tax":20}',
    'ada {"item":"salt","country":"AT","tax":20}',
  ]);
  expect(lines.filter((line) => line.startsWith('bo'))).toEqual(['bo {"item":"rice","country":"DE","tax":19}']);
});
