// The transformations beside Kafka Connect's own: many made-up records and settings, and what becomes of each, refusals too.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SinkRecord } from '../../../src/connect/data/record.ts';
import type { Schema } from '../../../src/connect/data/schema.ts';
import { schemalessValue, typedStruct, typedValue } from '../oracle/arbitraries.ts';
import { type Answer, normal, oracleJars, ours, type Question, theirs } from '../oracle/oracle.ts';

const jars = await oracleJars();
if ('missing' in jars)
  console.log(`skipped: the comparison with Kafka Connect's transformations, because ${jars.missing}`);

const RUNS = 300;
const PACKAGE = 'org.apache.kafka.connect.transforms';
const NAMES = ['a', 'b', 'name', 'amount', 'x.y', 'id', 'constructor'];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 }).map((list) => list.join(','));
const replaceNull = fc.constantFrom({}, { 'replace.null.with.default': 'false' });

type Config = Record<string, string>;
const settings = (values: Record<string, fc.Arbitrary<string | undefined>>): fc.Arbitrary<Config> =>
  fc.tuple(fc.record(values), replaceNull).map(([given, more]) => ({
    ...Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...more,
  }));
const maybe = (text: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> => fc.option(text, { nil: undefined });

const types = fc.constantFrom('int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string');
const formats = fc.constantFrom(
  'yyyy-MM-dd',
  "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
  'EEE, d MMM yyyy h:mm a',
  'yyMMddHHmmss',
  'D yyyy',
  'HH:mm:ssX',
  'k K Z z G',
);

const TRANSFORMS: Readonly<Record<string, fc.Arbitrary<Config>>> = {
  Cast$Value: settings({
    spec: fc.oneof(
      types,
      fc
        .uniqueArray(fc.tuple(name, types), { minLength: 1, maxLength: 3, selector: ([field]) => field })
        .map((list) => list.map((pair) => pair.join(':')).join(',')),
    ),
  }),
  DropHeaders: settings({ headers: names }),
  ExtractField$Value: settings({
    field: fc.oneof(name, fc.constantFrom('a.b', '`x.y`', '`x.y`.a', 'a.b.name')),
    'field.syntax.version': maybe(fc.constantFrom('V1', 'V2')),
  }),
  Filter: settings({}),
  Flatten$Value: settings({ delimiter: maybe(fc.constantFrom('_', '.', '')) }),
  HeaderFrom$Value: settings({
    fields: name,
    headers: fc.constantFrom('h', 'h2'),
    operation: fc.constantFrom('move', 'copy'),
  }),
  HoistField$Value: settings({ field: name }),
  InsertField$Value: settings({
    'topic.field': maybe(fc.constantFrom('t', 't!', 't?')),
    'partition.field': maybe(fc.constantFrom('p', 'p!')),
    'offset.field': maybe(fc.constantFrom('o', 'o!')),
    'timestamp.field': maybe(fc.constantFrom('time', 'time!')),
    'static.field': fc.constantFrom('s', 's!'),
    'static.value': fc.string({ minLength: 1 }).filter((text) => text.trim() === text),
  }),
  InsertHeader: settings({
    header: name,
    'value.literal': fc.constantFrom('5', 'text', 'true', '[1,2]', '2020-01-01', '1.5'),
  }),
  MaskField$Value: settings({ fields: names, replacement: maybe(fc.constantFrom('5', '300', 'x')) }),
  RegexRouter: settings({
    regex: fc.constantFrom('(t)(o)?pic', 'top', '.*', '(?<all>.+)-(\\d)', 'topic|t', '[a-z]+-?\\d?'),
    replacement: fc.constantFrom('$1', 'x-$0', 'new\\$', '${all}', 'plain', '$2$1'),
  }),
  ReplaceField$Value: settings({
    exclude: maybe(names),
    include: maybe(names),
    renames: maybe(fc.constantFrom('a:z', 'b:y,name:x', 'x.y:xy')),
  }),
  SetSchemaMetadata$Value: settings({
    'schema.name': fc.constantFrom('com.example.Name'),
    'schema.version': maybe(fc.constantFrom('5')),
  }),
  TimestampConverter$Value: settings({
    field: maybe(name),
    'target.type': fc.constantFrom('string', 'unix', 'Date', 'Time', 'Timestamp'),
    format: formats,
    'unix.precision': maybe(fc.constantFrom('seconds', 'milliseconds', 'microseconds', 'nanoseconds')),
  }),
  TimestampRouter: settings({
    'topic.format': maybe(fc.constantFrom('${topic}_${timestamp}', '${timestamp}', 'fixed')),
    'timestamp.format': maybe(formats),
  }),
  ValueToKey: settings({ fields: names }),
};

const PREDICATES: Readonly<Record<string, fc.Arbitrary<Config>>> = {
  'predicates.TopicNameMatches': fc.constantFrom({ pattern: 'topic' }, { pattern: 'top' }, { pattern: '.*-[0-9]' }),
  'predicates.HasHeaderKey': fc.constantFrom({ name: 'a' }, { name: 'none' }),
  'predicates.RecordIsTombstone': fc.constant({}),
};

interface Part {
  readonly schema: Schema | null;
  readonly value: unknown;
}

const fieldNames = fc.constantFrom(...NAMES);
const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 5, arbitrary: typedStruct(1, fieldNames) },
  { weight: 2, arbitrary: typedStruct(2, fieldNames) },
  { weight: 2, arbitrary: typedValue(0) },
  {
    weight: 4,
    arbitrary: fc
      .dictionary(fieldNames, schemalessValue(1), { noNullPrototype: true })
      .map((value) => ({ schema: null, value })),
  },
  { weight: 1, arbitrary: schemalessValue(0).map((value) => ({ schema: null, value })) },
);

