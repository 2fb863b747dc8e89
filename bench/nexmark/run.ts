// npm run nexmark -- [--events N] [--rounds N] [--bootstrap host:port] [query…]: runs Nexmark's queries over history, and
// compares every row with an independent computation. Without --bootstrap it brings a broker of its own.
import { parseArgs } from 'node:util';
import { createClient } from '../../src/client/index.ts';
import { openPlatform } from '../platform.ts';
import { compare, drop, Ksql, load, QUERIES, settled, sources } from './check.ts';
import { collectEvents, EXPECTED } from './expected.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '1' },
    bootstrap: { type: 'string' },
    limit: { type: 'string', default: '300' },
  },
});
const events = Number(values.events);
const names = positionals.length > 0 ? positionals : Object.keys(QUERIES);
const { platform, close } = await openPlatform(
  values.bootstrap === undefined ? {} : { 'bootstrap.servers': values.bootstrap },
);
const client = values.bootstrap === undefined ? platform.client : createClient({ bootstrapServers: values.bootstrap });
const ksql = new Ksql(platform.url('sql'));
let failed = false;
try {
  await load(client, events);
  await ksql.execute(sources);
  const all = collectEvents(events);
  for (const name of names) {
    const query = QUERIES[name];
    if (query === undefined) throw new Error(`there is no query ${name}; there are ${Object.keys(QUERIES).join(', ')}`);
    const expected = EXPECTED[name]!(all);
    for (let round = 1; round <= Number(values.rounds); round++) {
      const cpu = process.cpuUsage();
      const begun = performance.now();
      const groups = await ksql.start(query.statements);
      await settled(client.admin(), groups, Number(values.limit) * 1000);
      const seconds = (performance.now() - begun) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      const { rows, missing, surplus } = await compare(client, query, expected);
      const isRight = missing.length === 0 && surplus.length === 0;
      failed ||= !isRight;
      console.log(
        `${name} round ${round}: ${isRight ? 'equal' : 'DIFFERENT'}, ${rows} rows of ${expected.length}, ${missing.length} missing, ${surplus.length} other; ${seconds.toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s`,
      );
      if (!isRight)
        for (const each of [...missing.slice(0, 3).map((l) => `- ${l}`), ...surplus.slice(0, 3).map((l) => `+ ${l}`)])
          console.log(`  ${each}`);
      await drop(ksql, query);
    }
  }
} finally {
  if (client !== platform.client) await client.close();
  await close();
}
process.exit(failed ? 1 : 0);
