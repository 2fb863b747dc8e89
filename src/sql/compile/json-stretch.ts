// The stateless stretch of a query from JSON to JSON (source → WHERE → SELECT → sink) as one function over the bytes of a
// value: only the columns that are used are read, and what goes out as it came in is copied. A record with anything
// unusual in it takes the ordinary way (decode, evaluate, encode), which is also what this must agree with.
import type { RecordContext } from '../../streams/index.ts';
import type { ByteWriter } from '../../util/index.ts';
import { columnsIn } from '../analysis/walk.ts';
import { compilerFor } from '../plan/environment.ts';
import type { FilterStep, ProjectStep, QueryPlan, SinkPlan, SourceStep, Step } from '../plan/plan.ts';
import type { SqlType } from '../types.ts';
import { doubleText, type Row, type SqlValue } from '../values/value.ts';
import { writer } from './codecs/json.ts';
import type { Evaluate } from './expression.ts';
import type { TopologyEnvironment } from './flow.ts';
import { holdsBare, rowSerde } from './formats.ts';
import { FieldKind, JsonScanner, plainInteger } from './json-scanner.ts';

export interface JsonStretch {
  readonly source: SourceStep;
  readonly sink: SinkPlan;
  /** True: a record without a value goes no further, as WHERE is not true of it. */
  readonly filters: boolean;
  readonly transform: (bytes: Buffer, start: number, end: number, out: ByteWriter, context: RecordContext) => boolean;
}

interface Chain {
  readonly source: SourceStep;
  readonly filters: readonly FilterStep[];
  readonly project: ProjectStep;
  readonly sink: SinkPlan;
}

/** Undefined when the query is something else, or uses what is not read from bytes. */
export function jsonStretch(
  env: TopologyEnvironment,
  plan: QueryPlan,
  guarded: (evaluate: Evaluate, step: string) => Evaluate,
): JsonStretch | undefined {
  const chain = chainOf(plan);
  if (chain === undefined || !isEligible(chain)) return undefined;
  const { source, filters, sink } = chain;
  return { source, sink, filters: filters.length > 0, transform: transformOf(env, plan.queryId, chain, guarded) };
}

function chainOf({ root, sink }: QueryPlan): Chain | undefined {
  if (root.kind !== 'project' || sink === undefined) return undefined;
  const filters: FilterStep[] = [];
  let step: Step = root.input;
  while (step.kind === 'filter') {
    filters.unshift(step);
    step = step.input;
  }
  return step.kind === 'source' ? { source: step, filters, project: root, sink } : undefined;
}

const READABLE = new Set<SqlType['kind']>(['INTEGER', 'BIGINT', 'DOUBLE', 'STRING', 'BOOLEAN']);
const OF_RECORD = new Set(['ROWTIME', 'ROWPARTITION', 'ROWOFFSET']);

function isEligible({ source, project, sink }: Chain): boolean {
  const { schema } = source;
  const values = schema.value;
  const { format } = source.keyFormat;
  // Keys pass as bytes: they must mean the same on both sides, or nothing.
  const sameKey = schema.key.length === 0 || (sink.keyFormat.format === format && format === 'KAFKA');
  return (
    !source.table &&
    source.window === undefined &&
    source.prefix === undefined &&
    source.timestamp === undefined &&
    sink.timestamp === undefined &&
    sameKey &&
    project.key.length === schema.key.length &&
    values.every((column) => column.namespace === 'VALUE') &&
    source.valueFormat.format === 'JSON' &&
    !holdsBare(source.valueFormat, 'value', values) &&
    sink.valueFormat.format === 'JSON' &&
    project.columns.length > 0 &&
    !holdsBare(sink.valueFormat, 'value', project.columns) &&
    source.columns.every(
      ({ name, type }) =>
        OF_RECORD.has(name) || (READABLE.has(type.kind) && values.some((column) => column.name === name)),
    )
  );
}

/** A column that is read: where its field is found, and where its value goes in the row. */
interface ReadColumn {
  readonly field: number;
  readonly at: number;
  readonly read: (bytes: Buffer, start: number, end: number, kind: number) => SqlValue | undefined;
}

type WriteItem = (row: SqlValue[], bytes: Buffer, out: ByteWriter) => boolean;

