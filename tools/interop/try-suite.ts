// One suite, from fetching what it needs to what became of it.
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Outcome, Suite } from './suite.ts';
import { openTarget } from './target.ts';

/** Where what is fetched is kept: outside of this repository. */
export const CACHE = process.env['MILLRACE_INTEROP_CACHE'] ?? join(homedir(), '.cache', 'millrace-interop');

/** What is missing on this machine, or what became of each case. */
export async function trySuite(
  suite: Suite,
  isQuick: boolean,
): Promise<{ readonly missing: string } | { readonly outcomes: readonly Outcome[] }> {
  const cache = join(CACHE, suite.name);
  await mkdir(cache, { recursive: true });
  const missing = await suite.prepare(cache);
  if (missing !== undefined) return { missing };
  const target = await openTarget(suite.settings);
  try {
    return { outcomes: await suite.run(target, cache, isQuick) };
  } finally {
    await target.close();
  }
}
