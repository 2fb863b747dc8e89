import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { referencePages } from '../docs/pages.ts';

test.each(Object.entries(referencePages()))(
  'docs/reference/%s is what the code says (npm run docs writes it)',
  (file, text) => {
    expect(text.length).toBeGreaterThan(500);
    expect(readFileSync(join(import.meta.dirname, '..', 'docs', 'reference', file), 'utf8')).toBe(text);
  },
);
