// A plan becomes a topology, step by step from the sources up: what each step does to a row is a closure made of its typed
// expressions here, once; nothing about the statement is decided any more.
import { bytesSerde, SerializationError, type Serde } from '../../serde/index.ts';
import { assert, messageOf } from '../../util/index.ts';
import {
  type Consumed,
  type KStream,
  type RecordContext,
  StreamsBuilder,
  type Topology,
  type Windowed,
} from '../../streams/index.ts';
import {
  type AwaitStep,
  type DerivedStep,
  type FilterStep,
  type FlatMapStep,
  type ProjectStep,
  type QueryPlan,
  type RowColumn,
  partsOf,
  SINK_PART,
  type SelectKeyStep,
  type SinkPlan,
  type SourceStep,
  type Step,
  goesIntoHeaders,
  sourceSteps,
  stepsOf,
  tableStoreName,
} from '../plan/plan.ts';
import { keyFormatOf } from '../plan/key-formats.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { columnsUsed } from '../expressions/typed.ts';
import { overloadOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { CallPolicy } from '../functions/function.ts';
import { failedCall } from '../functions/user-defined.ts';
import { defaultOf } from '../settings.ts';
import { fitsInternalTopics, isSpelledInOneWay, usesRegistry } from '../formats/traits.ts';
import {
  type Flow,
  type TopologyEnvironment,
  plainKey,
  type StepContext,
  type RowKey,
  type RowStream,
  type RowTable,
} from './flow.ts';
import { headerColumns, headersOf } from './headers.ts';
import { aggregateStep, groupKeySerde } from './topology-aggregate.ts';
import { distinctStep } from './topology-distinct.ts';
import { joinStep } from './topology-join.ts';
import { overStep } from './topology-over.ts';
import { rankStep } from './topology-rank.ts';
import { internalSerde } from '../formats/internal.ts';
import type { JsonCounts } from '../formats/reading.ts';
import { type JsonStretch, jsonStretch } from './json-stretch.ts';
import { type Evaluate, throwIfFatal } from '../expressions/evaluation/evaluate.ts';
import { holdsBare, keySerde, rowSerde } from '../formats/row-serde.ts';
import { timestampOf } from './timestamp.ts';

const EARLIEST = -2;

export interface Preparable {
  prepare?(): Promise<void>;
}

/**
 * A plan as a topology on the public Streams API. The serdes that write the sink are added to `sinkSerdes`: they may have to
 * be prepared before the first record.
 */
export function compileTopology(
  env: TopologyEnvironment,
  plan: QueryPlan,
  jsonCounts: JsonCounts,
  sinkSerdes: Preparable[] = [],
): Topology {
  const builder = new StreamsBuilder();
  const compiler = new StepCompiler(env, builder, plan.queryId, plan.root, jsonCounts);
  // Dead letters are whole records, of which the stretch sees the values only.
  const keepsRecords = (env.setting('errors.dead.letter.queue.topic.name') ?? '') !== '';
  const stretch = keepsRecords
    ? undefined
    : jsonStretch(compiler.env, plan, (evaluate, step) => compiler.guarded(evaluate, step, plan.root), jsonCounts);
  if (stretch !== undefined) {
    compiler.overBytes(stretch, plan.root);
    return builder.build();
  }
  const flow = compiler.compile(plan.root);
  if (plan.sink !== undefined) sinkSerdes.push(...compiler.sink(flow, plan.root, plan.sink));
  return builder.build();
}

/** Steps that end in a caller's hands instead of a sink: a query whose rows go to a client. */
export function compileFlow(
  env: TopologyEnvironment,
  root: Step,
  queryId: string,
  end: (flow: Flow) => void,
): Topology {
  const builder = new StreamsBuilder();
  const compiler = new StepCompiler(env, builder, queryId, root);
  builder.within(SINK_PART, () => end(compiler.compile(root)));
  return builder.build();
}

class StepCompiler implements StepContext {
  readonly env: TopologyEnvironment;
  readonly builder: StreamsBuilder;
  readonly queryId: string;
  readonly #jsonCounts: JsonCounts | undefined;
  readonly #sources: readonly SourceStep[];
  readonly #parts: ReadonlyMap<Step, string>;
  /** By source: a topic is read once, whoever wants its records. */
  readonly #read = new Map<string, KStream<RowKey, Row | null>>();
  /** What is being processed, as the last source has seen it. */
  #record: RecordContext | undefined;

  constructor(env: TopologyEnvironment, builder: StreamsBuilder, queryId: string, root: Step, jsonCounts?: JsonCounts) {
    this.env = { ...env, functions: env.functions.under(callPolicy(env, queryId)) };
    this.builder = builder;
    this.queryId = queryId;
    this.#sources = sourceSteps(root);
    this.#parts = partsOf(root);
    this.#jsonCounts = jsonCounts;
  }

  /** A whole query as one operator over the bytes of its values; keys pass as they are. */
  overBytes({ source, sink, filters, transform }: JsonStretch, root: Step): void {
    const filtering = stepsOf(root).find(({ kind }) => kind === 'filter');
    const bytes = { key: bytesSerde, value: bytesSerde };
    const read = this.builder.within(this.#parts.get(source)!, () =>
      this.builder.stream<Uint8Array | null, Uint8Array | null>(source.topic, { ...bytes, ...this.#start(source) }),
    );
    const written = this.builder.within(this.#parts.get(filtering ?? root)!, () => {
      const mapped = read.mapValueBytes<Uint8Array | null>(
        (value, start, end, out, context) => {
          this.#record = context;
          return transform(value, start, end, out, context);
        },
        { value: bytesSerde },
      );
      return filters ? mapped.filter((_key, value) => value !== null, { reads: 'neither' }) : mapped;
    });
    this.builder.within(SINK_PART, () => {
      const keyless = root.key.length === 0;
      const out = keyless ? written.selectKey((): Uint8Array | null => null, { reads: 'neither' }) : written;
      out.to(sink.topic, bytes);
    });
  }

  /** What a step adds to the topology is told by the step's name. */
  compile(step: Step): Flow {
    return this.builder.within(this.#parts.get(step)!, () => this.#compile(step));
  }

  #compile(step: Step): Flow {
    switch (step.kind) {
      case 'source':
        return this.#source(step);
      case 'derived':
        return this.#derived(step);
      case 'filter':
        return this.#filter(step);
      case 'flatMap':
        return { stream: this.#flatMap(step) };
      case 'await':
        return { stream: this.#await(step) };
      case 'distinct':
        return { stream: distinctStep(this, step) };
      case 'over':
        return { stream: overStep(this, step) };
      case 'rank':
        return { stream: rankStep(this, step) };
      case 'selectKey':
        return this.#selectKey(step);
      case 'project':
        return this.#project(step);
      case 'aggregate':
        return { table: aggregateStep(this, step) };
      case 'hashJoin':
      case 'arrange':
        throw new Error(`${step.kind} is of queries that are read at rest`);
      default:
        return joinStep(this, step);
    }
  }

  /** Evaluates; what fails is null and told to the processing log. */
  guarded(evaluate: Evaluate, step: string, over?: Step): Evaluate {
    const { log } = this.env;
    const { queryId } = this;
    // Behind a repartition or a join a row is no record's of a source any more.
    const isOfRecord = over !== undefined && isOfSource(over);
    return (row) => {
      try {
        return evaluate(row);
      } catch (error) {
        throwIfFatal(error);
        log({ kind: 'processing', queryId, step, error, at: isOfRecord ? this.#record : undefined, row });
        return null;
      }
    };
  }

  /** The serde for keys of a step in a format. */
  keySerde(
    step: { readonly key: readonly RowColumn[]; readonly window?: Step['window'] },
    info: SourceStep['keyFormat'],
    topic: string,
    readOnly = false,
  ): Serde<NonNullable<RowKey>> {
    const inner = rowSerde(this.env, info, step.key, { topic, part: 'key', readOnly });
    return keySerde(inner, step.window) as Serde<NonNullable<RowKey>>;
  }

  /** Makes closures of expressions over a step's rows. */
  #over({ columns }: Step): Evaluator {
    return new Evaluator(this.env.functions, columns);
  }

  // --- the stateless stretch -------------------------------------------------------------------------------------------

  /** The records of a source, each value with the columns that its readers look at. */
  #records(step: SourceStep): KStream<RowKey, Row | null> {
    const known = this.#read.get(step.source);
    if (known !== undefined) return known;
    const { schema, topic, timestamp } = step;
    const readers = this.#sources.filter(({ source }) => source === step.source);
    const values = schema.value.filter((column) => column.namespace === 'VALUE');
    const key = this.#sourceKey(step);
    const value = rowSerde(this.env, step.valueFormat, values, {
      topic,
      part: 'value',
      readOnly: true,
      reading: { wanted: new Set(readers.flatMap(wantedColumns)), counts: this.#jsonCounts },
    });
    const { log } = this.env;
    const { queryId } = this;
    const extract =
      timestamp === undefined
        ? undefined
        : timestampOf(timestamp, schema, this.env.setting('ksql.timestamp.throw.on.invalid') === 'true', (error) =>
            log({ kind: 'processing', queryId, step: 'source', error, at: this.#record }),
          );
    const stream = this.builder.stream<RowKey, Row | null>(topic, {
      ...this.#start(step),
      key,
      value: value as Serde<Row>,
      onDecodeError: (error, { topic: of, partition, offset, part, rawKey, rawValue }) => {
        const at = { topic: of, partition, offset };
        const bytes = { part, key: rawKey, value: rawValue };
        log({ kind: 'deserialization', queryId, step: 'source', error, at, bytes });
        return this.env.setting('ksql.fail.on.deserialization.error') === 'true' ? 'fail' : 'continue';
      },
      ...(extract === undefined
        ? {}
        : {
            timestampExtractor: (k, v, context) => {
              this.#record = context;
              return extract(plainKey(k), v, context.timestamp);
            },
          }),
    });
    this.#read.set(step.source, stream);
    return stream;
  }

  /** Where a source says itself where reading begins. */
  #start({ start }: SourceStep): Pick<Consumed<unknown, unknown>, 'offsetReset'> {
    if (start === undefined) return {};
    if (start.at === 'earliest' || start.at === 'latest') return { offsetReset: start.at };
    const { startOffset } = this.env;
    return { offsetReset: ({ topic, partition }) => startOffset?.(topic, partition) ?? EARLIEST };
  }

  #sourceKey({ schema, window, keyFormat, topic }: SourceStep): Serde<NonNullable<RowKey>> {
    return this.keySerde({ key: schema.key, window }, keyFormat, topic, true);
  }

  #source(step: SourceStep): Flow {
    const assemble = rowAssembler(step);
    const rows: RowStream = this.#records(step).mapValues(
      (k, v, context) => {
        this.#record = context;
        return v === null ? null : assemble(k, v, context);
      },
      { value: internalSerde(step.columns) as Serde<Row> },
    );
    if (!step.table) return { stream: rows };
    const table = rows.toTable({
      key: this.#tableKey(step, this.#sourceKey(step)),
      value: internalSerde(step.columns) as Serde<Row>,
      name: tableStoreName(step),
    });
    return { table };
  }

  /** By which bytes a table's rows are kept: those of the topic, unless one key may be there in several spellings. */
  #tableKey({ keyFormat, schema, window, topic }: SourceStep, read: Serde<NonNullable<RowKey>>) {
    const { format } = keyFormat;
    if (usesRegistry(format)) return keySerde(internalSerde(schema.key), window) as Serde<NonNullable<RowKey>>;
    // A serde of its own: keys are written anew.
    return isSpelledInOneWay(format) ? read : this.keySerde({ key: schema.key, window }, keyFormat, topic, true);
  }

  /** The rows of queries, with what every source's row has. */
  #derived(step: DerivedStep): Flow {
    const parts = step.columns.map(({ name }): ((row: Row, context: RecordContext) => SqlValue) => {
      const own = ownName(step.prefix, name);
      const at = step.names.indexOf(own);
      if (at >= 0) return (row) => row[at]!;
      const part = systemColumns[own]!;
      return (row, context) => part(null, null, row, context);
    });
    const assemble = (row: Row | null, context: RecordContext): Row | null =>
      row === null ? null : parts.map((part) => part(row, context));
    const serde = { value: internalSerde(step.columns) as Serde<Row> };
    const assembled = (flow: Flow): Flow =>
      step.table && 'table' in flow
        ? { table: flow.table.mapValues((_key, row, context) => assemble(row, context), serde) }
        : { stream: streamOf(flow).mapValues((_key, row, context) => assemble(row, context), serde) };
    const [first, ...others] = step.inputs.map((input) => assembled(this.compile(input)));
    if (others.length === 0) return first!;
    return { stream: others.reduce((all, other) => all.merge(streamOf(other)), streamOf(first!)) };
  }

  #filter(step: FilterStep): Flow {
    const predicate = this.guarded(this.#over(step.input).evaluate(step.predicate.expression), step.clause, step.input);
    if (step.input.table) {
      const table = this.table(step.input);
      return { table: table.filter((_key, row) => predicate(row) === true, { reads: 'value', oldValues: true }) };
    }
    return {
      stream: this.stream(step.input).filter((_key, row) => row !== null && predicate(row) === true, {
        reads: 'value',
      }),
    };
  }

  #flatMap(step: FlatMapStep): RowStream {
    const evaluator = this.#over(step.input);
    const functions = step.calls.map(({ expression }) => evaluator.evaluateRows(expression));
    const { log } = this.env;
    const { queryId } = this;
    const expand = (row: Row): (Row | null)[] => {
      const results = functions.map((rows) => {
        try {
          return rows(row);
        } catch (error) {
          throwIfFatal(error);
          log({ kind: 'processing', queryId, step: 'SELECT', error, row });
          return [];
        }
      });
      const count = Math.max(...results.map((result) => result.length));
      return Array.from({ length: count }, (_, i) => [...row, ...results.map((result) => result[i] ?? null)]);
    };
    return this.stream(step.input).flatMapValues((_key, row) => (row === null ? [] : expand(row)), {
      reads: 'value',
      value: internalSerde(step.columns) as Serde<Row>,
    });
  }

  /** One operator per function: each has its own limits. What fails is null, as with other functions. */
  #await({ input, calls, columns }: AwaitStep): RowStream {
    const evaluator = this.#over(input);
    const { functions } = this.env;
    return calls.reduce<RowStream>((stream, { expression }, i) => {
      const ask = evaluator.evaluateAwaited(expression);
      const { options = {} } = overloadOf(functions, 'scalar', expression).awaited ?? {};
      const known = columns.slice(0, input.columns.length + i + 1);
      return stream.mapValuesAsync(
        async (_key, row, call): Promise<Row | null> => row && [...row, await ask(row, call)],
        {
          ...options,
          order: 'partition',
          value: internalSerde(known) as Serde<Row>,
          orElse: (error, _key, row) => row && [...row, failedCall(functions.policy, expression.function, error)],
        },
      );
    }, this.stream(input));
  }

  #selectKey(step: SelectKeyStep): Flow {
    const evaluator = this.#over(step.input);
    const ofKey = new Set(step.input.key.map(({ name }) => name));
    const keys = step.keys.map(({ expression }) => ({
      evaluate: this.guarded(evaluator.evaluate(expression), 'PARTITION BY', step.input),
      fromKey: columnsUsed([expression]).isSubsetOf(ofKey),
    }));
    // A record without a value still has a key, from which the next one may be made.
    const places = step.input.columns.map(({ name }) => step.input.key.findIndex((column) => column.name === name));
    const newKey = (old: RowKey, value: Row | null): Row | null => {
      if (keys.length === 0) return null;
      const plain = plainKey(old);
      const row = value ?? places.map((at) => plain?.[at] ?? null);
      const key = keys.map(({ evaluate, fromKey }) => (value === null && !fromKey ? null : evaluate(row)));
      return key.length === 1 && key[0] === null ? null : key;
    };
    const added = step.columns
      .slice(step.input.columns.length)
      .map(({ name }) => step.keys.findIndex((key) => key.name === name));
    const serde =
      step.keyFormat !== undefined && fitsInternalTopics(step.keyFormat.format)
        ? this.keySerde(step, step.keyFormat, '')
        : (internalSerde(step.key) as Serde<NonNullable<RowKey>>);
    let stream: RowStream = this.stream(step.input).selectKey((key, row) => newKey(key, row) as RowKey, { key: serde });
    if (added.length > 0) {
      stream = stream.mapValues(
        (key, row): Row | null => (row === null ? null : [...row, ...added.map((at) => plainKey(key)?.[at] ?? null)]),
        {
          value: internalSerde(step.columns) as Serde<Row>,
        },
      );
    }
    if (!step.table) return { stream };
    const rekeyed = { key: serde, value: internalSerde(step.columns) as Serde<Row> };
    const context = step.context ?? 'SourceKeyed';
    const placed = stream.repartition({ ...rekeyed, name: `${context}-SelectKey` });
    return { table: placed.toTable({ ...rekeyed, name: `${context}-Materialize` }) };
  }

  #project(step: ProjectStep): Flow {
    const evaluator = this.#over(step.input);
    const items = step.items.map(({ expression }) =>
      this.guarded(evaluator.evaluate(expression), 'SELECT', step.input),
    );
    const project = (row: Row): Row | null => {
      const values: SqlValue[] = [];
      for (let i = 0; i < items.length; i++) values.push(items[i]!(row));
      return values;
    };
    const input = this.compile(step.input);
    if ('table' in input) return { table: input.table.mapValues((_key, row) => project(row), { reads: 'value' }) };
    return { stream: input.stream.mapValues((_key, row) => (row === null ? null : project(row)), { reads: 'value' }) };
  }

  // --- ends --------------------------------------------------------------------------------------------------------------

  sink(flow: Flow, root: Step, sink: SinkPlan): Preparable[] {
    return this.builder.within(SINK_PART, () => this.#sink(flow, root, sink));
  }

  #sink(flow: Flow, root: Step, sink: SinkPlan): Preparable[] {
    const { topic } = sink;
    const isHeader = goesIntoHeaders(root, sink);
    const columns = root.columns.filter((_column, i) => !isHeader[i]);
    const told = (part: 'key' | 'value') => (error: unknown, row: Row) =>
      this.env.log({
        kind: 'serialization',
        queryId: this.queryId,
        step: 'sink',
        error,
        target: { topic, part },
        row,
      });
    const key = toSink(this.keySerde(root, sink.keyFormat, topic), topic, (error, value) =>
      told('key')(error, plainKey(value) ?? []),
    );
    const value = toSink(rowSerde(this.env, sink.valueFormat, columns, { topic, part: 'value' }), topic, told('value'));
    const bare = holdsBare(sink.valueFormat, 'value', columns);
    let stream = streamOf(flow);
    if (root.key.length === 0) stream = stream.selectKey((): RowKey => null, { reads: 'neither' });
    if (columns.length < root.columns.length) stream = this.#withHeaders(stream, sink, isHeader);
    if (bare)
      stream = stream.mapValues((_key, row) => (row === null || row[0] === null ? null : row), { reads: 'value' });
    const { timestamp } = sink;
    if (timestamp === undefined) {
      stream.to(sink.topic, { key, value: value as Serde<Row> });
      return [key, value];
    }
    const schema = { key: root.key, value: columns };
    const extract = timestampOf(
      timestamp,
      schema,
      this.env.setting('ksql.timestamp.throw.on.invalid') === 'true',
      (error) => this.env.log({ kind: 'processing', queryId: this.queryId, step: 'sink', error }),
    );
    const valid = stream.filter((k, row, context) => extract(plainKey(k), row, context.timestamp) >= 0);
    valid.to(sink.topic, {
      key,
      value: value as Serde<Row>,
      timestamp: (k, row, context) => extract(plainKey(k), row, context.timestamp),
    });
    return [key, value];
  }

  /** The rows without their header columns, whose values the records have as headers. */
  #withHeaders(stream: RowStream, { schema }: SinkPlan, isHeader: readonly boolean[]): RowStream {
    const columns = headerColumns(schema.value);
    return stream.process<RowKey, Row | null>((context) => ({
      process({ key, value: row, headers }) {
        if (row === null) return context.forward({ key, value: null });
        const values = row.filter((_value, i) => isHeader[i]);
        const value = row.filter((_value, i) => !isHeader[i]);
        context.forward({ key, value, headers: headersOf(columns, values, headers) });
      },
    }));
  }

  stream(step: Step): RowStream {
    return streamOf(this.compile(step));
  }

  table(step: Step): RowTable {
    const flow = this.compile(step);
    if ('table' in flow) return flow.table;
    const keyFormat = keyFormatOf(step);
    assert(step.table && keyFormat !== undefined, 'this step is a table, and has a key');
    return flow.stream.toTable({
      key: groupKeySerde(this.env, { keyFormat, key: step.key }) as Serde<NonNullable<RowKey>>,
      value: internalSerde(step.columns) as Serde<Row>,
    });
  }
}

