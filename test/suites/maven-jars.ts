// Jars that a pom asks for, as Maven Central has them: fetched once, and kept beside what npm has installed. Where there is no
// Java, no Maven or no way to the repository, there are none, and whoever wants them says so.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'millrace-jars');
const PATIENCE_MS = 300_000;

/** The folder with the jars, or why there is none. */
export async function mavenJars(pom: string): Promise<{ readonly folder: string } | { readonly missing: string }> {
  for (const [tool, version] of [
    ['java', '-version'],
    ['mvn', '--version'],
  ] as const) {
    try {
      await run(tool, [version]);
    } catch {
      return { missing: `there is no ${tool} on the path` };
    }
  }
  // Another pom is another folder.
  const folder = join(CACHE, createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16));
  if (existsSync(folder)) return { folder };
  const draft = `${folder}.${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${draft}`];
    await run('mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal], { timeout: PATIENCE_MS });
    // Somebody else may have been faster.
    await rename(draft, folder).catch(() => {});
    return { folder };
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string };
    const line = /\[ERROR\] (.*)/.exec(stdout)?.[1] ?? message.split('\n', 1)[0]!;
    return { missing: `Maven does not bring what ${pom} asks for: ${line}` };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
