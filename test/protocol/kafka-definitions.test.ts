// Our declarations beside Kafka's own message definitions: field order, versions, nullability, tags. Skipped where the
// definitions are not at hand. They are a snapshot from before 4.0, so versions behind theirs are compared with nothing.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as protocol from '../../src/protocol/index.ts';
import type { AnyApi, Field } from '../../src/protocol/index.ts';

interface KafkaField {
  name: string;
  type: string;
  versions: string;
  nullableVersions?: string;
  taggedVersions?: string;
  tag?: number;
  fields?: KafkaField[];
}

interface KafkaMessage {
  apiKey: number;
  validVersions: string;
  flexibleVersions: string;
  fields: KafkaField[];
  commonStructs?: KafkaField[];
}

const folder = join(import.meta.dirname, '../../../shared/data/kafka-messages');
const present = existsSync(folder);
if (!present) console.log(`skipped: Kafka's message definitions are not at ${folder}`);

const apis = (Object.values(protocol) as unknown[]).filter(
  (value): value is AnyApi => typeof value === 'object' && value !== null && 'flexibleFrom' in value,
);

// Of what came later there is no definition in the snapshot.
const defined = apis.filter(({ name }) => existsSync(join(folder, `${name}Request.json`)));

describe.skipIf(!present)("the declarations agree with Kafka's", () => {
  test.each(defined.map((api) => [api.name, api] as const))('%s', (name, api) => {
    for (const side of ['request', 'response'] as const) {
      const kafka = readDefinition(`${name}${side === 'request' ? 'Request' : 'Response'}`);
      const [first, last] = range(kafka.validVersions);
      const flexibleFrom = kafka.flexibleVersions === 'none' ? Infinity : range(kafka.flexibleVersions)[0];
      expect(api.flexibleFrom).toBe(flexibleFrom);
      if (side === 'request') expect(api.key).toBe(kafka.apiKey);
      const structs = new Map((kafka.commonStructs ?? []).map((common) => [common.name, common.fields ?? []]));
      for (let version = Math.max(api.minVersion, first); version <= Math.min(api.maxVersion, last); version++) {
        const flexible = version >= api.flexibleFrom;
        expect(ours(api[side].schema.kind.fields!, version, flexible), `${name} ${side} v${version}`).toEqual(
          theirs(kafka.fields, version, flexible, structs),
        );
      }
    }
  });
});

/** A version's layout as lines: the untagged fields in order, then the tagged ones by tag. */
function ours(fields: Readonly<Record<string, Field<unknown>>>, version: number, flexible: boolean): string[] {
  const lines: [number, string[]][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const { tag, nullableFrom } = field.options;
    if (!field.isIn(version) || (tag >= 0 && !flexible)) continue;
    const element = field.kind.element;
    const type = element === undefined ? field.kind.name : `[]${element.kind.name}`;
    const nested = (element ?? field).kind.fields;
    lines.push([
      tag,
      [
        line(name, type, version >= nullableFrom, tag),
        ...(nested === undefined ? [] : ours(nested, version, flexible).map((text) => `  ${text}`)),
      ],
    ]);
  }
  return ordered(lines);
}

function theirs(
  fields: readonly KafkaField[],
  version: number,
  flexible: boolean,
  structs: ReadonlyMap<string, KafkaField[]>,
): string[] {
  const lines: [number, string[]][] = [];
  for (const field of fields) {
    const tag = field.taggedVersions !== undefined && contains(field.taggedVersions, version) ? field.tag! : -1;
    if (!contains(field.versions, version) || (tag >= 0 && !flexible)) continue;
    const isArray = field.type.startsWith('[]');
    const base = isArray ? field.type.slice(2) : field.type;
    const nested = field.fields ?? structs.get(base);
    const type = `${isArray ? '[]' : ''}${nested === undefined ? base : 'struct'}`;
    const nullable = field.nullableVersions !== undefined && contains(field.nullableVersions, version);
    lines.push([
      tag,
      [
        line(field.name, type, nullable, tag),
        ...(nested === undefined ? [] : theirs(nested, version, flexible, structs).map((text) => `  ${text}`)),
      ],
    ]);
  }
  return ordered(lines);
}

function ordered(lines: [number, string[]][]): string[] {
  return lines.sort((a, b) => a[0] - b[0]).flatMap((entry) => entry[1]);
}

function line(name: string, type: string, nullable: boolean, tag: number): string {
  const first = name[0]!.toLowerCase() + name.slice(1);
  return `${first} ${type === 'bool' ? 'bool' : type}${nullable ? '?' : ''}${tag >= 0 ? ` tag ${tag}` : ''}`;
}

function contains(versions: string, version: number): boolean {
  if (versions === 'none') return false;
  const [first, last] = range(versions);
  return version >= first && version <= last;
}

function range(versions: string): [number, number] {
  const [first, last] = versions.replace('+', '-999').split('-');
  return [Number(first), Number(last ?? first)];
}

function readDefinition(name: string): KafkaMessage {
  const text = readFileSync(join(folder, `${name}.json`), 'utf8');
  const bare = text.replace(/^\s*\/\/.*$/gm, '').replace(/\s\/\/ .*$/gm, '');
  return JSON.parse(bare) as KafkaMessage;
}
