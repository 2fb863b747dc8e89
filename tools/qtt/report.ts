// Runs every case of a directory, and reports per file and in total.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadCases, type QttCase } from './cases.ts';

export type Verdict =
  | { readonly status: 'passed' }
  | { readonly status: 'failed' | 'unsupported'; readonly reason: string };

export const PASSED: Verdict = { status: 'passed' };

export function failed(reason: string): Verdict {
  return { status: 'failed', reason };
}

/** Reads the command line: `<directory> [--json <file>] [--filter <text>] [--failures]`. */
export async function report(command: string, run: (spec: QttCase) => Promise<Verdict>): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, filter: { type: 'string' }, failures: { type: 'boolean' } },
  });
  const [directory] = positionals;
  if (directory === undefined) {
    process.stderr.write(`usage: npm run ${command} -- <directory> [--json <file>] [--filter <text>] [--failures]\n`);
    process.exit(2);
  }
  const entries: { file: string; name: string; status: string; reason?: string }[] = [];
  const perFile = new Map<string, { passed: number; total: number }>();
  const cases = loadCases(directory, values.filter);
  for (const spec of cases) {
    const verdict = await run(spec);
    const tally = perFile.get(spec.file) ?? { passed: 0, total: 0 };
    tally.total++;
    if (verdict.status === 'passed') tally.passed++;
    perFile.set(spec.file, tally);
    entries.push({ file: spec.file, name: spec.name, ...verdict });
    if (values.failures === true && verdict.status !== 'passed')
      process.stdout.write(`${spec.name}\n    ${verdict.reason.replaceAll('\n', '\n    ')}\n`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(entries, null, 1)}\n`);

  let passed = 0;
  let average = 0;
  for (const [file, tally] of perFile) {
    process.stdout.write(`${file} ${tally.passed}/${tally.total}\n`);
    passed += tally.passed;
    average += tally.passed / tally.total / perFile.size;
  }
  const share = ((100 * passed) / Math.max(1, cases.length)).toFixed(1);
  process.stdout.write(
    `total ${passed}/${cases.length} (${share} %), average over files ${(100 * average).toFixed(1)} %\n`,
  );
}
