// The shapes of case files, and what a case of each shape asks.
import {
  parseAvroSchema,
  avroIncompatibilities,
  type CompatibilityPolicy,
  isAcceptable,
  jsonSchemaDifferences,
  isCompatible,
  protobufDifferences,
  parseJsonSchema,
  linkProto,
} from '../../src/schemas/index.ts';
import { reservedDifferences } from '../../src/schema-registry/reserved.ts';
import { guidOf } from '../../src/schema-registry/guid.ts';
import { readMetadata, readRuleSet } from '../../src/schema-registry/metadata.ts';

export interface ConformanceCase {
  readonly name: string;
  /** What is wrong, or undefined. */
  readonly check: () => string | undefined;
}

type Json = Record<string, unknown>;

/** The cases in a text, or undefined when it is of no known shape. */
export function readCases(text: string): ConformanceCase[] | undefined {
  const json: unknown = JSON.parse(withoutComments(text));
  if (Array.isArray(json)) {
    const shape = shapeOf(json[0]);
    if (shape === undefined) return undefined;
    return json.map((c: Json, i) => ({ name: `#${i} ${c['description'] ?? ''}`.trim(), check: () => shape(c) }));
  }
  return typeof json === 'object' && json !== null && 'expectedHashes' in json ? guidCases(json as Json) : undefined;
}

function shapeOf(first: unknown): ((c: Json) => string | undefined) | undefined {
  if (typeof first !== 'object' || first === null) return undefined;
  if ('reader' in first) return avroCase;
  if (!('original_schema' in first)) return undefined;
  return typeof first.original_schema === 'string' ? protobufCase : jsonCase;
}

function avroCase({ reader, writer, compatible, types, locations }: Json): string | undefined {
  const parse = (schema: unknown) => parseAvroSchema(JSON.stringify(schema));
  const found = avroIncompatibilities(parse(reader), parse(writer));
  const strayed = found.map(({ location }) => location).filter((l) => !(locations as string[]).includes(l));
  return (
    differ('compatible', found.length === 0, compatible) ??
    differ('types', found.map(({ type }) => type.toLowerCase()).sort(), (types as string[]).toSorted()) ??
    differ('locations that are not expected', strayed, [])
  );
}

function jsonCase(c: Json): string | undefined {
  const parse = (schema: unknown) => parseJsonSchema(JSON.stringify(schema)).root;
  const original = parse(c['original_schema']);
  const update = parse(c['update_schema']);
  const reserved = reservedDifferences(
    readMetadata(c['original_metadata']),
    readMetadata(c['update_metadata']),
    update.kind === 'object' ? [...update.properties.keys()] : [],
  );
  const compare = (policy: CompatibilityPolicy) => [...jsonSchemaDifferences(original, update, policy), ...reserved];
  const verdict = (policy: CompatibilityPolicy) => compare(policy).every(({ type }) => isAcceptable(type, policy));
  return (
    differ('changes', compare('STRICT').map(format).sort(), (c['changes'] as string[]).toSorted()) ??
    differ('compatible', verdict('STRICT'), c['compatible']) ??
    differ('compatible when lenient', verdict('LENIENT'), c['compatible_lenient'] ?? c['compatible'])
  );
}

function protobufCase(c: Json): string | undefined {
  const load = (side: 'original' | 'update') => {
    const identities = (c[`${side}_references`] ?? []) as { name: string; subject: string; version: number }[];
    const sources = (c[`${side}_dependencies`] ?? []) as { name: string; dependency: string }[];
    const dependencies = sources.map(({ name, dependency }) => {
      const identity = identities.find((reference) => reference.name === name);
      return { name, subject: name, version: 1, ...identity, schema: dependency };
    });
    return linkProto(String(c[`${side}_schema`]), dependencies);
  };
  const found = protobufDifferences(load('original'), load('update'));
  return (
    differ('changes', found.map(format).sort(), (c['changes'] as string[]).toSorted()) ??
    differ('compatible', found.every(isCompatible), c['compatible'])
  );
}

function guidCases({ schemas, references, metadata, rules, expectedHashes }: Json): ConformanceCase[] {
  return Object.entries(expectedHashes as Record<string, Record<string, string>>).flatMap(([language, hashes]) =>
    Object.entries(hashes).map(([bits, expected]) => ({
      name: `${language} ${bits}`,
      check: () => {
        const guid = guidOf({
          schema: (schemas as Record<string, string>)[language.toLowerCase()]!,
          references: bits[0] === '1' ? (references as []) : [],
          metadata: bits[1] === '1' ? readMetadata(metadata) : undefined,
          ruleSet: bits[2] === '1' ? readRuleSet(rules) : undefined,
        });
        return differ('guid', guid, expected);
      },
    })),
  );
}

function format({ type, path }: { type: string; path: string }): string {
  return `${type} ${path}`;
}

function differ(what: string, found: unknown, expected: unknown): string | undefined {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  return is === should ? undefined : `${what}: ${is} instead of ${should}`;
}

/** JSON as people write it: comments and commas before closing brackets go. */
function withoutComments(text: string): string {
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (m) => (m.startsWith('"') ? m : ' '));
  return plain.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])/g, (m) => (m === ',' ? '' : m));
}
