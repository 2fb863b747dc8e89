// npm run interop -- [--quick] [--list] [suite…]: other people's clients and tools, fetched from their registries, against a broker
// of ours. Prints what passed, failed and was skipped, with the reasons; ends with 1 where something failed. Nothing that is
// fetched is in this repository: it is kept in ~/.cache/millrace-interop, or where MILLRACE_INTEROP_CACHE says.
import { parseArgs } from 'node:util';
import { countsOf, type Outcome } from './suite.ts';
import { suites } from './suites.ts';
import { trySuite } from './try-suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !suites.some((suite) => suite.name === name));
if (unknown !== undefined) {
  console.error(`There is no suite "${unknown}": there are ${suites.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

if (values.list) {
  for (const { name, about } of suites) console.log(`${name.padEnd(16)} ${about}`);
  process.exit(0);
}

const rows: string[] = [];
let hasFailed = false;
for (const suite of suites) {
  if (positionals.length > 0 && !positionals.includes(suite.name)) continue;
  console.log(`\n${suite.name}: ${suite.about}`);
  const begin = performance.now();
  const tried = await trySuite(suite, values.quick);
  if ('missing' in tried) {
    console.log(`  skipped: ${tried.missing}`);
    rows.push(`${suite.name.padEnd(16)} skipped: ${tried.missing}`);
    continue;
  }
  report(tried.outcomes);
  const { passed, failed, skipped } = countsOf(tried.outcomes);
  hasFailed ||= failed > 0 || passed === 0;
  const seconds = Math.round((performance.now() - begin) / 1000);
  rows.push(`${suite.name.padEnd(16)} ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s`);
}
console.log(`\n${rows.join('\n')}`);
process.exitCode = hasFailed ? 1 : 0;

/** Failures one by one; those that were skipped by their reasons. */
function report(outcomes: readonly Outcome[]): void {
  const skipped = new Map<string, string[]>();
  for (const { name, result, why = '' } of outcomes) {
    if (result === 'failed') console.log(`  failed  ${name}: ${why}`);
    if (result === 'skipped') skipped.set(why, [...(skipped.get(why) ?? []), name]);
  }
  for (const [why, names] of skipped)
    console.log(`  skipped ${names.length}: ${why} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`);
}
