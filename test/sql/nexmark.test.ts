// History through SQL: Nexmark's queries over a million events in four partitions, every row compared with plain loops.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MeasuredPlatform, openPlatform } from '../../bench/platform.ts';
import { compare, drop, Ksql, load, settled, sources } from '../../bench/nexmark/check.ts';
import { collectEvents, type Events, EXPECTED } from '../../bench/nexmark/expected.ts';
import { QUERIES } from '../../bench/nexmark/queries.ts';

const EVENTS = 1_000_000;
const LIMIT_MS = 300_000;

describe('Nexmark over a million events', () => {
  let opened: MeasuredPlatform;
  let ksql: Ksql;
  let events: Events;

  beforeAll(async () => {
    opened = await openPlatform();
    ksql = new Ksql(opened.platform.url('sql'));
    await load(opened.platform.client, EVENTS);
    await ksql.execute(sources);
    events = collectEvents(EVENTS);
  }, LIMIT_MS);
  afterAll(() => opened.close());

  // A window with a short grace, a join, and the last by event time, each behind a repartition.
  for (const name of ['late', 'q20', 'q18']) {
    test(
      `${name} is right`,
      async () => {
        const query = QUERIES[name]!;
        const groups = await ksql.start(query.statements);
        const { client } = opened.platform;
        await settled(client.admin(), groups, LIMIT_MS);
        const { missing, surplus } = await compare(client, query, EXPECTED[name]!(events));
        expect({ missing: missing.slice(0, 5), surplus: surplus.slice(0, 5) }).toEqual({ missing: [], surplus: [] });
        await drop(ksql, query);
      },
      LIMIT_MS,
    );
  }
});
