/**
 * Runs the case files of a directory against the schema languages:
 * `npm run registry-conformance -- <directory> [--json <file>] [--failures]`.
 *
 * What a file holds is told by its shape: pairs of Avro schemas with verdicts, pairs of JSON or Protobuf schemas with
 * their differences, or contents with their GUIDs. Files of other shapes are passed over.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/util/index.ts';
import { type ConformanceCase, readCases } from './cases.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, failures: { type: 'boolean' } },
});
const [directory] = positionals;
if (directory === undefined) {
  process.stderr.write('usage: conformance <directory> [--json <file>] [--failures]\n');
  process.exit(2);
}

const entries: { file: string; name: string; status: 'passed' | 'failed'; reason?: string }[] = [];
for (const file of readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const cases = read(file, join(directory, file));
  if (cases === undefined) {
    process.stdout.write(`${file} holds no cases of a known shape\n`);
    continue;
  }
  const reasons = cases.map(run);
  for (const [i, reason] of reasons.entries()) {
    const name = cases[i]!.name;
    entries.push({ file, name, ...(reason === undefined ? { status: 'passed' } : { status: 'failed', reason }) });
    if (values.failures === true && reason !== undefined) process.stdout.write(`${file} ${name}\n    ${reason}\n`);
  }
  process.stdout.write(`${file} ${reasons.filter((reason) => reason === undefined).length}/${cases.length}\n`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(entries, null, 1)}\n`);

const passed = entries.filter(({ status }) => status === 'passed').length;
process.stdout.write(`total ${passed}/${entries.length}\n`);

function read(file: string, path: string): ConformanceCase[] | undefined {
  try {
    return readCases(readFileSync(path, 'utf8'));
  } catch (error) {
    process.stdout.write(`${file}: ${messageOf(error)}\n`);
    return undefined;
  }
}

function run({ check }: ConformanceCase): string | undefined {
  try {
    return check();
  } catch (error) {
    return messageOf(error);
  }
}
