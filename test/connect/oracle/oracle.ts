// Asks Kafka Connect's own plugins (ConnectOracle.java), and has ours answer in the same form. Schemas and values are JSON:
// numbers `{ int32: '5' }`, bytes `{ bytes: Base64 }`, decimals, dates (ms), maps as pairs, structs by field.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig, type RawConfig } from '../../../src/connect/api/config-def.ts';
import type { SinkRecord } from '../../../src/connect/data/record.ts';
import type { Schema } from '../../../src/connect/data/schema.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { Decimal, messageOf, shortestFloat } from '../../../src/util/index.ts';
import { connectJars } from '../../suites/connect-jars.ts';

/** The folder with Kafka Connect's jars, or why there is none. */
export async function oracleJars(): ReturnType<typeof connectJars> {
  const given = process.env['KAFKA_LIB'];
  return given !== undefined && existsSync(given) ? { folder: given } : connectJars();
}

interface Asked {
  readonly class: string;
  readonly config: RawConfig;
}

/** What is asked of a plugin. */
export type Question = Asked &
  (
    | { readonly task: 'transform' | 'predicate'; readonly record: SinkRecord }
    | { readonly task: 'write' | 'writeHeader'; readonly schema: Schema | null; readonly value: unknown }
    | { readonly task: 'read' | 'readHeader'; readonly bytes: Uint8Array | null }
  );

/** What came of it; only `error` where it went wrong. */
export interface Answer {
  readonly error?: string;
  readonly cause?: string;
  readonly class?: string;
  readonly [part: string]: unknown;
}

