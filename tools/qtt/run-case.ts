import { assert, messageOf } from '../../src/util/index.ts';
import { type OutputRecord, TopologyTestDriver } from '../../src/streams/index.ts';
import type { DataSource } from '../../src/sql/catalog.ts';
import { SqlEngine } from '../../src/sql/engine.ts';
import { StatementError } from '../../src/sql/errors.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { parseScript } from '../../src/sql/parser/parse.ts';
import { SyntaxError } from '../../src/sql/parser/syntax-error.ts';
import { sourceSteps } from '../../src/sql/plan/plan.ts';
import type { PersistentQuery } from '../../src/sql/statements/context.ts';
import { encodeInput, recordDifference, type TopicFormats, topicFormats } from './case-records.ts';
import type { QttCase } from './cases.ts';
import { checkPost } from './post.ts';
import { UnsupportedFormat } from './record-formats.ts';
import { failed, PASSED, type Verdict } from './report.ts';
import { asText } from './spec-json.ts';
import { testFunctions } from './test-functions.ts';
import { TopicStore } from './topic-store.ts';

/** The properties that the cases expect an engine to have. */
const BASE_SETTINGS: Readonly<Record<string, string>> = {
  'ksql.service.id': 'some.ksql.service.id',
  'ksql.headers.columns.enabled': 'true',
  // What only we can say is refused there.
  'ksql.query.extensions.enabled': 'false',
};

