/**
 * Simulates a platform from seeds: `npm run simulate -- [--seed N] [--seeds M] [--trace]`.
 *
 * Says a line for each seed that fails, with what is violated, and at the end how many there were. A seed does the same
 * whenever it is run: `--trace` prints what. The exit code is 1 when one failed.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 1) {
  process.stderr.write('usage: simulate [--seed <first seed>] [--seeds <how many>] [--trace]\n');
  process.exit(2);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
let operations = 0;
let crashes = 0;
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed, values.trace ? { print } : {});
  operations += outcome.operations;
  crashes += outcome.crashes;
  if (outcome.failure === undefined) continue;
  failed++;
  print(`seed ${seed}, step ${outcome.steps}: ${outcome.failure} (npm run simulate -- --seed ${seed} --trace)`);
}
print(`${count} seeds, ${operations} operations, ${crashes} crashes, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
