import type { DataSource } from '../../src/sql/catalog.ts';
import type { WindowInfo } from '../../src/sql/schema.ts';
import { messagesOf } from '../../src/sql/formats/protobuf-schema.ts';
import type { SqlEngine } from '../../src/sql/engine.ts';
import type { FormatInfo } from '../../src/sql/formats/traits.ts';
import { parseScript } from '../../src/sql/parser/parse.ts';
import { type Column, schemaOf, schemaText } from '../../src/sql/schema.ts';
import type { PersistentQuery } from '../../src/sql/statements/context.ts';
import { asList, asNumber, asText, isObject, type Spec, type SpecObject, parseSpec, printSpec } from './spec-json.ts';
import type { TopicStore } from './topic-store.ts';

/** The checks on sources and topics that come after the records; answers what is wrong. */
export function checkPost(
  post: SpecObject,
  engine: SqlEngine,
  queries: readonly PersistentQuery[],
  topics: TopicStore,
): string | undefined {
  for (const spec of asList(post['sources']).filter(isObject)) {
    const wrong = checkSource(spec, engine);
    if (wrong !== undefined) return wrong;
  }
  const expected = post['topics'];
  if (!isObject(expected)) return undefined;
  const internal = queries.flatMap((query) => internalTopics(query));
  const names = [...topics.names(), ...internal];
  const blacklist = asText(expected['blacklist']);
  const listed = blacklist === undefined ? undefined : names.find((name) => new RegExp(blacklist).test(name));
  if (listed !== undefined) return `the topic ${listed} must not exist`;
  for (const spec of asList(expected['topics']).filter(isObject)) {
    const wrong = checkTopic(spec, engine, names, topics);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkSource(spec: SpecObject, engine: SqlEngine): string | undefined {
  const name = asText(spec['name']) ?? '';
  const source = engine.catalog.source(name);
  if (source === undefined) return `the source ${name} does not exist`;
  const type = asText(spec['type'])?.toUpperCase();
  if (type !== undefined && type !== source.kind) return `${name} is a ${source.kind}, not a ${type}`;
  const schema = asText(spec['schema']);
  if (schema !== undefined) {
    const wanted = schemaText(schemaOf(columnsOf(schema, engine)));
    const found = schemaText({ key: source.schema.key, value: source.schema.value });
    if (wanted !== found) return `${name}: expected the schema ${wanted}, got ${found}`;
  }
  const keyFormat = spec['keyFormat'];
  if (isObject(keyFormat)) {
    const wrong = checkKeyFormat(keyFormat, source);
    if (wrong !== undefined) return wrong;
  }
  const valueFormat = asText(spec['valueFormat']);
  if (valueFormat !== undefined && valueFormat !== source.valueFormat.format)
    return `${name}: expected the value format ${valueFormat}, got ${source.valueFormat.format}`;
  for (const side of ['key', 'value'] as const) {
    const features = spec[`${side}Features`];
    if (!Array.isArray(features)) continue;
    const found = featuresOf(side === 'key' ? source.keyFormat : source.valueFormat);
    const wanted = features.map((feature) => asText(feature) ?? '');
    if (wanted.join() !== found.join())
      return `${name}: expected ${side} features [${wanted.join()}], got [${found.join()}]`;
  }
  const isSource = spec['isSource'];
  if (typeof isSource === 'boolean' && isSource !== source.isSource) return `${name}: isSource is ${source.isSource}`;
  return undefined;
}

function featuresOf(format: FormatInfo): string[] {
  return format.wrapping === undefined ? [] : [format.wrapping];
}

function checkKeyFormat(spec: SpecObject, source: DataSource): string | undefined {
  const format = asText(spec['format']);
  if (format !== undefined && format !== source.keyFormat.format)
    return `${source.name}: expected the key format ${format}, got ${source.keyFormat.format}`;
  const type = asText(spec['windowType']);
  if ((type ?? undefined) !== source.window?.type)
    return `${source.name}: expected ${type} windows, got ${source.window?.type}`;
  const size = asNumber(spec['windowSize']);
  if (size !== source.window?.sizeMs)
    return `${source.name}: expected the window size ${size}, got ${source.window?.sizeMs}`;
  return undefined;
}

/** A column list as text: `K INT KEY, V STRING`. */
function columnsOf(text: string, engine: SqlEngine): Column[] {
  const list = text.replace(/\bPRIMARY KEY\b/gi, 'KEY');
  const [parsed] = parseScript(`CREATE STREAM S (${list}) WITH (KAFKA_TOPIC='t');`);
  const { statement } = parsed!;
  if (statement.kind !== 'createSource') return [];
  return statement.elements.map((element) => ({
    name: element.name,
    type: engine.catalog.resolveType(element.type),
    namespace: element.constraint === 'KEY' ? 'KEY' : 'VALUE',
  }));
}

/** The topics that a query would make for itself. */
function internalTopics(query: PersistentQuery): string[] {
  const prefix = `_confluent-ksql-some.ksql.service.idquery_${query.queryId}`;
  const { internalTopics: repartitions, stores } = query.topology;
  const changelogs = [...stores.values()].filter((store) => store.logging && store.sourceTopic === undefined);
  return [...repartitions.keys(), ...changelogs.map((store) => `${store.name}-changelog`)].map(
    (name) => `${prefix}-${name}`,
  );
}

function checkTopic(
  spec: SpecObject,
  engine: SqlEngine,
  names: readonly string[],
  topics: TopicStore,
): string | undefined {
  const name = asText(spec['name']) ?? '';
  // ksqlDB numbers its join stores, ours are named after the join: both mean the same store.
  const shape = (text: string): string =>
    text
      .replace(/KSTREAM-(JOINTHIS|OUTERTHIS)-\d{10}-store/, 'Join-this-join-store')
      .replace(/KSTREAM-(JOINOTHER|OUTEROTHER)-\d{10}-store/, 'Join-other-join-store')
      .replace(/\d{10}/g, '#');
  if (!names.some((candidate) => shape(candidate) === shape(name)))
    return `the topic ${name} does not exist among ${names.join(', ')}`;
  const partitions = asNumber(spec['partitions']);
  const found = topics.partitionsOf(name);
  if (partitions !== undefined && found !== partitions)
    return `${name}: expected ${partitions} partitions, got ${found}`;
  const source = engine.catalog.sources().find((candidate) => candidate.topic === name);
  if (source === undefined) return undefined;
  for (const side of ['key', 'value'] as const) {
    const expected = spec[`${side}Format`];
    const actual = side === 'key' ? source.keyFormat : source.valueFormat;
    if (isObject(expected) && !sameFormat(expected, actual, side === 'key' ? source.window : undefined))
      return `${name}: expected the ${side} format ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
    const schema = spec[`${side}Schema`];
    const registered = topics.schemas.newest(`${name}-${side}`)?.schema;
    if (schema !== undefined && schema !== null && !sameSchema(schema, registered))
      return `${name}: expected the ${side} schema ${printSpec(schema)}, got ${registered}`;
    const id = asNumber(spec[`${side}SchemaId`]);
    const actualId = actual.properties['schemaId'];
    if (id !== (actualId === undefined ? undefined : Number(actualId)))
      return `${name}: expected the ${side} schema id ${id}, got ${actualId}`;
  }
  return undefined;
}

function sameFormat(expected: SpecObject, actual: FormatInfo, window: WindowInfo | undefined): boolean {
  const features = asList(expected['features']).map((feature) => asText(feature));
  const properties = Object.entries(isObject(expected['properties']) ? expected['properties'] : {});
  const own = Object.entries(actual.properties).filter(([name]) => name !== 'schemaId');
  const text = (entries: readonly (readonly [string, Spec])[]): string =>
    entries
      .map(([name, value]) => `${name}=${asText(value) ?? ''}`)
      .sort()
      .join();
  const windowInfo = expected['windowInfo'];
  const wantedWindow = isObject(windowInfo)
    ? `${asText(windowInfo['type'])} ${Number(asNumber(windowInfo['size']) ?? 0) * 1000}`
    : '';
  const ownWindow = window === undefined ? '' : `${window.type} ${window.sizeMs ?? 0}`;
  return (
    asText(expected['format']) === actual.format &&
    features.join() === featuresOf(actual).join() &&
    text(properties) === text(own) &&
    wantedWindow === ownWindow
  );
}

function sameSchema(expected: Spec, actual: string | undefined): boolean {
  if (actual === undefined) return false;
  if (typeof expected === 'string' && !/^[a-z]+$/.test(expected)) {
    const shape = (text: string): string =>
      messagesOf({ schema: text, references: [] })
        .map(
          ({ message }) =>
            `${message.name}{${message.fields.map((field) => `${field.name}=${field.number}:${field.type.kind}`).join()}}`,
        )
        .join();
    return shape(expected) === shape(actual);
  }
  const normal = (text: string): string => printSpec(sorted(parseSpec(text)));
  return normal(typeof expected === 'string' ? JSON.stringify(expected) : printSpec(expected)) === normal(actual);
}

function sorted(spec: Spec): Spec {
  if (Array.isArray(spec)) return spec.map(sorted);
  if (!isObject(spec)) return spec;
  const entries = Object.entries(spec).map(([name, value]): [string, Spec] => [name, sorted(value)]);
  return Object.fromEntries(entries.sort(([x], [y]) => (x < y ? -1 : 1)));
}
