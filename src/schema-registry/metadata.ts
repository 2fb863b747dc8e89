// What travels with a schema beside its text: metadata (tags by path, properties, the names of sensitive ones) and
// rules. The registry keeps, merges and checks them; carrying rules out is the clients' part.
import { invalidRuleSet, malformedRequest } from './errors.ts';

export interface Metadata {
  readonly tags?: Readonly<Record<string, readonly string[]>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly sensitive?: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly doc?: string;
  readonly kind?: string;
  readonly mode?: string;
  readonly type?: string;
  readonly tags?: readonly string[];
  readonly params?: Readonly<Record<string, string>>;
  readonly expr?: string;
  readonly onSuccess?: string;
  readonly onFailure?: string;
  readonly disabled?: boolean;
}

export const RULE_LISTS = ['migrationRules', 'domainRules', 'encodingRules'] as const;

export interface RuleSet extends Readonly<Partial<Record<(typeof RULE_LISTS)[number], readonly Rule[]>>> {
  readonly enableAt?: string;
}

/** The property in which a schema says which version it is. */
const VERSION_PROPERTY = 'confluent:version';
const RULE_NAME = /^[\p{L}_][\p{L}\p{Nd}_-]{0,255}$/u;
const MIGRATION_MODES = ['UPGRADE', 'DOWNGRADE', 'UPDOWN'];
const DATA_MODES = ['WRITE', 'READ', 'WRITEREAD'];
const RULE_KINDS = ['TRANSFORM', 'CONDITION'];
const TEXT_MEMBERS = ['doc', 'kind', 'mode', 'type', 'expr', 'onSuccess', 'onFailure'] as const;

export function readMetadata(json: unknown): Metadata | undefined {
  if (json === undefined || json === null) return undefined;
  const { tags, properties, sensitive } = object(json, 'metadata');
  return {
    ...(tags === undefined || tags === null
      ? {}
      : { tags: mapValues(object(tags, 'metadata.tags'), (list, path) => strings(list, `metadata.tags of ${path}`)) }),
    ...(properties === undefined || properties === null
      ? {}
      : { properties: textsOf(properties, 'metadata.properties') }),
    ...(sensitive === undefined || sensitive === null ? {} : { sensitive: strings(sensitive, 'metadata.sensitive') }),
  };
}

export function readRuleSet(json: unknown): RuleSet | undefined {
  if (json === undefined || json === null) return undefined;
  const given = object(json, 'ruleSet');
  const rules: Partial<Record<(typeof RULE_LISTS)[number], readonly Rule[]>> = {};
  for (const list of RULE_LISTS) {
    const value = given[list];
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value)) throw invalidRuleSet(`${list} is not a list`);
    rules[list] = value.map((rule) => readRule(rule, list === 'migrationRules' ? MIGRATION_MODES : DATA_MODES));
  }
  const names = RULE_LISTS.flatMap((list) => rules[list] ?? []).map((rule) => rule.name);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalidRuleSet(`there are two rules with the name '${name}'`);
    seen.add(name);
  }
  const { enableAt } = given;
  return {
    ...rules,
    ...(enableAt === undefined || enableAt === null ? {} : { enableAt: memberText(enableAt, 'enableAt') }),
  };
}

/** Whether there is a rule of this type; of any rules and none, when no type is asked for. */
export function hasRuleOfType(rules: RuleSet | undefined, type: string | undefined): boolean {
  return type === undefined || RULE_LISTS.some((list) => rules?.[list]?.some((rule) => rule.type === type));
}

/** Tags and sensitive names add up; a property of `over` replaces that of `under`. */
export function mergeMetadata(under: Metadata | undefined, over: Metadata | undefined): Metadata | undefined {
  if (under === undefined || over === undefined) return over ?? under;
  const tagsByPath = new Map(Object.entries(under.tags ?? {}));
  for (const [path, list] of Object.entries(over.tags ?? {})) {
    tagsByPath.set(path, [...new Set([...(tagsByPath.get(path) ?? []), ...list])]);
  }
  const tags = Object.fromEntries(tagsByPath);
  const sensitive = [...new Set([...(under.sensitive ?? []), ...(over.sensitive ?? [])])];
  const properties = { ...under.properties, ...over.properties };
  return {
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(sensitive.length === 0 ? {} : { sensitive }),
  };
}