function streamOf(flow: Flow): RowStream {
  return 'table' in flow ? flow.table.toStream() : flow.stream;
}

/** Functions that are not the engine's own are watched, and what fails is told to the processing log or ends the query. */
function callPolicy({ setting, log }: TopologyEnvironment, queryId: string): CallPolicy {
  return {
    limitMs: Number(setting('ksql.functions.time.limit.ms') ?? defaultOf('ksql.functions.time.limit.ms')),
    stops: setting('ksql.fail.on.function.error') === 'true',
    tell: (error) => log({ kind: 'processing', queryId, step: error.function, error }),
  };
}

/** A row that does not fit the sink's schema is told, and ends its query: to leave it out would lose it silently. */
function toSink<T>(serde: Serde<T>, topic: string, tell: (error: unknown, value: T) => void): Serde<T> {
  return {
    name: serde.name,
    encode(value, out) {
      try {
        serde.encode(value, out);
      } catch (error) {
        tell(error, value);
        const what = `Exception caught in process: Unable to serialize record to topic ${topic}: ${messageOf(error)}`;
        throw new SerializationError(what, error);
      }
    },
    decode: (bytes, start, end) => serde.decode(bytes, start, end),
    prepare: async () => serde.prepare?.(),
    schemaHeader: serde.schemaHeader,
    windowBytes: serde.windowBytes,
  };
}

