// npm run nexmark -- [--events N] [--rounds N] [--kill] [--bootstrap host:port] [--limit seconds] [query…]: runs Nexmark's
// queries over history, and compares every row with an independent computation. Without --bootstrap the platform has a
// broker of its own; a cluster should keep old records (log.retention.ms=-1), and gets back the topics that it had. With
// --kill it is killed once in every round but the first, somewhere in the middle, and started again.
import { parseArgs } from 'node:util';
import { createClient } from '../../src/client/index.ts';
import { compare, drop, Ksql, load, QUERIES, settled, sources } from './check.ts';
import { collectEvents, EXPECTED } from './expected.ts';
import { PlatformProcess } from './platform-process.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '1' },
    kill: { type: 'boolean', default: false },
    bootstrap: { type: 'string' },
    limit: { type: 'string', default: '300' },
  },
});
const events = Number(values.events);
const names = positionals.length > 0 ? positionals : Object.keys(QUERIES);
const unknown = names.filter((name) => !(name in QUERIES));
if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(QUERIES).join(', ')}`);
const platform = await PlatformProcess.start(values.bootstrap);
const client = createClient({ bootstrapServers: platform.bootstrap });
const ksql = new Ksql(platform.url);
const before = new Set(await client.admin().listTopics());
let failed = false;
try {
  await load(client, events);
  await ksql.execute(sources);
  const all = collectEvents(events);
  for (const name of names) {
    const query = QUERIES[name]!;
    const expected = EXPECTED[name]!(all);
    let usualMs = 0;
    for (let round = 1; round <= Number(values.rounds); round++) {
      const begun = performance.now();
      const groups = await ksql.start(query.statements);
      const killAfterMs = values.kill && round > 1 ? Math.round(usualMs * (0.1 + 0.8 * Math.random())) : undefined;
      if (killAfterMs !== undefined) {
        await new Promise((resolve) => {
          setTimeout(resolve, killAfterMs);
        });
        await platform.kill();
        await platform.start();
      }
      await settled(client.admin(), groups, Number(values.limit) * 1000);
      const ms = performance.now() - begun;
      usualMs ||= ms;
      const { rows, missing, surplus } = await compare(client, query, expected);
      const isRight = missing.length === 0 && surplus.length === 0;
      failed ||= !isRight;
      console.log(
        `${name} round ${round}: ${isRight ? 'equal' : 'DIFFERENT'}, ${rows} rows of ${expected.length}, ${missing.length} missing, ${surplus.length} other; ${(ms / 1000).toFixed(1)} s${killAfterMs === undefined ? '' : `, killed after ${(killAfterMs / 1000).toFixed(1)} s`}`,
      );
      if (!isRight)
        for (const each of [...missing.slice(0, 3).map((l) => `- ${l}`), ...surplus.slice(0, 3).map((l) => `+ ${l}`)])
          console.log(`  ${each}`);
      await drop(ksql, query);
    }
  }
} finally {
  await platform.close();
  if (values.bootstrap !== undefined) {
    const admin = client.admin();
    await admin.deleteTopics((await admin.listTopics()).filter((topic) => !before.has(topic)));
  }
  await client.close();
}
process.exit(failed ? 1 : 0);
