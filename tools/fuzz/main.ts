/**
 * `npm run fuzz -- [kind…] [--tries <n>] [--seed <n>]`: hostile inputs of these kinds, or of all, about a minute of each
 * unless told otherwise. Ends with 1, and with what it has found, when something happened that must not.
 *
 * | kind | what is sent where |
 * |---|---|
 * | frames | requests of Kafka's protocol to a broker |
 * | sql | texts to the SQL engine, and records through what becomes a query |
 * | schemas | texts of the three languages to be registered and compared |
 * | records | bytes to the readers of SQL's formats |
 * | http | paths and bodies to the registry and to SQL |
 * | sasl | logins to a broker |
 */
import { parseArgs } from 'node:util';
import { KINDS, type KindName } from './kinds.ts';
import { seeded } from './seeded.ts';

const { values, positionals } = parseArgs({
  options: { tries: { type: 'string' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const names = Object.keys(KINDS) as KindName[];
const unknown = positionals.find((name) => !names.includes(name as KindName));
if (unknown !== undefined) {
  process.stderr.write(`${unknown} is no kind: there are ${names.join(', ')}\n`);
  process.exit(2);
}

let failed = 0;
for (const name of positionals.length === 0 ? names : (positionals as KindName[])) {
  const { fuzz, tries } = KINDS[name];
  const outcome = await fuzz({
    tries: Number(values.tries ?? tries),
    random: seeded(Number(values.seed)),
    progress: (so) => void process.stderr.write(`${name}: ${so.tries}\r`),
  });
  process.stdout.write(`${name}: ${outcome.tries} tries, ${outcome.problems.length} problems\n`);
  for (const [what, count] of [...outcome.counts].sort()) process.stdout.write(`  ${what.padEnd(32)} ${count}\n`);
  for (const problem of outcome.problems) process.stdout.write(`\n${problem}\n`);
  failed += outcome.problems.length;
}
process.exit(failed === 0 ? 0 : 1);
