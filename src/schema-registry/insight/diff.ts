// What changed from one version of a schema to another: one comparison of elements for all languages, each change with a
// sentence. Compatible or not does not matter here; explain.ts tells that.
import {
  type ParsedSchema,
  byKey,
  ElementList,
  type Fact,
  jsonText,
  keyOf,
  type SchemaElement,
} from '../../schemas/index.ts';
import type { SchemaContent } from '../guid.ts';
import { RULE_LISTS } from '../metadata.ts';

export interface SchemaChange {
  readonly kind: 'ADDED' | 'REMOVED' | 'CHANGED';
  /** field, record, property, message, reference, … */
  readonly element: string;
  /** As the schema's users call it: `orders.Address.street`. Empty for the schema itself. */
  readonly path: string;
  /** Which fact of it is another one: type, default, doc, symbol, name, … */
  readonly aspect?: string;
  readonly from?: string | readonly string[];
  readonly to?: string | readonly string[];
  /** One sentence, without a period. */
  readonly description: string;
}

/** A schema with all that belongs to it. */
export interface DescribedSchema {
  readonly parsed: ParsedSchema;
  readonly content: Pick<SchemaContent, 'references' | 'metadata' | 'ruleSet'>;
}

export function schemaChanges(before: DescribedSchema, after: DescribedSchema): SchemaChange[] {
  const [from, to] = [before.parsed.schemaType, after.parsed.schemaType];
  const ofText =
    from === to
      ? changesBetween(before.parsed.elements(), after.parsed.elements())
      : [changed({ kind: 'schema type', path: '' }, '', from, to, `the schema type changed from ${from} to ${to}`)];
  return [...ofText, ...changesBetween(companions(before.content), companions(after.content))];
}

/** Changes in the order of the update's elements; what is gone comes first. */
export function changesBetween(before: readonly SchemaElement[], after: readonly SchemaElement[]): SchemaChange[] {
  const old = byKey(before);
  const present = new Set(after.map(keyOf));
  const kept = new Set<SchemaElement>();
  /** Keys of the update's elements, as the original has them. */
  const originalKeys = new Map<string, string>();
  const added: SchemaElement[] = [];
  const pairs: [SchemaElement, SchemaElement][] = [];
  for (const element of after) {
    const parent = element.parent === undefined ? undefined : (originalKeys.get(element.parent) ?? element.parent);
    // What still goes by a name has it, whoever else lists it as an alias.
    const formerIds = (element.formerIds ?? []).filter((id) => !present.has(keyOf({ ...element, id })));
    const was = [element.id, ...formerIds]
      .map((id) => old.get(keyOf({ id, ...(parent === undefined ? {} : { parent }) })))
      .find((found) => found !== undefined && found.kind === element.kind && !kept.has(found));
    if (was === undefined) added.push(element);
    else {
      kept.add(was);
      pairs.push([was, element]);
      originalKeys.set(keyOf(element), keyOf(was));
    }
  }
  const position = new Map(after.map((element, i) => [element.path, i]));
  const stay = [...whole('ADDED', added), ...pairs.flatMap(([was, is]) => changesOf(was, is))].sort(
    (a, b) => (position.get(a.path) ?? 0) - (position.get(b.path) ?? 0),
  );
  return [
    ...whole(
      'REMOVED',
      before.filter((element) => !kept.has(element)),
    ),
    ...stay,
  ];
}

/** What comes or goes within something that does is told with it. */
function whole(kind: 'ADDED' | 'REMOVED', elements: readonly SchemaElement[]): SchemaChange[] {
  const keys = new Set(elements.map(keyOf));
  const inside = new Map<string, SchemaElement[]>();
  const outermost: SchemaElement[] = [];
  for (const element of elements) {
    const { parent } = element;
    if (parent === undefined || !keys.has(parent)) outermost.push(element);
    else inside.set(parent, [...(inside.get(parent) ?? []), element].slice(0, MEMBERS_SHOWN + 1));
  }
  return outermost.map((element) => {
    const members = inside.get(keyOf(element)) ?? [];
    const verb = kind === 'ADDED' ? 'was added' : 'was removed';
    return {
      kind,
      element: element.kind,
      path: element.path,
      description: `${called(element, true)} ${verb}${also(element, members)}`,
    };
  });
}

function changesOf(was: SchemaElement, is: SchemaElement): SchemaChange[] {
  const changes: SchemaChange[] = [];
  if (was.name !== is.name) {
    changes.push(changed(is, 'name', was.name, is.name, `${is.kind} \`${was.path}\` was renamed to \`${is.name}\``));
  }
  for (const aspect of new Set([...Object.keys(was.facts), ...Object.keys(is.facts)])) {
    const [from, to] = [was.facts[aspect], is.facts[aspect]];
    if (typeof from === 'object' || typeof to === 'object') {
      changes.push(...setChanges(is, aspect, members(from), members(to)));
    } else if (from !== to) {
      changes.push(changed(is, aspect, from, to, factSentence(is, aspect, from, to)));
    }
  }
  const [from, to] = [common(was.order, is.order), common(is.order, was.order)];
  if (from.join('\n') !== to.join('\n')) {
    const sentence = `what ${called(is, false)} holds is in another order: ${listed(to)}`;
    changes.push(changed(is, 'order', from, to, sentence));
  }
  return changes;
}