function transformOf(
  env: TopologyEnvironment,
  queryId: string,
  { source, filters, project, sink }: Chain,
  guarded: (evaluate: Evaluate, step: string) => Evaluate,
): JsonStretch['transform'] {
  const { columns } = source;
  const compiler = compilerFor(env, columns);
  const predicates = filters.map((filter) => guarded(compiler.compile(filter.predicate).evaluate, filter.clause));
  const fields = columns.filter(({ name }) => !OF_RECORD.has(name));
  const scanner = new JsonScanner(fields.map(({ name }) => name));
  const fieldOf = (name: string) => fields.findIndex((field) => field.name === name);

  const copied = (item: ProjectStep['items'][number]) =>
    item.expression.kind === 'column' && fieldOf(item.expression.name) >= 0 ? item.expression.name : undefined;
  const evaluated = [
    ...filters.map((filter) => filter.predicate),
    ...project.items.filter((item) => copied(item) === undefined).map((item) => item.expression),
  ];
  const used = new Set(evaluated.flatMap((expression) => columnsIn(expression).map(({ name }) => name)));
  const read: ReadColumn[] = columns.flatMap(({ name, type }, at) =>
    used.has(name) && fieldOf(name) >= 0 ? [{ field: fieldOf(name), at, read: readerOf(type) }] : [],
  );
  const ofRecord = columns.flatMap(({ name }, at) => (OF_RECORD.has(name) ? [{ name, at }] : []));

  const evaluates = project.items.map(({ expression }) => guarded(compiler.compile(expression).evaluate, 'SELECT'));
  const labels = project.items.map(({ name }, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`));
  const writes = project.items.map((item, i): WriteItem => {
    const { type } = project.columns[i]!;
    const name = copied(item);
    if (name !== undefined) return copierOf(scanner, fieldOf(name), type);
    const print = writer(type);
    const evaluate = evaluates[i]!;
    return (row, _bytes, out) => {
      out.utf8(print(evaluate(row)));
      return true;
    };
  });
  const ordinary = ordinaryWay(env, queryId, { source, filters, project, sink }, predicates, evaluates);
  const row: SqlValue[] = columns.map(() => null);

  return (bytes, start, end, out, context) => {
    if (!scanner.scan(bytes, start, end)) return ordinary(bytes, start, end, out, context);
    const { starts, ends, kinds } = scanner;
    for (let i = 0; i < read.length; i++) {
      const { field, at, read: readValue } = read[i]!;
      const value = readValue(bytes, starts[field]!, ends[field]!, kinds[field]!);
      if (value === undefined) return ordinary(bytes, start, end, out, context);
      row[at] = value;
    }
    for (let i = 0; i < ofRecord.length; i++) row[ofRecord[i]!.at] = systemValue(ofRecord[i]!.name, context);
    for (let i = 0; i < predicates.length; i++) if (predicates[i]!(row) !== true) return false;
    const begun = out.position;
    for (let i = 0; i < writes.length; i++) {
      out.bytes(labels[i]!);
      if (writes[i]!(row, bytes, out)) continue;
      out.position = begun;
      return ordinary(bytes, start, end, out, context);
    }
    out.int8(0x7d);
    return true;
  };
}

/** Decode, evaluate, encode: for records that the scanner leaves alone. */
function ordinaryWay(
  env: TopologyEnvironment,
  queryId: string,
  { source, project, sink }: Chain,
  predicates: readonly Evaluate[],
  evaluates: readonly Evaluate[],
): JsonStretch['transform'] {
  const values = source.schema.value;
  const from = rowSerde(env, source.valueFormat, values, { topic: source.topic, part: 'value' });
  const to = rowSerde(env, sink.valueFormat, project.columns, { topic: sink.topic, part: 'value' });
  const places = source.columns.map(({ name }) => values.findIndex((column) => column.name === name));
  const fails = env.setting('ksql.fail.on.deserialization.error') === 'true';
  return (bytes, start, end, out, context) => {
    let decoded: Row | null;
    try {
      decoded = from.decode(bytes, start, end);
    } catch (error) {
      env.log({ queryId, step: 'source', error });
      if (fails) throw error;
      return false;
    }
    if (decoded === null) return false;
    const row = source.columns.map(({ name }, i) =>
      OF_RECORD.has(name) ? systemValue(name, context) : (decoded[places[i]!] ?? null),
    );
    if (!predicates.every((predicate) => predicate(row) === true)) return false;
    to.encode(
      evaluates.map((evaluate) => evaluate(row)),
      out,
    );
    return true;
  };
}

function systemValue(name: string, { timestamp, partition, offset }: RecordContext): number {
  return name === 'ROWTIME' ? timestamp : name === 'ROWPARTITION' ? partition : offset;
}

const INTEGER_DIGITS = 9;
const BIGINT_DIGITS = 15;

/** Reads a field as a column's value; undefined where the ordinary way has to decide. */
function readerOf(type: SqlType): ReadColumn['read'] {
  const digits = type.kind === 'INTEGER' ? INTEGER_DIGITS : BIGINT_DIGITS;
  const present = (bytes: Buffer, start: number, end: number, kind: number): SqlValue | undefined => {
    switch (type.kind) {
      case 'INTEGER':
      case 'BIGINT': {
        if (kind !== FieldKind.number) return undefined;
        const value = plainInteger(bytes, start, end, digits);
        return Number.isNaN(value) || Object.is(value, -0) ? undefined : value;
      }
      case 'DOUBLE':
        return kind === FieldKind.number ? Number(bytes.toString('latin1', start, end)) : undefined;
      case 'STRING':
        if (kind === FieldKind.plainString) return bytes.toString('latin1', start + 1, end - 1);
        return kind === FieldKind.string ? (JSON.parse(bytes.toString('utf8', start, end)) as string) : undefined;
      case 'BOOLEAN':
        return kind === FieldKind.boolean ? bytes[start] === 0x74 : undefined;
      default:
        return undefined;
    }
  };
  return (bytes, start, end, kind) =>
    kind === FieldKind.missing || kind === FieldKind.null ? null : present(bytes, start, end, kind);
}

const NULL = Buffer.from('null');

/** Copies a field's bytes where they are what would be printed; false where the ordinary way has to decide. */
function copierOf(scanner: JsonScanner, field: number, type: SqlType): WriteItem {
  const { starts, ends, kinds } = scanner;
  const read = readerOf(type);
  return (_row, bytes, out) => {
    const kind = kinds[field]!;
    if (kind === FieldKind.missing || kind === FieldKind.null) {
      out.bytes(NULL);
      return true;
    }
    const start = starts[field]!;
    const end = ends[field]!;
    if (type.kind === 'STRING' && kind === FieldKind.plainString) {
      out.bytes(bytes, start, end);
      return true;
    }
    const value = read(bytes, start, end, kind);
    if (value === undefined) return false;
    if (type.kind === 'DOUBLE') out.utf8(Number.isFinite(value) ? doubleText(value as number) : `"${String(value)}"`);
    else if (type.kind === 'STRING') out.utf8(JSON.stringify(value));
    else out.bytes(bytes, start, end);
    return true;
  };
}
