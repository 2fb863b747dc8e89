/**
 * `npm run fuzz -- [--frames <n>] [--seed <n>]`: frames at a broker (fuzz.ts), ten million unless told otherwise. Ends with 1,
 * and with what it has found, when something happened that must not.
 */
import { parseArgs } from 'node:util';
import { fuzz, type FuzzOutcome } from './fuzz.ts';
import { seeded } from './seeded.ts';

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '10000000' }, seed: { type: 'string', default: '1' } },
});

const outcome = await fuzz({
  frames: Number(values.frames),
  random: seeded(Number(values.seed)),
  progress: ({ frames, answers, closed }: FuzzOutcome) => {
    process.stdout.write(`${frames} frames, ${answers} answers, ${closed} connections closed by the broker\n`);
  },
});
for (const [name, count] of [...outcome.byApi].sort()) process.stdout.write(`  ${name.padEnd(28)} ${count}\n`);
for (const problem of outcome.problems) process.stdout.write(`\n${problem}\n`);
process.exit(outcome.problems.length === 0 ? 0 : 1);
