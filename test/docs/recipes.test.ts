// Every recipe of docs/recipes, and the page of groups, does what it shows, on a platform that was started as their index says.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader, readPage } from './reader.ts';

const INDEX = join('recipes', 'README.md');
const pages = readdirSync(join(import.meta.dirname, '..', '..', 'docs', 'recipes'))
  .map((name) => join('recipes', name))
  .filter((page) => page !== INDEX)
  .concat('share-groups.md');

let reader: Reader;
beforeAll(async () => {
  const properties = readPage(INDEX)[0]!.blocks[0]!.text.trim();
  reader = await Reader.start(Object.fromEntries(properties.split('\n').map((line) => line.split('='))));
});
afterAll(() => reader.stop());

describe.each(pages)('docs/%s', (page) => {
  test.each(readPage(page))('$title', (section) => expect(reader.follow(section)).resolves.toBeUndefined());
});

test('there are enough of them', () => {
  expect(pages.flatMap(readPage).length).toBeGreaterThanOrEqual(25);
});