/** What Java answers. */
export function theirs(folder: string, questions: readonly Question[]): Answer[] {
  const source = join(import.meta.dirname, 'ConnectOracle.java');
  const args = ['-Duser.timezone=UTC', '-Duser.language=en', '-cp', join(folder, '*'), source];
  const { stdout, stderr, status } = spawnSync('java', args, {
    input: questions.map((question) => `${JSON.stringify(questionJson(question))}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1e9,
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`the oracle ended with ${status}: ${stderr}`);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Answer);
}

const plugins = new Plugins();

/** What ours answers. */
export async function ours(question: Question): Promise<Answer> {
  try {
    return await answerOf(question);
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function answerOf(question: Question): Promise<Answer> {
  const { class: name, config } = question;
  const context = { isKey: false, schemaSource: () => undefined as never };
  switch (question.task) {
    case 'transform': {
      const plugin = await plugins.load(name, 'transformation');
      const transformation = await plugin.create(parseConfig(plugin.config, config), config);
      const record = await transformation.apply(question.record);
      return record === null ? { dropped: true } : { record: recordJson(record, false) };
    }
    case 'predicate': {
      const plugin = await plugins.load(name, 'predicate');
      return { result: plugin.create(parseConfig(plugin.config, config), config).test(question.record) };
    }
    case 'write': {
      const plugin = await plugins.load(name, 'converter');
      const converter = plugin.create(parseConfig(plugin.config, config), config, context);
      return bytesJson(await converter.fromConnect('topic', [], question.schema, question.value));
    }
    case 'read': {
      const plugin = await plugins.load(name, 'converter');
      const converter = plugin.create(parseConfig(plugin.config, config), config, context);
      const { schema, value } = await converter.toConnect('topic', [], question.bytes);
      return { schema: schemaJson(schema), value: valueJson(schema, value) };
    }
    case 'writeHeader': {
      const plugin = await plugins.load(name, 'header_converter');
      const converter = plugin.create(parseConfig(plugin.config, config), config);
      return bytesJson(converter.fromConnect('topic', 'header', question.schema, question.value));
    }
    case 'readHeader': {
      const plugin = await plugins.load(name, 'header_converter');
      const converter = plugin.create(parseConfig(plugin.config, config), config);
      const { schema, value } = converter.toConnect('topic', 'header', question.bytes);
      return { schema: schemaJson(schema), value: valueJson(schema, value) };
    }
  }
}

function questionJson(question: Question): unknown {
  if ('record' in question) return { ...question, record: recordJson(question.record, true) };
  if ('schema' in question)
    return { ...question, schema: schemaJson(question.schema), value: valueJson(question.schema, question.value) };
  return { ...question, ...bytesJson(question.bytes) };
}

function bytesJson(bytes: Uint8Array | null): { bytes: string | null } {
  return { bytes: bytes === null ? null : Buffer.from(bytes).toString('base64') };
}

function recordJson(record: SinkRecord, asked: boolean): unknown {
  const { topic, partition, keySchema, valueSchema, timestamp, headers } = record;
  return {
    topic,
    partition,
    ...(asked ? { offset: record.offset } : {}),
    keySchema: schemaJson(keySchema),
    key: valueJson(keySchema, record.key),
    valueSchema: schemaJson(valueSchema),
    value: valueJson(valueSchema, record.value),
    timestamp,
    headers: headers.map(({ key, schema, value }) => ({
      key,
      schema: schemaJson(schema),
      value: valueJson(schema, value),
    })),
  };
}

/** The JSON of a schema. */
export function schemaJson(schema: Schema | null): unknown {
  if (schema === null) return null;
  const { type, optional, name, version, doc, parameters, default: given } = schema;
  const hasParameters = parameters !== undefined && Object.keys(parameters).length > 0;
  return {
    type,
    ...(type === 'map' ? { keys: schemaJson(schema.keySchema) } : {}),
    ...(type === 'map' || type === 'array' ? { items: schemaJson(schema.valueSchema) } : {}),
    ...(type === 'struct'
      ? { fields: schema.fields.map((field) => ({ name: field.name, schema: schemaJson(field.schema) })) }
      : {}),
    optional,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(doc === undefined ? {} : { doc }),
    ...(hasParameters ? { parameters } : {}),
    ...(given === undefined || given === null ? {} : { default: valueJson(schema, given) }),
  };
}

/** The JSON of a value. Without a schema whole numbers are longs, others doubles, and objects maps. */
export function valueJson(schema: Schema | null, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return { int64: String(value) };
  if (typeof value === 'number') return { [numberType(schema, value)]: numberText(schema, value) };
  if (Array.isArray(value)) return value.map((each) => valueJson(schema?.valueSchema ?? null, each));
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Decimal) return { decimal: value.toString() };
  if (value instanceof Date) return { date: String(value.getTime()) };
  if (schema?.type === 'struct') {
    const struct = value as Record<string, unknown>;
    return {
      struct: Object.fromEntries(schema.fields.map(({ name, schema: of }) => [name, valueJson(of, struct[name])])),
    };
  }
  const entries: [unknown, unknown][] = value instanceof Map ? [...value.entries()] : Object.entries(value as object);
  const [keys, values] = schema?.type === 'map' ? [schema.keySchema, schema.valueSchema] : [null, null];
  return { map: entries.map(([key, each]) => [valueJson(keys, key), valueJson(values, each)]) };
}

function numberType(schema: Schema | null, value: number): string {
  if (schema !== null) return schema.type;
  return Number.isInteger(value) && !Object.is(value, -0) ? 'int64' : 'float64';
}

function numberText(schema: Schema | null, value: number): string {
  if (schema?.type === 'float32') return String(shortestFloat(value));
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/**
 * An answer in a form that both give alike: numbers without a schema have no type in JavaScript, maps no order, and floats are
 * printed in many ways.
 */
export function normal(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(normal);
  if (typeof answer !== 'object' || answer === null) return answer;
  const [[tag, inner] = ['', undefined], more] = Object.entries(answer);
  if (more === undefined && typeof inner === 'string') {
    if (/^(int\d+|float\d+)$/.test(tag)) return { number: tag.startsWith('int') ? inner : floatForm(tag, inner) };
    if (tag === 'decimal')
      return {
        decimal: Decimal.parse(inner)!
          .toString()
          .replace(/(\.\d*?)0+$/, '$1')
          .replace(/\.$/, ''),
      };
  }
  if (more === undefined && tag === 'map' && Array.isArray(inner))
    return { map: inner.map((pair) => JSON.stringify(normal(pair))).sort() };
  return Object.fromEntries(Object.entries(answer).map(([name, part]) => [name, normal(part)]));
}

function floatForm(tag: string, text: string): string {
  return String(tag === 'float32' ? Math.fround(Number(text)) : Number(text));
}