function setChanges(is: SchemaElement, aspect: string, from: readonly string[], to: readonly string[]): SchemaChange[] {
  const [before, after] = [new Set(from), new Set(to)];
  const lost = from.filter((member) => !after.has(member));
  const got = to.filter((member) => !before.has(member));
  if (lost.length === 0 && got.length === 0) return [];
  const what = (verb: string, some: readonly string[]) =>
    some.length === 0 ? [] : [`${verb} the ${some.length === 1 ? aspect : plural(aspect)} ${listed(some)}`];
  const sentence = `${called(is, false)} ${[...what('lost', lost), ...what('got', got)].join(' and ')}`;
  return [changed(is, aspect, from, to, sentence)];
}

function factSentence(is: SchemaElement, aspect: string, from: string | undefined, to: string | undefined): string {
  const name = called(is, false);
  if (from === undefined) return `${name} got the ${aspect} ${shown(to!)}`;
  if (to === undefined) return `${name} lost the ${aspect} ${shown(from)}`;
  if (aspect === 'necessity') return `${name} changed from ${from} to ${to}`;
  return `${aspect} of ${is.path === '' ? name : `\`${is.path}\``} changed from ${shown(from)} to ${shown(to)}`;
}

function changed(
  { kind, path }: Pick<SchemaElement, 'kind' | 'path'>,
  aspect: string,
  from: Fact,
  to: Fact,
  description: string,
): SchemaChange {
  return {
    kind: 'CHANGED',
    element: kind,
    path,
    ...(aspect === '' ? {} : { aspect }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    description,
  };
}

// ── Sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────

const CHARS_SHOWN = 100;
const MEMBERS_SHOWN = 10;

function called({ kind, path, facts }: SchemaElement, withType: boolean): string {
  const name = path === '' ? `the ${kind}` : `${kind} \`${path}\``;
  if (!withType) return name;
  const required = facts['necessity'] === 'required' ? 'required ' : '';
  return typeof facts['type'] === 'string' ? `${required}${name} (${shown(facts['type'])})` : name;
}

function also({ facts }: SchemaElement, inside: readonly SchemaElement[]): string {
  const parts = Object.entries(facts).flatMap(([aspect, fact]) => {
    if (fact === undefined || fact.length === 0 || aspect === 'type' || aspect === 'necessity') return [];
    if (typeof fact === 'string') return [`${aspect} ${shown(fact)}`];
    return [`the ${fact.length === 1 ? aspect : plural(aspect)} ${listed(fact)}`];
  });
  if (inside.length > 0) {
    parts.push(
      `${inside[0]!.kind} ${listed(
        inside.map(({ name, facts: { type } }) => (typeof type === 'string' ? `${name} (${shown(type)})` : name)),
      )}`,
    );
  }
  return parts.length === 0 ? '' : `, with ${parts.join(', ')}`;
}

function listed(members: readonly string[]): string {
  const rest = members.length - MEMBERS_SHOWN;
  const first = members.slice(0, MEMBERS_SHOWN).map(shown).join(', ');
  return rest > 0 ? `${first} and more` : first;
}

function shown(text: string): string {
  return text.length > CHARS_SHOWN ? `${text.slice(0, CHARS_SHOWN)}…` : text;
}

function plural(noun: string): string {
  return noun.endsWith('s') ? `${noun}es` : `${noun}s`;
}

function members(fact: Fact): readonly string[] {
  return fact === undefined ? [] : typeof fact === 'string' ? [fact] : fact;
}

function common(own: readonly string[] = [], other: readonly string[] = []): readonly string[] {
  const known = new Set(other);
  return own.filter((name) => known.has(name));
}

// ── What travels with a schema ────────────────────────────────────────────────────────────────────────────────────

/** References, metadata and rules as elements. */
function companions({ references, metadata = {}, ruleSet = {} }: DescribedSchema['content']): SchemaElement[] {
  const list = new ElementList();
  const add = (kind: string, name: string, facts: SchemaElement['facts']) =>
    list.add({ kind, id: `${kind} ${name}`, path: name, name, facts });
  for (const { name, subject, version } of references) add('reference', name, { subject, version: String(version) });
  for (const [name, value] of Object.entries(metadata.properties ?? {})) add('metadata property', name, { value });
  for (const [path, tags] of Object.entries(metadata.tags ?? {})) add('tags', path, { tag: tags });
  for (const name of metadata.sensitive ?? []) add('sensitive property', name, {});
  for (const rules of RULE_LISTS) {
    for (const { name, tags, disabled, params, ...texts } of ruleSet[rules] ?? []) {
      const facts = { tag: tags, disabled: jsonText(disabled), params: jsonText(params), ...texts };
      add(rules.replace(/Rules$/, ' rule'), name, facts);
    }
  }
  if (ruleSet.enableAt !== undefined) add('rule setting', 'enableAt', { value: ruleSet.enableAt });
  return list.elements;
}
