// Statements tried on records, without a broker and without waiting: an engine over topics in memory, and each of its queries
// run by hand, one record after the other. What ksqlDB's test runner does with its three files.
import { MemorySchemas } from '../../serde/index.ts';
import { type OutputRecord, TopologyTestDriver } from '../../streams/index.ts';
import type { GivenSettings } from '../../util/index.ts';
import type { DataSource } from '../catalog.ts';
import { SqlEngine } from '../engine.ts';
import { refuse } from '../errors.ts';
import type { CreateSource, ParsedStatement } from '../parser/ast.ts';
import { sourceSteps } from '../plan/plan.ts';
import { normalizeSettings } from '../settings.ts';
import type { PersistentQuery } from '../statements/context.ts';
import { loadExtensions } from '../statements/functions.ts';
import { difference, sidesOf, type TestRecord } from './records.ts';
import { MemoryTopics } from './topics.ts';

export interface StatementTest {
  readonly statements: string;
  readonly inputs: readonly TestRecord[];
  readonly outputs: readonly TestRecord[];
  readonly settings?: GivenSettings;
  readonly log?: (message: string) => void;
}

/** What can be tried: statements that make topics, types, functions and queries, or a row. */
const TRIED: ReadonlySet<ParsedStatement['statement']['kind']> = new Set([
  'createSource',
  'createAsSelect',
  'insertIntoSelect',
  'insertValues',
  'createType',
  'dropType',
  'alterSource',
  'dropSource',
  'createFunction',
  'dropFunction',
  'set',
  'unset',
]);

/** Runs statements on records. Resolves with what is not as expected; undefined when all is. Rejects for statements that are refused. */
export async function testStatements(test: StatementTest): Promise<string | undefined> {
  const run = new TestRun(test);
  await run.statements();
  await run.records();
  return run.difference();
}

class TestRun {
  readonly #test: StatementTest;
  readonly #topics = new MemoryTopics();
  readonly #schemas = new MemorySchemas();
  readonly #queries = new Map<string, PersistentQuery>();
  readonly #engine: SqlEngine;

  constructor(test: StatementTest) {
    this.#test = test;
    const { settings = {}, log = () => {} } = test;
    this.#engine = new SqlEngine({
      topics: this.#topics,
      writer: this.#topics,
      schemas: this.#schemas,
      settings: normalizeSettings(settings),
      log: ({ step, error }) => log(`${step}: ${error instanceof Error ? error.message : String(error)}`),
      executor: {
        start: async (query) => void this.#queries.set(query.queryId, query),
        stop: async (queryId) => void this.#queries.delete(queryId),
      },
    });
  }

  async statements(): Promise<void> {
    const { statements, log = () => {} } = this.#test;
    await loadExtensions(this.#engine.context, log);
    const parsed = this.#engine.parse(statements);
    let overrides: Record<string, string> = {};
    for (const each of parsed) {
      const { statement } = each;
      if (!TRIED.has(statement.kind)) refuse(`A test has statements that make something, not ${each.text}`);
      if (statement.kind === 'createSource') this.#makeTopic(statement);
      if (statement.kind === 'set')
        overrides = { ...overrides, ...normalizeSettings({ [statement.name]: statement.value }) };
      else if (statement.kind === 'unset') delete overrides[statement.name];
      else await this.#engine.executeStatement(each, overrides);
    }
  }

  /** What a statement reads is there. */
  #makeTopic({ properties }: CreateSource): void {
    const topic = properties.get('KAFKA_TOPIC');
    const partitions = properties.get('PARTITIONS');
    if (typeof topic === 'string') this.#topics.make(topic, partitions === undefined ? undefined : Number(partitions));
  }

  /** Every query has the records of its sources in the order of the file; what other queries wrote comes behind. */
  async records(): Promise<void> {
    const encoded: { readonly record: TestRecord; readonly key: Buffer | null; readonly value: Buffer | null }[] = [];
    for (const record of this.#test.inputs) {
      const { key, value } = this.#sides(record.topic);
      encoded.push({
        record,
        key: await key.encode(record.key, record.window),
        value: await value.encode(record.value, undefined),
      });
    }
    const given = new Set(this.#test.inputs.map(({ topic }) => topic));
    for (const query of this.#queries.values()) {
      const sources = [...new Set(sourceSteps(query.plan.root).map(({ topic }) => topic))];
      const driver = new TopologyTestDriver(query.topology, { forgetsBeforeClosing: true });
      await query.topology.prepare();
      const pipe = async ({ topic, key, value, timestamp, headers }: Omit<OutputRecord, 'partition' | 'offset'>) => {
        await driver.pipeLoading(topic, key, value, timestamp, headers);
        await driver.settled();
        const sink = query.plan.sink?.topic;
        if (sink !== undefined) for (const record of driver.read(sink)) this.#topics.append(record);
      };
      for (const { record, key, value } of encoded) {
        const { topic, timestamp = 0 } = record;
        if (sources.includes(topic)) await pipe({ topic, key, value, timestamp, headers: [] });
      }
      for (const topic of sources) {
        if (!given.has(topic)) for (const record of this.#topics.records(topic)) await pipe(record);
      }
      driver.close();
    }
  }

  async difference(): Promise<string | undefined> {
    const { outputs } = this.#test;
    for (const topic of new Set(outputs.map((output) => output.topic))) {
      const expected = outputs.filter((output) => output.topic === topic);
      const actual = this.#topics.records(topic);
      if (expected.length !== actual.length)
        return `Topic ${topic}: expected ${expected.length} records, got ${actual.length}`;
      for (const [i, record] of expected.entries()) {
        const different = await this.#recordDifference(record, actual[i]!);
        if (different !== undefined) return `Topic ${topic}, record ${i}: ${different}`;
      }
    }
    return undefined;
  }

  async #recordDifference(expected: TestRecord, actual: OutputRecord): Promise<string | undefined> {
    const sides = this.#sides(expected.topic);
    const key = await sides.key.decode(actual.key);
    const value = await sides.value.decode(actual.value);
    const windowText = (window: TestRecord['window']) =>
      window === undefined ? 'none' : `${window.start} to ${window.end}`;
    const wanted = windowText(expected.window);
    const found = windowText(key.window);
    return (
      difference(expected.key, key.json, 'key') ??
      (wanted === found ? undefined : `window: expected ${wanted}, got ${found}`) ??
      difference(expected.value, value.json, 'value') ??
      (expected.timestamp === undefined || expected.timestamp === actual.timestamp
        ? undefined
        : `timestamp: expected ${expected.timestamp}, got ${actual.timestamp}`)
    );
  }

  #sides(topic: string) {
    return sidesOf({ schemas: this.#schemas }, this.#source(topic));
  }

  #source(topic: string): DataSource | undefined {
    return this.#engine.catalog.sources().find((source) => source.topic === topic);
  }
}
