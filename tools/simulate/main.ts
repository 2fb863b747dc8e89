/**
 * Simulates a platform from seeds: `npm run simulate -- [--seed N] [--seeds M] [--every N[-M]] [--trace]`.
 *
 * With `--every`, each N-th operation of the broker's disk fails, besides what else goes wrong; a range runs every seed with
 * each number of it.
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
    every: { type: 'string', default: '0' },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const every = /^(\d+)(?:-(\d+))?$/.exec(values.every);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 1 || every === null) {
  process.stderr.write('usage: simulate [--seed <first seed>] [--seeds <how many>] [--every <n>[-<m>]] [--trace]\n');
  process.exit(2);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const [low, high] = [Number(every[1]), Number(every[2] ?? every[1])];
let runs = 0;
let operations = 0;
let crashes = 0;
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  for (let n = low; n <= high; n++) {
    const outcome = await simulate(seed, { every: n, ...(values.trace ? { print } : {}) });
    runs++;
    operations += outcome.operations;
    crashes += outcome.crashes;
    if (runs % 1000 === 0) print(`${runs} runs so far, ${failed} failed`);
    if (outcome.failure === undefined) continue;
    failed++;
    const again = `npm run simulate -- --seed ${seed}${n === 0 ? '' : ` --every ${n}`} --trace`;
    print(`seed ${seed}${n === 0 ? '' : `, every ${n}`}, step ${outcome.steps}: ${outcome.failure} (${again})`);
  }
}
print(`${runs} runs, ${operations} operations, ${crashes} crashes, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
