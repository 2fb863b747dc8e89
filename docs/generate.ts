// Writes docs/reference: tables that are made from the code, so that they can't say anything else. `npm run docs` writes
// them; a test fails when they are stale.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './pages.ts';

for (const [file, text] of Object.entries(referencePages())) {
  writeFileSync(join(import.meta.dirname, 'reference', file), text);
}
