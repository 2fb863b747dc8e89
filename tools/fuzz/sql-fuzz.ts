/**
 * Hands an SQL engine texts that are nearly statements: each is parsed, or refused with a place; checked, or refused with a
 * reason; and what becomes a query gets records. Nothing else may come of it, nor may it take long.
 */
import { Chance } from './chance.ts';
import { SOURCES, STATEMENTS } from './corpus/sql.ts';
import { mutated } from './mutations.ts';
import { attempt, type FuzzOptions, newOutcome, note, type Outcome, PROBLEMS_MAX } from './outcome.ts';
import { SqlEngine } from '../../src/sql/engine.ts';
import { StatementError } from '../../src/sql/errors.ts';
import { SyntaxError } from '../../src/sql/parser/syntax-error.ts';
import type { PersistentQuery, TopicOptions } from '../../src/sql/statements/context.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { MemorySchemas } from '../../src/serde/index.ts';
import { codeOf } from '../../src/util/index.ts';

/** An engine is replaced after so many texts: what they have made must not pile up. */
const TEXTS_PER_ENGINE = 100;
const RECORD_TIME = 1_700_000_000_000;

/** What records hold: values of the right types, others, and what is no row. */
const VALUES: readonly (string | null)[] = [
  '{"i":1,"l":9007199254740993,"d":0.5,"t":"a,b","b":true,"y":"AQI=","n":1.25,"ts":1700000000000,"da":19000,"ti":3600000,"a":[3,1,2],"m":{"a":1},"st":{"x":1,"y":"z"},"aa":[{"x":5}],"name":"n","f":1,"v":2.5}',
  '{"i":-2147483648,"l":-9223372036854775808,"d":1e308,"t":"","b":false,"n":-99999999.99,"a":[],"m":{},"st":null,"aa":[null]}',
  '{"i":null,"t":"2024-02-30","d":-0.0,"a":[null,2147483647],"m":{"":null},"st":{}}',
  '{"t":"{\\"a\\":[{\\"b\\":1}]}","n":0,"ts":-62135596800000,"da":-719162,"ti":86399999,"i":0,"l":0,"d":0}',
  '{"i":"x"}',
  '[]',
  'no json',
  null,
];

export async function fuzzSql(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const chance = new Chance(options.random);
  const all = [...SOURCES, ...STATEMENTS];
  while (outcome.tries < options.tries && outcome.problems.length < PROBLEMS_MAX) {
    const target = await Target.open();
    for (let i = 0; i < TEXTS_PER_ENGINE && outcome.tries < options.tries; i++) {
      const text = chance.oneIn(10) ? chance.pick(STATEMENTS) : mutated(chance.pick(all), all, chance);
      await attempt(outcome, text, () => target.take(text, chance, outcome));
    }
    options.progress?.(outcome);
  }
  return outcome;
}

class Target {
  readonly #engine: SqlEngine;
  #started: PersistentQuery[] = [];
  /** What was told of records that a query could not take, and is no fault of theirs. */
  readonly faults: unknown[] = [];

  private constructor() {
    const topics = new Map<string, TopicOptions>();
    this.#engine = new SqlEngine({
      schemas: new MemorySchemas(),
      log: ({ error }) => {
        if (isInternal(error)) this.faults.push(error);
      },
      writer: { write: async () => {} },
      topics: {
        areRepeated: false,
        describe: async (topic) => topics.get(topic),
        create: async (topic, given) => {
          topics.set(topic, given);
        },
        delete: async (topic) => {
          topics.delete(topic);
        },
      },
      executor: {
        start: async (query) => {
          this.#started.push(query);
        },
        stop: async () => {},
      },
    });
  }

  static async open(): Promise<Target> {
    const target = new Target();
    await target.#engine.execute(SOURCES.join('\n'));
    return target;
  }

  async take(text: string, chance: Chance, outcome: Outcome): Promise<void> {
    this.#started = [];
    try {
      for (const parsed of this.#engine.parse(text)) {
        note(outcome, 'parsed');
        await this.#engine.executeStatement(parsed);
        note(outcome, 'carried out');
      }
    } catch (error) {
      note(outcome, nameOfRefusal(error));
    }
    for (const query of this.#started) {
      note(outcome, 'queries');
      await feed(query, chance);
      for (const fault of this.faults) throw fault;
    }
  }
}

/** Errors of the language and of Node: nobody meant to throw them. */
function isInternal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof ReferenceError) return true;
  return (error as Error).name === 'AssertionError' || codeOf(error)?.startsWith('ERR_') === true;
}

/** What a refusal is; throws what is none. */
function nameOfRefusal(error: unknown): string {
  if (error instanceof SyntaxError) {
    if (!(error.location.line >= 1 && error.location.column >= 0)) throw error;
    return 'refused by syntax';
  }
  if (!(error instanceof StatementError)) throw error;
  for (let cause = error.cause; cause !== undefined; cause = (cause as Error).cause) if (isInternal(cause)) throw cause;
  return 'refused';
}

/** Pipes records through a query. What it leaves out it tells; nothing else may come of it. */
async function feed({ topology }: PersistentQuery, chance: Chance): Promise<void> {
  const driver = new TopologyTestDriver(topology);
  for (const [i, value] of VALUES.entries()) {
    for (const topic of topology.sourceTopics()) {
      if (topology.internalTopics.has(topic)) continue;
      const key = chance.oneIn(4) ? null : Buffer.from(chance.pick(['k', '\0\0\0\x01', '']), 'latin1');
      await driver.pipeLoading(topic, key, value === null ? null : Buffer.from(value), RECORD_TIME + i * 4000);
    }
  }
}
