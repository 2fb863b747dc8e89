// Writes docs/reference: tables that are made from the code, so that they can't say anything else. `npm run docs` writes
// them; a test fails when they are stale.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referencePages } from './pages.ts';

for (const [file, text] of Object.entries(await referencePages())) {
  const path = join(import.meta.dirname, 'reference', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
