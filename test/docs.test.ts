import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { referencePages } from '../docs/pages.ts';
import { ErrorCode } from '../src/protocol/index.ts';
import { errorCodes } from '../src/util/error-codes.ts';

test.each(Object.entries(await referencePages()))(
  'docs/reference/%s is what the code says (npm run docs writes it)',
  (file, text) => {
    expect(text.length).toBeGreaterThan(500);
    expect(readFileSync(join(import.meta.dirname, '..', 'docs', 'reference', file), 'utf8')).toBe(text);
  },
);

describe('codes of errors', () => {
  const src = join(import.meta.dirname, '..', 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files
    .filter((file) => file !== join('util', 'error-codes.ts'))
    .map((file) => readFileSync(join(src, file), 'utf8'));
  const thrown = texts.flatMap((text) =>
    [
      ...text.matchAll(/\b(?:new (?:MillraceError|ProcessingFailure|InvalidSchema)|super)\(\s*'([A-Z][A-Z0-9_]*)'/g),
    ].map((match) => match[1]!),
  );

  test('that are thrown are documented, or Kafka’s own', () => {
    expect(thrown.length).toBeGreaterThan(100);
    expect([...new Set(thrown)].filter((code) => !(code in errorCodes) && !(code in ErrorCode))).toEqual([]);
  });

  test('that are documented are thrown', () => {
    const all = texts.join('\n');
    expect(Object.keys(errorCodes).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
  });
});

test('files that documents name are there', () => {
  const root = join(import.meta.dirname, '..');
  const documents = [
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'README.md',
    ...markdownIn(join(root, 'docs')).map((file) => join('docs', file)),
  ];
  const named = documents.flatMap((document) =>
    [...readFileSync(join(root, document), 'utf8').matchAll(/`([\w./-]+\/[\w.-]+\.ts)`/g)].map((match) => ({
      document,
      file: match[1]!,
    })),
  );
  expect(named.length).toBeGreaterThan(40);
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const isThere = (file: string) =>
    existsSync(join(root, file)) || sources.some((source) => source === file || source.endsWith(`/${file}`));
  expect(named.filter(({ file }) => !isThere(file))).toEqual([]);
});

test('links lead to files that are there', () => {
  const root = join(import.meta.dirname, '..');
  const links = ['README.md', ...markdownIn(join(root, 'docs')).map((file) => join('docs', file))].flatMap((document) =>
    [...readFileSync(join(root, document), 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => ({
      document,
      link: match[1]!,
    })),
  );
  expect(links.length).toBeGreaterThan(80);
  expect(links.filter(({ document, link }) => !existsSync(join(root, dirname(document), link)))).toEqual([]);
});

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
}
