import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asList, asNumber, asText, isObject, parseSpec, printSpec, type Spec, type SpecObject } from './spec-json.ts';

/** The case files as cases: formats and configurations expanded, disabled ones left out. */

export interface SpecRecord {
  readonly topic: string;
  readonly key: Spec;
  readonly value: Spec;
  readonly timestamp: number | undefined;
  readonly window: { readonly start: number; readonly end: number; readonly type: 'time' | 'session' } | undefined;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[] | undefined;
}

export interface SpecTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly schemas: { readonly key: SpecSchema | undefined; readonly value: SpecSchema | undefined };
}

export interface SpecSchema {
  readonly type: string;
  readonly text: string;
  readonly id: number | undefined;
  readonly references: readonly { readonly name: string; readonly text: string; readonly type: string }[];
}

export interface QttCase {
  readonly file: string;
  readonly name: string;
  readonly statements: readonly string[];
  readonly inputs: readonly SpecRecord[];
  readonly outputs: readonly SpecRecord[];
  readonly topics: readonly SpecTopic[];
  readonly properties: Readonly<Record<string, string>>;
  readonly expected: SpecObject | undefined;
  readonly post: SpecObject | undefined;
  /** The case as it is written, for what only some runners look at. */
  readonly written: SpecObject;
}

export function loadCases(directory: string, filter: string | undefined): QttCase[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort();
  return files.flatMap((file) => {
    const parsed = parseSpec(readFileSync(join(directory, file), 'utf8'));
    const tests = isObject(parsed) ? asList(parsed['tests']) : [];
    const cases = tests.filter(isObject).flatMap((test) => expand(file.replace(/\.json$/, ''), test));
    return filter === undefined ? cases : cases.filter((found) => found.name.includes(filter));
  });
}

function expand(file: string, test: SpecObject): QttCase[] {
  if (test['enabled'] === false) return [];
  const formats = asList(test['format']).map(asText);
  const configs = asList(test['config']).map((value) => asText(value) ?? printSpec(value));
  const found: QttCase[] = [];
  for (const format of formats.length === 0 ? [undefined] : formats) {
    for (const config of configs.length === 0 ? [undefined] : configs) found.push(build(file, test, format, config));
  }
  return found;
}

function build(file: string, test: SpecObject, format: string | undefined, config: string | undefined): QttCase {
  let name = `${file} - ${asText(test['name']) ?? ''}`;
  if (format !== undefined) name += ` - ${format}`;
  const properties: Record<string, string> = {};
  for (const [key, value] of Object.entries(isObject(test['properties']) ? test['properties'] : {})) {
    const text = asText(value) ?? printSpec(value);
    properties[key] = text === '{CONFIG}' && config !== undefined ? config : text;
    if (text === '{CONFIG}') name += ` - ${key}=${config}`;
  }
  const statements = asList(test['statements'])
    .map((statement) => asText(statement) ?? '')
    .map((statement) => (format === undefined ? statement : statement.replaceAll('{FORMAT}', format)));
  return {
    file,
    name,
    statements,
    inputs: asList(test['inputs']).filter(isObject).map(record),
    outputs: asList(test['outputs']).filter(isObject).map(record),
    topics: asList(test['topics']).filter(isObject).map(topic),
    properties,
    expected: isObject(test['expectedException']) ? test['expectedException'] : undefined,
    post: isObject(test['post']) ? test['post'] : undefined,
    written: test,
  };
}

function record(spec: SpecObject): SpecRecord {
  const window = spec['window'];
  const headers = spec['headers'];
  return {
    topic: asText(spec['topic']) ?? '',
    key: spec['key'] ?? null,
    value: spec['value'] ?? null,
    timestamp: asNumber(spec['timestamp']),
    window: isObject(window)
      ? {
          start: asNumber(window['start']) ?? 0,
          end: asNumber(window['end']) ?? 0,
          type: asText(window['type'])?.toLowerCase() === 'session' ? 'session' : 'time',
        }
      : undefined,
    headers: Array.isArray(headers)
      ? headers.filter(isObject).map((header) => {
          const value = asText(header['VALUE']);
          return { key: asText(header['KEY']) ?? '', value: value === undefined ? null : Buffer.from(value, 'base64') };
        })
      : undefined,
  };
}

function topic(spec: SpecObject): SpecTopic {
  const schema = (side: 'key' | 'value'): SpecSchema | undefined => {
    const text = schemaText(spec[`${side}Schema`]);
    if (text === undefined) return undefined;
    return {
      text,
      type: asText(spec[`${side}Format`]) ?? 'AVRO',
      id: asNumber(spec[`${side}SchemaId`]),
      references: asList(spec[`${side}SchemaReferences`])
        .filter(isObject)
        .map((reference) => ({
          name: asText(reference['name']) ?? '',
          text: schemaText(reference['schema']) ?? '',
          type: asText(reference['format']) ?? 'AVRO',
        })),
    };
  };
  return {
    name: asText(spec['name']) ?? '',
    partitions: asNumber(spec['partitions']) ?? 4,
    replicas: asNumber(spec['replicas']) ?? 1,
    schemas: { key: schema('key'), value: schema('value') },
  };
}

function schemaText(spec: Spec | undefined): string | undefined {
  if (spec === undefined || spec === null) return undefined;
  return typeof spec === 'string' && !/^[a-z]+$/.test(spec) ? spec : printSpec(spec);
}