/** Runs one case: set-up, statements, records, comparison. */
export async function runCase(spec: QttCase): Promise<Verdict> {
  const run = new CaseRun(spec);
  try {
    await run.statements();
    await run.records();
  } catch (error) {
    if (error instanceof UnsupportedFormat) return { status: 'unsupported', reason: error.message };
    return judgeError(spec, error, run.lastStatement);
  }
  if (spec.expected !== undefined)
    return failed(`expected ${asText(spec.expected['type'])}: ${asText(spec.expected['message'])}, but nothing failed`);
  try {
    return run.compare() ?? run.post() ?? PASSED;
  } catch (error) {
    return failed(`comparison failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** Thrown while a query processes a record. */
class ProcessingFailure extends Error {}

class CaseRun {
  readonly #spec: QttCase;
  readonly #topics: TopicStore;
  readonly #engine: SqlEngine;
  readonly #queries = new Map<string, PersistentQuery>();
  lastStatement = false;

  constructor(spec: QttCase) {
    this.#spec = spec;
    this.#topics = new TopicStore(spec);
    const functions = builtInFunctions();
    for (const declared of testFunctions()) functions.add(declared);
    this.#engine = new SqlEngine({
      topics: this.#topics,
      schemas: this.#topics.schemas,
      writer: this.#topics,
      functions,
      settings: { ...BASE_SETTINGS, ...spec.properties },
      executor: {
        start: async (query) => {
          this.#queries.set(query.queryId, query);
        },
        stop: async (queryId) => {
          this.#queries.delete(queryId);
        },
      },
    });
  }

  async statements(): Promise<void> {
    const parsed = parseScript(this.#spec.statements.join('\n'));
    await this.#topics.prepare(parsed, this.#engine.settings());
    for (const [i, statement] of parsed.entries()) {
      this.lastStatement = i === parsed.length - 1;
      await this.#engine.executeStatement(statement);
    }
    if (this.#spec.expected === undefined) assert(this.#queries.size > 0, 'the case made no query');
  }

  async records(): Promise<void> {
    const { inputs } = this.#spec;
    const given = new Set(inputs.map((input) => input.topic));
    const encoded = inputs.map((input) => ({ input, ...encodeInput(input, this.#formats(input.topic)) }));
    for (const query of this.#queries.values()) {
      const sources = [...new Set(sourceSteps(query.plan.root).map((step) => step.topic))];
      await query.topology.prepare();
      const driver = new TopologyTestDriver(query.topology, { forgetsBeforeClosing: true });
      const sink = query.plan.sink?.topic;
      const pipe = async (
        topic: string,
        key: Buffer | null,
        value: Buffer | null,
        timestamp: number,
        headers: OutputRecord['headers'],
      ): Promise<void> => {
        try {
          await driver.pipeLoading(topic, key, value, timestamp, headers);
        } catch (error) {
          throw new ProcessingFailure(messageOf(error), { cause: error });
        }
        if (sink !== undefined) for (const record of driver.read(sink)) this.#topics.append(record);
      };
      for (const { input, key, value } of encoded) {
        if (sources.includes(input.topic))
          await pipe(input.topic, key, value, input.timestamp ?? 0, input.headers ?? []);
      }
      for (const topic of sources) {
        if (given.has(topic)) continue;
        for (const record of this.#topics.records(topic))
          await pipe(topic, record.key, record.value, record.timestamp, record.headers);
      }
      driver.close();
    }
  }

  #source(topic: string): DataSource | undefined {
    return this.#engine.catalog.sources().find((source) => source.topic === topic);
  }

  #formats(topic: string): TopicFormats {
    const exactNumbers = this.#spec.properties['use.exact.numeric.comparison'] !== 'false';
    return topicFormats(this.#source(topic), { topic, registry: this.#topics.schemas, exactNumbers });
  }

  compare(): Verdict | undefined {
    const { outputs } = this.#spec;
    for (const topic of new Set(outputs.map((output) => output.topic))) {
      const expected = outputs.filter((output) => output.topic === topic);
      const actual = this.#topics.records(topic);
      const formats = this.#formats(topic);
      for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
        const want = expected[i];
        const got = actual[i];
        if (want === undefined || got === undefined) {
          const extra =
            got === undefined ? '' : ` first extra: ${got.key?.toString()} ${got.value?.toString()} @${got.timestamp}`;
          return failed(`topic ${topic}: expected ${expected.length} records, got ${actual.length}.${extra}`);
        }
        const wrong = recordDifference(want, got, formats);
        if (wrong !== undefined) return failed(`topic ${topic} record ${i}: ${wrong}`);
      }
    }
    return undefined;
  }

  post(): Verdict | undefined {
    const { post } = this.#spec;
    if (post === undefined) return undefined;
    const wrong = checkPost(post, this.#engine, [...this.#queries.values()], this.#topics);
    return wrong === undefined ? undefined : failed(`post: ${wrong}`);
  }
}

function judgeError(spec: QttCase, error: unknown, lastStatement: boolean): Verdict {
  const text = messageOf(error);
  const detail =
    error instanceof StatementError || error instanceof SyntaxError
      ? text
      : error instanceof Error
        ? (error.stack ?? text)
        : text;
  const { expected } = spec;
  if (expected === undefined) return failed(detail);
  const type = asText(expected['type'])?.split('.').at(-1);
  const message = asText(expected['message']);
  const isProcessing = error instanceof ProcessingFailure;
  const fits =
    type === 'StreamsException'
      ? isProcessing
      : type === 'ParseFailedException'
        ? error instanceof SyntaxError
        : error instanceof SyntaxError || error instanceof StatementError;
  if (!fits) return failed(`expected ${type}: ${message}\ngot ${detail}`);
  if (error instanceof StatementError && !lastStatement) return failed(`failed before the last statement: ${text}`);
  if (message !== undefined && !text.includes(message)) return failed(`expected the message: ${message}\ngot: ${text}`);
  const causeMessage = asText(expected['causeMessage']);
  if (causeMessage !== undefined && !causesOf(error).some((cause) => cause.includes(causeMessage)))
    return failed(`expected the cause: ${causeMessage}\ngot: ${causesOf(error).join(' <- ')}`);
  return PASSED;
}

function causesOf(error: unknown): string[] {
  const found: string[] = [];
  for (
    let cause: unknown = error instanceof Error ? error.cause : undefined;
    cause instanceof Error;
    cause = cause.cause
  )
    found.push(cause.message);
  return found;
}
