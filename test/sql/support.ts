import type { SchemaSource } from '../../src/serde/index.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import type { ProcessingLog } from '../../src/sql/compile/flow.ts';
import { SqlEngine } from '../../src/sql/engine.ts';
import type { PersistentQuery } from '../../src/sql/statements/context.ts';

/** An engine over topics that only have names, whose queries are kept and not run. */
export function plainEngine(
  settings: Readonly<Record<string, string>> = {},
  schemas?: SchemaSource,
  log?: ProcessingLog,
): {
  engine: SqlEngine;
  queries: Map<string, PersistentQuery>;
} {
  const queries = new Map<string, PersistentQuery>();
  const topics = new Map<string, { partitions: number; replicas: number }>();
  const engine = new SqlEngine({
    settings,
    schemas,
    log,
    topics: {
      describe: async (topic) => topics.get(topic),
      create: async (topic, { partitions, replicas }) => {
        topics.set(topic, { partitions, replicas });
      },
      delete: async (topic) => {
        topics.delete(topic);
      },
    },
    executor: {
      start: async (query) => {
        queries.set(query.queryId, query);
      },
      stop: async (queryId) => {
        queries.delete(queryId);
      },
    },
  });
  return { engine, queries };
}

/** Runs the only query of a script over JSON values and answers the values that came out. */
export async function runQuery(script: string, topic: string, values: readonly unknown[]): Promise<unknown[]> {
  const { engine, queries } = plainEngine();
  await engine.execute(script);
  const [query] = queries.values();
  const driver = new TopologyTestDriver(query!.topology);
  values.forEach((value, i) => driver.pipe(topic, null, Buffer.from(JSON.stringify(value)), i));
  return driver
    .read(query!.plan.sink!.topic)
    .map((record) => (record.value === null ? null : (JSON.parse(record.value.toString()) as unknown)));
}
