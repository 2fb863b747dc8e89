import type { SchemaSource } from '../../src/serde/index.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { Catalog } from '../../src/sql/catalog.ts';
import { bind } from '../../src/sql/expressions/binding/binder.ts';
import { Evaluator } from '../../src/sql/expressions/evaluation/evaluator.ts';
import type { TypedExpression } from '../../src/sql/expressions/typed.ts';
import type { ProcessingLog } from '../../src/sql/compile/flow.ts';
import { SqlEngine } from '../../src/sql/engine.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { parseExpression, parseScript } from '../../src/sql/parser/parse.ts';
import type { PersistentQuery, RecordWriter } from '../../src/sql/statements/context.ts';
import { typeText } from '../../src/sql/types.ts';
import { valueText } from '../../src/sql/values/value.ts';
import { messageOf } from '../../src/util/index.ts';

/** An engine over topics that only have names, whose queries are kept and not run. */
export function plainEngine(
  settings: Readonly<Record<string, string>> = {},
  schemas?: SchemaSource,
  log?: ProcessingLog,
  writer?: RecordWriter,
): {
  engine: SqlEngine;
  queries: Map<string, PersistentQuery>;
  topics: Map<string, { partitions: number; replicas: number }>;
} {
  const queries = new Map<string, PersistentQuery>();
  const topics = new Map<string, { partitions: number; replicas: number }>();
  const engine = new SqlEngine({
    settings,
    schemas,
    log,
    writer,
    topics: {
      areRepeated: false,
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
  return { engine, queries, topics };
}

/** The statements of a text. */
export function parsedScript(text: string): ReturnType<SqlEngine['parse']> {
  return parseScript(text);
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

/**
 * What an expression of literals gives, as text: its value and type; `fails:` and why, where evaluation throws (in a query
 * that is a null and a line of the processing log); `refused:` and the first line of why, where it has no meaning.
 */
export function evaluate(text: string): string {
  const environment = { functions: builtInFunctions(), resolveType: new Catalog().resolveType };
  let bound: TypedExpression;
  try {
    bound = bind(parseExpression(text), [], environment);
  } catch (error) {
    return `refused: ${messageOf(error).split('\n')[0]}`;
  }
  const { type } = bound;
  const run = new Evaluator(environment.functions, []).evaluate(bound);
  try {
    const value = run([]);
    return type === null ? 'null' : `${valueText(type, value)} ${typeText(type)}`;
  } catch (error) {
    return `fails: ${messageOf(error)}`;
  }
}

/** The names of all functions of a kind, in order. */
export function functionNames(kind: 'scalar' | 'aggregate' | 'table' | 'window'): string[] {
  return builtInFunctions()
    .all()
    .filter((declared) => declared.kind === kind)
    .map((declared) => declared.name)
    .sort();
}
