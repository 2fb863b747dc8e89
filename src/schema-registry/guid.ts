import { createHash } from 'node:crypto';
import { formatGuid, type SchemaReference } from '../serde/index.ts';
import { type Metadata, RULE_LISTS, type RuleSet } from './metadata.ts';

export interface SchemaContent {
  readonly schema: string;
  readonly references: readonly SchemaReference[];
  readonly metadata?: Metadata | undefined;
  readonly ruleSet?: RuleSet | undefined;
}

/**
 * The name of a schema's content that is the same in every registry: the MD5 of its text, references, metadata and rules
 * in a fixed order, written as a UUID.
 */
export function guidOf({ schema, references, metadata, ruleSet }: SchemaContent): string {
  const hash = createHash('md5').update(schema);
  const add = (text: string | undefined) => {
    if (text !== undefined) hash.update(text);
  };
  const present = Buffer.from([1]);
  for (const { name, subject, version } of references) {
    const versionBytes = Buffer.alloc(4);
    versionBytes.writeInt32BE(version);
    hash.update(name).update(subject).update(versionBytes);
  }
  if (metadata !== undefined) {
    hash.update(present);
    for (const [path, tags] of sorted(metadata.tags)) for (const text of [path, ...tags.toSorted()]) add(text);
    for (const [key, value] of sorted(metadata.properties)) for (const text of [key, value]) add(text);
    for (const name of metadata.sensitive?.toSorted() ?? []) add(name);
  }
  if (ruleSet !== undefined) {
    hash.update(present);
    for (const rule of RULE_LISTS.flatMap((list) => ruleSet[list] ?? [])) {
      for (const text of [rule.name, rule.doc, rule.kind, rule.mode, rule.type]) add(text);
      for (const tag of rule.tags?.toSorted() ?? []) add(tag);
      for (const [key, value] of sorted(rule.params)) for (const text of [key, value]) add(text);
      for (const text of [rule.expr, rule.onSuccess, rule.onFailure]) add(text);
      if (rule.disabled === true) hash.update(present);
    }
    add(ruleSet.enableAt);
  }
  return formatGuid(hash.digest('hex'));
}

function sorted<T>(map: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