/** A rule of `over` replaces the rule of `under` that has its name. */
export function mergeRuleSets(under: RuleSet | undefined, over: RuleSet | undefined): RuleSet | undefined {
  if (under === undefined || over === undefined) return over ?? under;
  const replaced = new Set(RULE_LISTS.flatMap((list) => over[list] ?? []).map((rule) => rule.name));
  const lists = RULE_LISTS.map((list) => {
    const kept = (under[list] ?? []).filter((rule) => !replaced.has(rule.name));
    return [list, [...kept, ...(over[list] ?? [])]] as const;
  });
  const enableAt = over.enableAt ?? under.enableAt;
  return {
    ...Object.fromEntries(lists.filter(([, rules]) => rules.length > 0)),
    ...(enableAt === undefined ? {} : { enableAt }),
  };
}

export function hasVersionProperty(metadata: Metadata | undefined): boolean {
  return metadata?.properties?.[VERSION_PROPERTY] !== undefined;
}

export function withVersionProperty(metadata: Metadata | undefined, version: number): Metadata {
  return { ...metadata, properties: { ...metadata?.properties, [VERSION_PROPERTY]: String(version) } };
}

/** Metadata as they count when schemas are compared for sameness: which version it is does not. */
export function withoutVersionProperty(metadata: Metadata | undefined): Metadata | undefined {
  if (!hasVersionProperty(metadata)) return metadata;
  const properties = { ...metadata?.properties };
  delete properties[VERSION_PROPERTY];
  const { tags, sensitive } = metadata ?? {};
  const left: Metadata = {
    ...(tags === undefined ? {} : { tags }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(sensitive === undefined ? {} : { sensitive }),
  };
  return Object.keys(left).length === 0 ? undefined : left;
}

function readRule(json: unknown, modes: readonly string[]): Rule {
  const given = object(json, 'a rule');
  const { name, tags, params, disabled } = given;
  if (typeof name !== 'string' || !RULE_NAME.test(name)) {
    throw invalidRuleSet(
      `${JSON.stringify(name)} is not a name for a rule: a letter or _ first, then letters, digits, _ and -, at most 256`,
    );
  }
  const texts: Partial<Record<(typeof TEXT_MEMBERS)[number], string>> = {};
  for (const member of TEXT_MEMBERS) {
    const value = given[member];
    if (value !== undefined && value !== null) texts[member] = memberText(value, `${member} of rule '${name}'`);
  }
  if (texts.kind !== undefined && !RULE_KINDS.includes(texts.kind)) {
    throw invalidRuleSet(`the kind of rule '${name}' is ${texts.kind}; it can be ${RULE_KINDS.join(' or ')}`);
  }
  if (texts.mode !== undefined && !modes.includes(texts.mode)) {
    throw invalidRuleSet(`the mode of rule '${name}' is ${texts.mode}; in its list it can be ${modes.join(', ')}`);
  }
  const { doc, kind, mode, type, ...effects } = texts;
  return {
    name,
    ...(doc === undefined ? {} : { doc }),
    ...(kind === undefined ? {} : { kind }),
    ...(mode === undefined ? {} : { mode }),
    ...(type === undefined ? {} : { type }),
    ...(tags === undefined || tags === null ? {} : { tags: strings(tags, `tags of rule '${name}'`) }),
    ...(params === undefined || params === null ? {} : { params: textsOf(params, `params of rule '${name}'`) }),
    ...effects,
    ...(typeof disabled === 'boolean' ? { disabled } : {}),
  };
}

function object(json: unknown, what: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw malformedRequest(`The member ${what} is not an object`);
  }
  return json as Record<string, unknown>;
}

function strings(json: unknown, what: string): string[] {
  if (!Array.isArray(json) || !json.every((item) => typeof item === 'string')) {
    throw malformedRequest(`The member ${what} is not a list of strings`);
  }
  return json;
}

/** Numbers and flags are taken as texts; what is null is not there. */
function textsOf(json: unknown, what: string): Record<string, string> {
  const present = Object.entries(object(json, what)).filter(([, value]) => value !== null);
  return mapValues(Object.fromEntries(present), (value, key) => memberText(value, `${what}.${key}`));
}

function memberText(json: unknown, what: string): string {
  if (typeof json === 'object') throw malformedRequest(`The member ${what} is not a string`);
  return String(json);
}

function mapValues<T>(from: Record<string, unknown>, to: (value: unknown, key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value, key)]));
}