const records: fc.Arbitrary<SinkRecord> = fc
  .record({
    topic: fc.constantFrom('topic', 'orders', 'a-5', 'tpic'),
    partition: fc.integer({ min: 0, max: 9 }),
    offset: fc.integer({ min: 0, max: 1e6 }),
    timestamp: fc.option(fc.integer({ min: 0, max: 4e12 }), { freq: 9 }),
    value: part,
    headers: fc.array(fc.tuple(name, typedValue(0)), { maxLength: 2 }),
  })
  .map(({ topic, partition, offset, timestamp, value, headers }) => ({
    topic,
    partition,
    offset,
    timestamp,
    keySchema: null,
    key: null,
    valueSchema: value.schema,
    value: value.value,
    headers: headers.map(([key, { schema, value: of }]) => ({ key, schema, value: of })),
    timestampType: 'CreateTime' as const,
    originalTopic: topic,
    originalPartition: partition,
    originalOffset: offset,
  }));

/** What both say alike: of refusals that they are. */
function comparable(answer: Answer): unknown {
  return answer.error === undefined ? normal(answer) : 'refused';
}

/** Without the class of the value, and in one of the ways in which Kafka says it. */
const said = (error: string): string => error.replace('to a number', 'to number').replace(/class [\w.[]+/, '…');

/**
 * Where ours is other on purpose: tombstones are not refused by MaskField, schemas that are no structs can be renamed, a cast
 * value is no longer of a logical type, and dates end where those of JavaScript do.
 */
function isOther({ config, ...question }: Question, mine: Answer, known: Answer): boolean {
  const { valueSchema, value } = (question as { record: SinkRecord }).record;
  switch (question.class.split('.').at(-1)) {
    case 'Cast$Value':
      return valueSchema?.name !== undefined && !config['spec']!.includes(':');
    case 'MaskField$Value':
      return value === null && known.error !== undefined;
    case 'SetSchemaMetadata$Value':
      return valueSchema !== null && valueSchema.type !== 'struct';
    case 'TimestampConverter$Value':
      return mine.error?.includes('too far from the epoch') === true;
    default:
      return false;
  }
}

describe.skipIf('missing' in jars)('beside Kafka Connect 4.1.1', () => {
  const cases = Object.entries({ ...TRANSFORMS, ...PREDICATES });
  const questions: Question[] = cases.flatMap(([transform, configs], i) =>
    fc.sample(fc.tuple(configs, records), { numRuns: RUNS, seed: i + 1 }).map(
      ([config, record]): Question => ({
        task: transform.startsWith('predicates.') ? 'predicate' : 'transform',
        class: `${PACKAGE}.${transform}`,
        config,
        record,
      }),
    ),
  );
  const answers = 'missing' in jars ? [] : theirs(jars.folder, questions);

  test.each(cases.map(([transform], i) => [transform, i] as const))('%s', async (_transform, i) => {
    let refused = 0;
    for (let at = i * RUNS; at < (i + 1) * RUNS; at++) {
      const question = questions[at]!;
      const [mine, known] = [await ours(question), answers[at]!];
      if (isOther(question, mine, known)) continue;
      const seen = { config: question.config, record: (question as { record: SinkRecord }).record, mine };
      expect({ ...seen, answer: comparable(mine) }).toEqual({ ...seen, answer: comparable(known) });
      if (known.error === undefined) continue;
      refused++;
      // Which of several fields is named depends on the order in Java's map. Nor is it told what Java says of schemas that were
      // asked for what they don't have.
      const severalFields = Object.values(question.config).some((text) => text.includes(','));
      if (severalFields || known.error.endsWith('on non-struct type')) continue;
      if (known.class === 'org.apache.kafka.connect.errors.DataException')
        expect(said(known.error)).toContain(said(mine.error!));
    }
    expect(refused).toBeLessThan(RUNS);
  });
});