/** The columns of a source's records that its query looks at. */
function wantedColumns({ columns, prefix, timestamp }: SourceStep): string[] {
  const names = columns.map(({ name }) => ownName(prefix, name));
  return timestamp === undefined ? names : [...names, timestamp.column];
}

/** What a column is called in its source: joins put a prefix before it. */
function ownName(prefix: string | undefined, name: string): string {
  return prefix === undefined ? name : name.slice(prefix.length + 1);
}

/** Puts a record together as a row, of the columns that the step has: values, what every record has, its key, its window. */
function rowAssembler(step: SourceStep): (key: RowKey, value: Row, context: RecordContext) => Row {
  const { schema, prefix } = step;
  const headers = schema.value.some((column) => column.namespace === 'HEADERS');
  const parts = step.columns.map((column): Part => {
    const own = ownName(prefix, column.name);
    const at = schema.value.findIndex(({ name }) => name === own);
    if (at >= 0) return (_key, _plain, value) => value[at]!;
    const inKey = schema.key.findIndex(({ name }) => name === own);
    if (inKey >= 0) return (_key, plain) => (plain === null ? null : plain[inKey]!);
    return systemColumns[own]!;
  });
  return (key, value, context) => {
    const plain = plainKey(key);
    const values = headers ? withHeaders(step, value, context) : value;
    const row: SqlValue[] = [];
    for (let i = 0; i < parts.length; i++) row.push(parts[i]!(key, plain, values, context));
    return row;
  };
}

