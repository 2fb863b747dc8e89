// The converters beside Kafka Connect's own: what one writes the other reads, and both read and write alike.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseNumbers } from '../../../src/connect/converters/json/reader.ts';
import { BYTES, primitive, type Schema } from '../../../src/connect/data/schema.ts';
import { schemalessValue, typedValue } from '../oracle/arbitraries.ts';
import {
  type Answer,
  normal,
  oracleJars,
  ours,
  type Question,
  schemaJson,
  theirs,
  valueJson,
} from '../oracle/oracle.ts';

const jars = await oracleJars();
if ('missing' in jars) console.log(`skipped: the comparison with Kafka Connect's converters, because ${jars.missing}`);

const RUNS = 400;
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const PACKAGE = 'org.apache.kafka.connect.converters';

const bytesOf = ({ bytes }: Answer): Buffer => Buffer.from(bytes as string, 'base64');

async function both(questions: readonly Question[]): Promise<[Question, Answer, Answer][]> {
  const known = theirs((jars as { folder: string }).folder, questions);
  expect(known).toHaveLength(questions.length);
  return Promise.all(questions.map(async (q, i) => [q, await ours(q), known[i]!] as [Question, Answer, Answer]));
}

describe.skipIf('missing' in jars)('beside Kafka Connect 4.1.1', () => {
  const configs = ['BASE64', 'NUMERIC'].flatMap((format) =>
    ['true', 'false'].map((flag) => ({ 'decimal.format': format, 'replace.null.with.default': flag })),
  );

  test('JsonConverter with schemas writes the same, and reads what either has written', async () => {
    const values = fc.sample(typedValue(), { numRuns: RUNS, seed: 1 });
    const writes = values.map(({ schema, value }, i): Question => {
      return { task: 'write', class: JSON_CONVERTER, config: configs[i % 4]!, schema, value };
    });
    const written = await both(writes);
    const reads: Question[] = [];
    for (const [question, mine, known] of written) {
      expect(known.error).toBeUndefined();
      expect(parseNumbers(bytesOf(mine).toString())).toEqual(parseNumbers(bytesOf(known).toString()));
      for (const answer of [mine, known])
        reads.push({ task: 'read', class: JSON_CONVERTER, config: question.config, bytes: bytesOf(answer) });
    }
    for (const [, mine, known] of await both(reads)) expect(normal(mine)).toEqual(normal(known));
  });

  test('JsonConverter without schemas', async () => {
    const values = fc.sample(schemalessValue(), { numRuns: RUNS, seed: 2 });
    const config = { 'schemas.enable': 'false' };
    const writes = values.map(
      (value): Question => ({ task: 'write', class: JSON_CONVERTER, config, schema: null, value }),
    );
    const reads: Question[] = [];
    for (const [, mine, known] of await both(writes)) {
      if (known.bytes === null) {
        expect(mine.bytes).toBeNull();
        continue;
      }
      expect(parseNumbers(bytesOf(mine).toString())).toEqual(parseNumbers(bytesOf(known).toString()));
      for (const answer of [mine, known])
        reads.push({ task: 'read', class: JSON_CONVERTER, config, bytes: bytesOf(answer) });
    }
    for (const [, mine, known] of await both(reads)) expect(normal(mine)).toEqual(normal(known));
  });

  test('the converters of single values, and texts', async () => {
    const named: readonly [string, Schema['type']][] = [
      ['Short', 'int16'],
      ['Integer', 'int32'],
      ['Long', 'int64'],
      ['Float', 'float32'],
      ['Double', 'float64'],
      ['Boolean', 'boolean'],
      ['ByteArray', 'bytes'],
    ];
    const values = fc
      .sample(typedValue(0), { numRuns: RUNS, seed: 3 })
      .filter(({ schema }) => schema.name === undefined);
    const questions = values.flatMap(({ schema, value }): Question[] => {
      const exact = named.find(([, type]) => type === schema.type);
      const asText = schema.type === 'bytes' ? [] : ['org.apache.kafka.connect.storage.StringConverter'];
      const classes = [...asText, ...(exact === undefined ? [] : [`${PACKAGE}.${exact[0]}Converter`])];
      return classes.map((name) => ({ task: 'write', class: name, config: {}, schema, value }));
    });
    const reads: Question[] = [];
    for (const [question, mine, known] of await both(questions)) {
      expect({ question, ...mine }).toEqual({ question, ...known });
      const { class: name, config } = question;
      reads.push({ task: 'read', class: name, config, bytes: known.bytes === null ? null : bytesOf(known) });
    }
    for (const [, mine, known] of await both(reads)) expect(normal(mine)).toEqual(normal(known));
  });

  test('SimpleHeaderConverter', async () => {
    // Nothing that it reads otherwise on purpose: texts of which only the beginning is a value, and what has no common schema.
    const number = fc.oneof(
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.integer().map((n) => n / 4),
    );
    const words = fc.stringMatching(/^[A-Za-z][A-Za-z .*-]{0,8}$/);
    const leaf = fc.oneof(number.map(String), fc.boolean().map(String), words);
    const day = fc.integer({ min: 1, max: 4e7 }).map((minutes) => new Date(minutes * 60_000).toISOString());
    const list = (texts: fc.Arbitrary<string>) =>
      fc.array(texts, { minLength: 1, maxLength: 3 }).map((parts) => `[${parts.join(',')}]`);
    const map = fc.dictionary(words, fc.integer().map(String), { minKeys: 1, maxKeys: 3, noNullPrototype: true }).map(
      (entries) =>
        `{${Object.entries(entries)
          .map(([key, value]) => `"${key}":${value}`)
          .join(',')}}`,
    );
    const quoted = words.map((word) => `"${word}"`);
    const texts = fc.oneof(
      leaf,
      day,
      list(fc.integer().map(String)),
      list(fc.boolean().map(String)),
      list(quoted),
      map,
      list(day.map((text) => `"${text}"`)),
    );
    const name = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';
    const reads = fc.sample(texts, { numRuns: RUNS, seed: 4 }).map((text): Question => {
      return { task: 'readHeader', class: name, config: {}, bytes: Buffer.from(text) };
    });
    for (const [question, mine, known] of await both(reads))
      expect({ question, answer: normal(mine) }).toEqual({ question, answer: normal(known) });
    // Nor dates before 1970, and midnights, whose form Kafka takes from the value alone.
    const values = fc
      .sample(typedValue(1), { numRuns: RUNS, seed: 5 })
      .filter(({ schema }) => schema.name === undefined);
    const writes = values.map(
      ({ schema, value }): Question => ({ task: 'writeHeader', class: name, config: {}, schema, value }),
    );
    const plain = writes.filter(
      (question) => !JSON.stringify(schemaJson((question as { schema: Schema }).schema)).includes('connect.data'),
    );
    for (const [question, mine, known] of await both(plain))
      expect({ question, ...mine }).toEqual({ question, ...known });
  });

  test('what the converters of single values refuse', async () => {
    const refused: Question[] = ['Short', 'Integer', 'Long', 'Float', 'Double', 'Boolean'].flatMap((type) => [
      { task: 'read', class: `${PACKAGE}.${type}Converter`, config: {}, bytes: Buffer.from([2, 0, 1]) },
      { task: 'write', class: `${PACKAGE}.${type}Converter`, config: {}, schema: primitive('string'), value: 'x' },
    ]);
    refused.push({
      task: 'write',
      class: `${PACKAGE}.ByteArrayConverter`,
      config: {},
      schema: primitive('int8'),
      value: 1,
    });
    for (const [question, mine, known] of await both(refused)) {
      expect([question.class, known.class]).toEqual([question.class, 'org.apache.kafka.connect.errors.DataException']);
      expect(mine.error).toMatch(/^(Failed to (de)?serialize|Invalid schema type)/);
    }
  });
});

test('the forms of the oracle keep what they stand for', () => {
  expect([schemaJson(BYTES), valueJson(BYTES, Buffer.from('x'))]).toEqual([
    { type: 'bytes', optional: false },
    { bytes: 'eA==' },
  ]);
});
