// The stateless stretch of a query from JSON to JSON (source → WHERE → SELECT → sink) as one function over the bytes of a
// value: only the columns that are used are read, and what goes out as it came in is copied. A record that can't be read
// so takes the ordinary way (decode, evaluate, encode), which is also what this must agree with.
import type { RecordContext } from '../../streams/index.ts';
import type { ByteWriter } from '../../util/index.ts';
import { columnsUsed } from '../expressions/typed.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { FilterStep, ProjectStep, QueryPlan, SinkPlan, SourceStep, Step } from '../plan/plan.ts';
import type { SqlType } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { FORMATS } from '../formats/all.ts';
import { wholeDecoder, writer } from '../formats/json.ts';
import { headerColumns } from './headers.ts';
import { fieldReader, JsonFields, plainDigits } from '../formats/json-fields.ts';
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import type { TopologyEnvironment } from './flow.ts';
import type { JsonCounts } from '../formats/reading.ts';
import { holdsBare, rowSerde } from '../formats/row-serde.ts';
import { FieldKind, type JsonScanner, plainInteger } from '../formats/json-scanner.ts';

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
  counts: JsonCounts,
): JsonStretch | undefined {
  const chain = chainOf(plan);
  if (chain === undefined || !isEligible(chain)) return undefined;
  const { source, filters, sink } = chain;
  return {
    source,
    sink,
    filters: filters.length > 0,
    transform: transformOf(env, plan.queryId, chain, guarded, counts),
  };
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

const OF_RECORD = new Set(['ROWTIME', 'ROWPARTITION', 'ROWOFFSET']);

function isEligible({ source, project, sink }: Chain): boolean {
  if (headerColumns(sink.schema.value).length > 0) return false;
  const { schema } = source;
  const values = schema.value;
  const { format } = source.keyFormat;
  // Keys pass as bytes: they must mean the same on both sides, or nothing.
  const sameKey = schema.key.length === 0 || (sink.keyFormat.format === format && FORMATS[format].holds === 'value');
  return (
    !source.table &&
    source.window === undefined &&
    source.prefix === undefined &&
    source.timestamp === undefined &&
    sink.timestamp === undefined &&
    sameKey &&
    project.key.length === schema.key.length &&
    values.every((column) => column.namespace === 'VALUE') &&
    FORMATS[source.valueFormat.format].isJsonText === true &&
    !holdsBare(source.valueFormat, 'value', values) &&
    FORMATS[sink.valueFormat.format].isJsonText === true &&
    project.columns.length > 0 &&
    !holdsBare(sink.valueFormat, 'value', project.columns) &&
    source.columns.every(({ name }) => OF_RECORD.has(name) || values.some((column) => column.name === name))
  );
}

type WriteItem = (row: SqlValue[], bytes: Buffer, out: ByteWriter) => void;

function transformOf(
  env: TopologyEnvironment,
  queryId: string,
  { source, filters, project, sink }: Chain,
  guarded: (evaluate: Evaluate, step: string) => Evaluate,
  counts: JsonCounts,
): JsonStretch['transform'] {
  const { columns, schema } = source;
  const evaluator = new Evaluator(env.functions, columns);
  const predicates = filters.map(({ predicate, clause }) => guarded(evaluator.evaluate(predicate.expression), clause));
  const fieldOf = (name: string) => schema.value.findIndex((column) => column.name === name);

  const copied = ({ expression }: ProjectStep['items'][number]) => {
    const field = expression.kind === 'column' ? fieldOf(expression.name) : -1;
    return field >= 0 && COPIED.has(schema.value[field]!.type.kind) ? field : -1;
  };
  const evaluated = [
    ...filters.map((filter) => filter.predicate.expression),
    ...project.items.filter((item) => copied(item) < 0).map((item) => item.expression),
  ];
  const used = columnsUsed(evaluated);
  const read = columns.flatMap(({ name }, at) =>
    used.has(name) && fieldOf(name) >= 0 ? [{ column: fieldOf(name), at }] : [],
  );
  const fields = new JsonFields(schema.value, read);
  const ofRecord = columns.flatMap(({ name }, at) => (OF_RECORD.has(name) ? [{ name, at }] : []));

  const evaluates = project.items.map(({ expression }) => guarded(evaluator.evaluate(expression), 'SELECT'));
  const labels = project.items.map(({ name }, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`));
  const writes = project.items.map((item, i): WriteItem => {
    const { type } = project.columns[i]!;
    const field = copied(item);
    if (field >= 0) return copierOf(fields.scanner, field, type);
    const print = writer(type);
    const evaluate = evaluates[i]!;
    return (row, _bytes, out) => out.utf8(print(evaluate(row)));
  });
  const ordinary = ordinaryWay(env, queryId, { source, filters, project, sink }, predicates, evaluates);
  const row: SqlValue[] = columns.map(() => null);

  return (bytes, start, end, out, context) => {
    if (!fields.read(bytes, start, end, row)) {
      counts.asWhole++;
      return ordinary(bytes, start, end, out, context);
    }
    counts.fromBytes++;
    for (let i = 0; i < ofRecord.length; i++) row[ofRecord[i]!.at] = systemValue(ofRecord[i]!.name, context);
    for (let i = 0; i < predicates.length; i++) if (predicates[i]!(row) !== true) return false;
    for (let i = 0; i < writes.length; i++) {
      out.bytes(labels[i]!);
      writes[i]!(row, bytes, out);
    }
    out.int8(CLOSE_BRACE);
    return true;
  };
}

const CLOSE_BRACE = 0x7d;

/** Decode, evaluate, encode: for records that the scanner leaves alone. */
function ordinaryWay(
  env: TopologyEnvironment,
  queryId: string,
  { source, project, sink }: Chain,
  predicates: readonly Evaluate[],
  evaluates: readonly Evaluate[],
): JsonStretch['transform'] {
  const values = source.schema.value;
  const decode = wholeDecoder(values, false);
  const to = rowSerde(env, sink.valueFormat, project.columns, { topic: sink.topic, part: 'value' });
  const places = source.columns.map(({ name }) => values.findIndex((column) => column.name === name));
  const fails = env.setting('ksql.fail.on.deserialization.error') === 'true';
  return (bytes, start, end, out, context) => {
    let decoded: Row | null;
    try {
      decoded = decode(bytes, start, end);
    } catch (error) {
      const value = { part: 'value', key: null, value: bytes.subarray(start, end) } as const;
      env.log({ kind: 'deserialization', queryId, step: 'source', error, at: context, bytes: value });
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

/** Types of which it is known without reading them that a field holds one, and how it is printed. */
const COPIED = new Set<SqlType['kind']>([
  'INTEGER',
  'BIGINT',
  'DOUBLE',
  'STRING',
  'BOOLEAN',
  'TIMESTAMP',
  'DATE',
  'TIME',
]);

const NULL = Buffer.from('null');

/** Copies a field's bytes where they are what would be printed. Other values were found to be of the type, and are printed. */
function copierOf({ starts, ends, kinds }: JsonScanner, field: number, type: SqlType): WriteItem {
  const read = fieldReader(type);
  const print = writer(type);
  const isPrinted = asPrinted(type);
  return (_row, bytes, out) => {
    const kind = kinds[field]!;
    const start = starts[field]!;
    const end = ends[field]!;
    if (kind === FieldKind.missing || kind === FieldKind.null) out.bytes(NULL);
    else if (isPrinted(bytes, start, end, kind)) out.bytes(bytes, start, end);
    else out.utf8(print(read(bytes, start, end, kind)!));
  };
}

/** Whether a field's bytes are just what its type's writer would print. */
function asPrinted(type: SqlType): (bytes: Buffer, start: number, end: number, kind: number) => boolean {
  switch (type.kind) {
    case 'DOUBLE':
      return () => false;
    case 'STRING':
      return (_bytes, _start, _end, kind) => kind === FieldKind.plainString;
    case 'BOOLEAN':
      return (_bytes, _start, _end, kind) => kind === FieldKind.boolean;
    default: {
      const digits = plainDigits(type);
      return (bytes, start, end, kind) =>
        kind === FieldKind.number && !Number.isNaN(plainInteger(bytes, start, end, digits));
    }
  }
}
