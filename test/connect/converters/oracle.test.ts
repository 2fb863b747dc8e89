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