type Part = (key: RowKey, plain: Row | null, values: Row, context: RecordContext) => SqlValue;

const systemColumns: Record<string, Part> = {
  ROWTIME: (_key, _plain, _values, context) => context.timestamp,
  ROWPARTITION: (_key, _plain, _values, context) => context.partition,
  ROWOFFSET: (_key, _plain, _values, context) => context.offset,
  WINDOWSTART: (key) => (key as Windowed<Row> | null)?.start ?? null,
  WINDOWEND: (key) => (key as Windowed<Row> | null)?.end ?? null,
};

function withHeaders(step: SourceStep, value: Row, context: RecordContext): SqlValue[] {
  const headers = context.headers;
  let next = 0;
  return step.schema.value.map((column) => {
    if (column.namespace === 'VALUE') return value[next++]!;
    if (column.headerKey === undefined) return headers.map((header): SqlValue => [header.key, bytesOf(header.value)]);
    return bytesOf(headers.findLast((header) => header.key === column.headerKey)?.value ?? null);
  });
}

function bytesOf(value: Uint8Array | string | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

/** Whether a step's rows are records of a source, one by one. */
function isOfSource(step: Step): boolean {
  if (step.kind === 'source') return true;
  const isStateless = step.kind === 'filter' || step.kind === 'flatMap' || step.kind === 'project';
  return isStateless && isOfSource(step.input);
}
