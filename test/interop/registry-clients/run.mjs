// run.mjs <registry URL> <broker address> <file>…: tries the scenarios of the files, one after the other, and prints a
// line of JSON for each: its name, whether it went well, and if not, why.
import { inspect } from 'node:util';
import { scenarios } from './scenarios.mjs';

const [registry, broker, ...files] = process.argv.slice(2);
// The clients log; the standard output is the report's.
console.log = console.error;
console.info = console.error;
console.debug = console.error;

for (const file of files) {
  const before = scenarios.length;
  await import(`./${file}`);
  for (const [index, { name, run }] of scenarios.slice(before).entries()) {
    const topic = `${file.replace(/\..*/, '')}-${index}`;
    let report = { name, ok: true };
    try {
      await run({ registry, broker, topic });
    } catch (error) {
      report = { name, ok: false, why: inspect(error, { depth: 3 }) };
    }
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
}
// Clients keep connections and timers open; everything is told.
process.exit(0);
