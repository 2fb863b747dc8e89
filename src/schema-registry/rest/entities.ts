// The JSON of requests and answers, as Confluent's registry has it.
import type { SchemaReference } from '../../serde/index.ts';
import { malformedRequest, pathNotFound, RegistryError } from '../errors.ts';
import { readMetadata, readRuleSet } from '../metadata.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { SchemaRequest } from '../schema-reader.ts';
import type { StoredSchema } from '../storage/schema-records.ts';
import { readSchemaTags, tagsOf } from '../tags.ts';

export type Query = Readonly<Record<string, string | string[] | undefined>>;
export type Params = Readonly<Record<string, string>>;

export function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The Python client writes `True`. */
export function flag(value: string | string[] | undefined): boolean {
  return text(value)?.toLowerCase() === 'true';
}

/** An integer of a path or a query; what is none names nothing that is there. */
export function integer(value: string): number {
  const number = /^[-+]?\d+$/.test(value) ? Number(value) : NaN;
  if ((number | 0) !== number) throw pathNotFound();
  return number;
}

/** The part of a list that is asked for; without a limit all of the rest. */
export function page<T>(items: readonly T[], query: Query): readonly T[] {
  const asked = (name: string, otherwise: number) => integer(text(query[name])?.trim() || String(otherwise));
  const offset = Math.max(asked('offset', 0), 0);
  const limit = asked('limit', -1);
  return items.slice(offset, limit < 0 ? undefined : offset + limit);
}

/** The empty prefix is everybody's, also that of subjects in other contexts. */
export function prefixOf(query: Query): { readonly prefix?: string } {
  const prefix = text(query['subjectPrefix']);
  return prefix === undefined || prefix === '' ? {} : { prefix };
}

/** What a schema is sent with. */
export const SCHEMA_MEMBERS = [
  ...['schema', 'schemaType', 'references', 'metadata', 'ruleSet', 'id', 'version'],
  ...['schemaTagsToAdd', 'schemaTagsToRemove', 'propagateSchemaTags'],
] as const;

export function schemaRequest(body: Record<string, unknown>, query: Query): SchemaRequest {
  const schemaType = optionalText(body['schemaType'], 'schemaType');
  const references = body['references'] ?? undefined;
  if (references !== undefined && !Array.isArray(references))
    throw malformedRequest('The member references is no list');
  const metadata = readMetadata(body['metadata']);
  const ruleSet = readRuleSet(body['ruleSet']);
  return {
    schema: optionalText(body['schema'], 'schema') ?? '',
    ...(schemaType === undefined ? {} : { schemaType }),
    ...(references === undefined ? {} : { references: references.map(readReference) }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(flag(query['normalize']) ? { normalize: true } : {}),
    force: flag(query['force']),
    tagsToAdd: readSchemaTags(body['schemaTagsToAdd'], 'schemaTagsToAdd'),
    tagsToRemove: readSchemaTags(body['schemaTagsToRemove'], 'schemaTagsToRemove'),
    propagateTags: body['propagateSchemaTags'] === true,
    ...(body['id'] === undefined || body['id'] === null ? {} : { id: int32(body['id'], 'id') }),
    ...(body['version'] === undefined || body['version'] === null
      ? {}
      : { version: int32(body['version'], 'version') }),
  };
}

export function readReference(json: unknown): SchemaReference {
  const { name, subject, version } = (json ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isInteger(version)) {
    throw new RegistryError(42201, 'A reference has a name, a subject and a version');
  }
  return { name, subject, version: Number(version) };
}

function int32(json: unknown, what: string): number {
  if (typeof json !== 'number' || (json | 0) !== json) {
    throw malformedRequest(`The member ${what} is not an integer of 32 bits`);
  }
  return json;
}

/** A schema that is sent as an object must not pass for none at all. */
export function optionalText(json: unknown, what: string): string | undefined {
  if (json === undefined || json === null) return undefined;
  if (typeof json !== 'string') throw malformedRequest(`The member ${what} is not a string`);
  return json;
}

export function list(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

export function contentEntity({ guid, schemaType, references, metadata, ruleSet, schema }: StoredSchema): object {
  return {
    guid,
    schemaType,
    schema,
    ...(references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  };
}

export function schemaEntity(stored: StoredSchema): object {
  const { subject, version, id, deleted } = stored;
  return { subject, version, id, ...contentEntity(stored), ...(deleted ? { deleted } : {}) };
}

/** The schema with its text in the format that is asked for. */
export function inFormat(registry: SchemaRegistry, stored: StoredSchema, query: Query): StoredSchema {
  const format = text(query['format']) ?? '';
  return format === '' ? stored : { ...stored, schema: registry.inFormat(stored, format) };
}

/** The elements with any of the tags that are asked for, `*` for all. */
export function schemaTags({ schemaType, schema }: StoredSchema, query: Query): object {
  const wanted = list(query['findTags']);
  if (wanted.length === 0) return {};
  const found = tagsOf(schemaType, schema)
    .map((element) => ({
      ...element,
      tags: element.tags.filter((tag) => wanted.includes('*') || wanted.includes(tag)),
    }))
    .filter(({ tags }) => tags.length > 0);
  return {
    schemaTags: found.map(({ entityPath, entityType, tags }) => ({ schemaEntity: { entityPath, entityType }, tags })),
  };
}
