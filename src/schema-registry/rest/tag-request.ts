// The request of `POST /subjects/{s}/versions/{v}/tags`: a new version that differs from an earlier one in its tags,
// metadata and rules only.
import { invalidRuleSet } from '../errors.ts';
import { mergeMetadata, mergeRuleSets, readMetadata, readRuleSet, RULE_LISTS, type RuleSet } from '../metadata.ts';
import type { SchemaRequest } from '../schema-reader.ts';
import type { StoredSchema } from '../storage/schema-records.ts';
import { readSchemaTags } from '../tags.ts';

export const TAG_MEMBERS = [
  ...['newVersion', 'tagsToAdd', 'tagsToRemove', 'metadata'],
  ...['ruleSet', 'rulesToMerge', 'rulesToRemove'],
] as const;

/** `newVersion` is what the next version will be, unless the request says so itself. */
export function tagRequest(
  { schema, schemaType, references, metadata, ruleSet }: StoredSchema,
  body: Readonly<Record<string, unknown>>,
  newVersion: number,
): SchemaRequest {
  const merged = mergeMetadata(metadata, readMetadata(body['metadata']));
  const rules = changedRules(ruleSet, body);
  return {
    schema,
    schemaType,
    references,
    version: typeof body['newVersion'] === 'number' ? body['newVersion'] : newVersion,
    tagsToAdd: readSchemaTags(body['tagsToAdd'], 'tagsToAdd'),
    tagsToRemove: readSchemaTags(body['tagsToRemove'], 'tagsToRemove'),
    ...(merged === undefined ? {} : { metadata: merged }),
    ...(rules === undefined ? {} : { ruleSet: rules }),
  };
}

function changedRules(rules: RuleSet | undefined, body: Readonly<Record<string, unknown>>): RuleSet | undefined {
  const given = readRuleSet(body['ruleSet']);
  const added = readRuleSet(body['rulesToMerge']);
  const names = body['rulesToRemove'] ?? [];
  if (!Array.isArray(names)) throw invalidRuleSet('rulesToRemove is not a list of names');
  const removed = new Set<unknown>(names);
  if (given !== undefined && (added !== undefined || removed.size > 0)) {
    throw invalidRuleSet('ruleSet replaces all rules: it goes with neither rulesToMerge nor rulesToRemove');
  }
  if (given !== undefined || (added === undefined && removed.size === 0)) return given ?? rules;
  const merged = mergeRuleSets(rules, added);
  if (merged === undefined) return undefined;
  const lists = RULE_LISTS.map((list) => [list, merged[list]?.filter(({ name }) => !removed.has(name))] as const);
  return { ...merged, ...Object.fromEntries(lists.filter(([, kept]) => kept !== undefined)) };
}
