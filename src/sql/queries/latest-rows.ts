// The rows of a table that no query keeps, as its topic has them now: the latest of each key, with where its record is. Read to
// its end, the topic says more than any state: what was written before the question is in it.
import type { ConsumerRecord } from '../../client/index.ts';
import { SynchronousTopology, type Topology } from '../../streams/index.ts';
import { assert, messageOf, yieldToEventLoop } from '../../util/index.ts';
import { type Flow, plainKey } from '../compile/flow.ts';
import { compileFlow } from '../compile/topology.ts';
import { refuse } from '../errors.ts';
import { isFatal } from '../expressions/evaluation/evaluate.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { Step } from '../plan/plan.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';
import type { LatestRequest, OpenRows, RowsRequest } from './host.ts';
import { orNull } from './materialization.ts';
import { KeptRows, ROWS_PER_SLICE } from './pull-shape.ts';
import { recordsUntilNow, type StreamRowsOptions } from './stream-rows.ts';

interface Latest {
  readonly partition: number;
  readonly key: Buffer;
  readonly row: Row;
}

/** `root` is a projection of the rows that its filter lets through. What it can't make of one of them ends it. */
export function latestRows(
  { queryId, from, root }: RowsRequest<LatestRequest>,
  { compiling, client, environment }: StreamRowsOptions,
): OpenRows<Row> {
  assert(root.kind === 'project', 'what becomes of the rows is a projection');
  const { input, items } = root;
  const source = input.kind === 'filter' ? input.input : input;
  const evaluator = new Evaluator(compiling.functions, source.columns);
  const test = input.kind === 'filter' ? evaluator.evaluate(input.predicate.expression) : () => true;
  const values = items.map(({ expression }) => evaluator.evaluate(expression));
  const room = new KeptRows((name) => compiling.setting(name)).part();
  const latest = new Map<SqlValue, Latest>();

  async function* batches(): AsyncGenerator<Row[]> {
    const rows = new RecordRows(source, (step, end) => compileFlow(compiling, step, queryId, end));
    for await (const records of recordsUntilNow(client, from.topic)) {
      for (let at = 0; at < records.length; at += ROWS_PER_SLICE) {
        for (const { key, row, record } of await rows.of(records.slice(at, at + ROWS_PER_SLICE))) {
          const identity = identityOf(key);
          if (row !== null && orNull(test, row) === true)
            latest.set(identity, { partition: record.partition, key: record.key!, row });
          else latest.delete(identity);
        }
        room(latest.size);
        yield [];
        await yieldToEventLoop(environment);
      }
    }
    let found: Row[] = [];
    for (const { partition, key, row } of latest.values()) {
      found.push([partition, key, ...values.map((value) => valueOrRefusal(() => value(row)))]);
      if (found.length < ROWS_PER_SLICE) continue;
      yield found;
      found = [];
      await yieldToEventLoop(environment);
    }
    yield found;
  }
  const reading = batches();
  return {
    share: undefined,
    batches: reading,
    close: async () => {
      await reading.return(undefined);
    },
  };
}

function valueOrRefusal(evaluate: () => SqlValue): SqlValue {
  try {
    return evaluate();
  } catch (error) {
    return refuse(`There is a row for which the new value can't be computed: ${messageOf(error)}`);
  }
}

interface RecordRow {
  readonly key: Row;
  /** Null: the record deletes. */
  readonly row: Row | null;
  readonly record: ConsumerRecord;
}

/** What records say, each beside its record; those that can't be read or have no key say nothing. */
class RecordRows {
  readonly #running: SynchronousTopology;
  #record: ConsumerRecord | undefined;
  #found: RecordRow[] = [];

  constructor(source: Step, compile: (step: Step, end: (flow: Flow) => void) => Topology) {
    const topology = compile({ ...source, table: false }, (flow) => {
      assert('stream' in flow, 'records are a stream');
      flow.stream.foreach((key, row) => {
        const plain = plainKey(key);
        if (plain !== null) this.#found.push({ key: plain, row, record: this.#record! });
      });
    });
    this.#running = new SynchronousTopology(topology, {
      onDecodeError: () => 'continue',
      onProcessingError: (error) => (isFatal(error) ? 'fail' : 'continue'),
    });
  }

  async of(records: readonly ConsumerRecord[]): Promise<RecordRow[]> {
    await this.#running.pipeAll(this.#oneByOne(records));
    return this.#found.splice(0);
  }

  /** Each has been processed when the next is taken. */
  *#oneByOne(records: readonly ConsumerRecord[]): Generator<ConsumerRecord> {
    for (const record of records) {
      this.#record = record;
      yield record;
    }
  }
}
