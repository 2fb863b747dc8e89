// npm run bench [-- name…]: runs every bench/*.bench.ts (or those whose name contains a given word) one after another
// and prints what they measured. Figures are ratios within one run wherever they can be: machines differ.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Bench {
  readonly name: string;
  measure(): Promise<Record<string, number | string>>;
}

const wanted = process.argv.slice(2);
const files = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .sort();
let failed = false;
for (const file of files) {
  if (wanted.length > 0 && !wanted.some((word) => file.includes(word))) continue;
  const bench = (await import(join(import.meta.dirname, file))) as Bench;
  console.log(`\n${bench.name}`);
  try {
    for (const [figure, value] of Object.entries(await bench.measure())) {
      const text = typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 3 }) : value;
      console.log(`  ${figure.padEnd(60)} ${text}`);
    }
  } catch (error) {
    failed = true;
    console.error(error);
  }
}
process.exit(failed ? 1 : 0);
