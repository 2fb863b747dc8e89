// Can a reader with the updated JSON Schema read what was written with the original one? The two are walked together
// and every difference is noted with its kind and place; the kinds decide (json-difference-types.ts).
//
// Schemas may be recursive. A pair of nodes that is being compared counts as compatible when it is met again; if it
// turns out not to be, the walk is repeated with that known, until nothing new comes up. So it is with pairs that are met
// too deep inside others: they get a walk of their own. Every pair is compared once per walk, so shared definitions cost
// what they are, not what they unfold to; a budget ends what is hostile.
import { isDeepStrictEqual } from 'node:util';
import { invalidSchema } from '../errors.ts';
import {
  type ArrayNode,
  type CombinedNode,
  type JsonNode,
  type NumberNode,
  type ObjectNode,
  type Rest,
  type TargetNode,
  targetOf,
} from './node.ts';
import { maximumMatching } from './bipartite-matching.ts';
import type { CompatibilityPolicy } from '../incompatibility.ts';
import { isAcceptable } from './difference-types.ts';
import { compareMultiples } from './multiples.ts';
import { itemModel, type Model, PropertyModels } from './content-model.ts';

export interface JsonDifference {
  readonly type: string;
  /** Like `#/properties/a/maxLength`; `#/` is the root. */
  readonly path: string;
}

/** Comparisons and noted differences before a comparison is given up; thousands of times what real schemas take. */
const BUDGET = 3_000_000;
/** Comparisons within one another, for the stack's sake: references may chain much deeper than text nests. */
const MAX_DEPTH = 400;
/** More differences of one node than anyone reads. */
const MAX_DIFFERENCES = 1000;

export function jsonSchemaDifferences(
  original: JsonNode,
  update: JsonNode,
  policy: CompatibilityPolicy = 'STRICT',
): JsonDifference[] {
  const { differences } = new Comparison(policy).run(original, update);
  return differences.map(({ type, path }) => ({ type, path: `#/${path}` }));
}

interface Outcome {
  readonly differences: readonly JsonDifference[];
  readonly compatible: boolean;
}

const SAME: Outcome = { differences: [], compatible: true };
const KNOWN_INCOMPATIBLE: Outcome = { differences: [], compatible: false };

/** The differences found at one pair of nodes, their paths relative to it. */
class Findings implements Outcome {
  readonly differences: JsonDifference[] = [];
  compatible = true;
  readonly #policy: CompatibilityPolicy;
  readonly #spend: () => void;

  constructor(policy: CompatibilityPolicy, spend: () => void) {
    this.#policy = policy;
    this.#spend = spend;
  }

  add(type: string, path = ''): void {
    this.#spend();
    const breaks = !isAcceptable(type, this.#policy);
    if (this.differences.length < MAX_DIFFERENCES) this.differences.push({ type, path });
    else if (breaks && this.compatible) this.differences[MAX_DIFFERENCES - 1] = { type, path };
    if (breaks) this.compatible = false;
  }

  addAll(outcome: Outcome, prefix = ''): void {
    for (const { type, path } of outcome.differences) this.add(type, join(prefix, path));
    if (!outcome.compatible) this.compatible = false;
  }

  /** A limit or another value that may be absent on either side. */
  limit(name: string, keyword: string, original: number | undefined, update: number | undefined): void {
    if (original === update) return;
    if (original === undefined) this.add(`${name}_ADDED`, keyword);
    else if (update === undefined) this.add(`${name}_REMOVED`, keyword);
    else this.add(update > original ? `${name}_INCREASED` : `${name}_DECREASED`, keyword);
  }
}

class Pairs<T> {
  readonly #pairs = new Map<JsonNode, Map<JsonNode, T>>();

  get(original: JsonNode, update: JsonNode): T | undefined {
    return this.#pairs.get(original)?.get(update);
  }

  set(original: JsonNode, update: JsonNode, value: T): void {
    let updates = this.#pairs.get(original);
    if (updates === undefined) this.#pairs.set(original, (updates = new Map()));
    updates.set(update, value);
  }
}

class Comparison {
  readonly #policy: CompatibilityPolicy;
  readonly #models = new PropertyModels();
  /** What earlier walks found out about pairs that had been assumed to be compatible. */
  readonly #incompatible = new Pairs<Outcome>();
  #assumed = new Pairs<true>();
  #outcomes = new Pairs<Outcome | 'in progress'>();
  #postponed: [original: TargetNode, update: TargetNode][] = [];
  #isSettled = true;
  #budget = BUDGET;
  #depth = 0;

  constructor(policy: CompatibilityPolicy) {
    this.#policy = policy;
  }

  run(original: JsonNode, update: JsonNode): Outcome {
    for (;;) {
      this.#assumed = new Pairs();
      this.#outcomes = new Pairs();
      this.#isSettled = true;
      const outcome = this.#compare(original, update);
      for (let next = this.#postponed.pop(); next !== undefined; next = this.#postponed.pop()) this.#compare(...next);
      if (this.#isSettled) return outcome;
    }
  }

  #compare(originalNode: JsonNode, updateNode: JsonNode): Outcome {
    this.#spend();
    const original = targetOf(originalNode);
    const update = targetOf(updateNode);
    const outcome = this.#outcomes.get(original, update);
    if (outcome === 'in progress') {
      if (this.#incompatible.get(original, update) !== undefined) return KNOWN_INCOMPATIBLE;
      this.#assumed.set(original, update, true);
      return SAME;
    }
    if (outcome !== undefined) return outcome;
    if (this.#depth >= MAX_DEPTH) {
      const known = this.#incompatible.get(original, update);
      if (known !== undefined) return known;
      this.#assumed.set(original, update, true);
      this.#postponed.push([original, update]);
      return SAME;
    }
    this.#outcomes.set(original, update, 'in progress');
    this.#depth++;
    const found = new Findings(this.#policy, this.#spend);
    this.#compareKinds(original, update, found);
    this.#depth--;
    this.#outcomes.set(original, update, found);
    const isNew = !found.compatible && this.#incompatible.get(original, update) === undefined;
    if (isNew && this.#assumed.get(original, update) === true) {
      this.#incompatible.set(original, update, found);
      this.#isSettled = false;
    }
    return found;
  }

  readonly #spend = (): void => {
    if (--this.#budget < 0) throw invalidSchema('The schemas are too large to be compared');
  };

  #compareKinds(original: TargetNode, update: TargetNode, found: Findings): void {
    if (original.kind !== 'combined' && update.kind === 'combined') {
      if (this.#compareWithMembers(original, update, found)) return;
    } else if (original.kind === 'combined' && update.kind !== 'combined') {
      if (this.#compareMembersWith(original, update, found)) return;
    }
    if (original.kind !== update.kind) {
      if (original.kind === 'false' || update.kind === 'empty' || update.kind === 'true') return;
      if (original.connect.type !== 'bytes' || update.connect.type !== 'bytes') found.add('TYPE_CHANGED');
      return;
    }
    compareAnnotations(original, update, found);
    if (original.kind === 'combined' && update.kind === 'combined') this.#combined(original, update, found);
    else if (original.kind === 'object' && update.kind === 'object') this.#object(original, update, found);
    else if (original.kind === 'array' && update.kind === 'array') this.#array(original, update, found);
    else if (original.kind === 'number' && update.kind === 'number') compareNumbers(original, update, found);
    else if (original.kind === 'not' && update.kind === 'not') {
      const reversed = this.#compare(update.not, original.not);
      found.add(reversed.compatible ? 'NOT_TYPE_NARROWED' : 'NOT_TYPE_EXTENDED', 'not');
    } else if (original.kind === 'const' && update.kind === 'const') {
      if (original.value !== update.value) found.add('ENUM_ARRAY_CHANGED', 'const');
    } else if (original.kind === 'enum' && update.kind === 'enum') {
      compareSets('ENUM_ARRAY', 'enum', original.values, update.values, found);
    } else if (original.kind === 'string' && update.kind === 'string') {
      found.limit('MAX_LENGTH', 'maxLength', original.maxLength, update.maxLength);
      found.limit('MIN_LENGTH', 'minLength', original.minLength, update.minLength);
      if (original.pattern !== update.pattern) {
        const change = original.pattern === undefined ? 'ADDED' : update.pattern === undefined ? 'REMOVED' : 'CHANGED';
        found.add(`PATTERN_${change}`, 'pattern');
      }
    }
  }

  /** A plain schema became one of several alternatives, or the only member of a combination. */
  #compareWithMembers(original: JsonNode, update: CombinedNode, found: Findings): boolean {
    if (update.members.length === 1) {
      found.addAll(this.#compare(original, update.members[0]!.node));
      return true;
    }
    if (update.criterion === 'allOf') return false;
    for (const { node } of update.members) {
      const outcome = this.#compare(original, node);
      if (!outcome.compatible) continue;
      found.addAll(outcome);
      found.add('SUM_TYPE_EXTENDED');
      return true;
    }
    return false;
  }

  /** One member of a combination was left. */
  #compareMembersWith(original: CombinedNode, update: JsonNode, found: Findings): boolean {
    if (original.members.length === 1) {
      found.addAll(this.#compare(original.members[0]!.node, update));
      return true;
    }
    if (original.criterion !== 'allOf') return false;
    for (const { node } of original.members) {
      const outcome = this.#compare(node, update);
      if (!outcome.compatible) continue;
      found.addAll(outcome);
      found.add('PRODUCT_TYPE_NARROWED');
      return true;
    }
    return false;
  }

  #combined(original: CombinedNode, update: CombinedNode, found: Findings): void {
    const before = original.members.length;
    const after = update.members.length;
    if (original.criterion !== update.criterion) {
      const isExtended =
        update.criterion === 'anyOf' ||
        (before === 1 && (after === 1 || update.criterion === 'oneOf')) ||
        (after === 1 && original.criterion === 'allOf');
      found.add(isExtended ? 'COMBINED_TYPE_EXTENDED' : 'COMBINED_TYPE_CHANGED');
      if (!isExtended) return;
    }
    if (after > before) found.add(update.criterion === 'allOf' ? 'PRODUCT_TYPE_EXTENDED' : 'SUM_TYPE_EXTENDED');
    if (after < before) found.add(original.criterion === 'allOf' ? 'PRODUCT_TYPE_NARROWED' : 'SUM_TYPE_NARROWED');

    const outcomes = original.members.map(({ node }) =>
      update.members.map((u) => (clearlyDiffer(node, u.node) ? KNOWN_INCOMPATIBLE : this.#compare(node, u.node))),
    );
    const matched = maximumMatching(
      before,
      after,
      (i, j) => outcomes[i]![j]!.compatible,
      (i, j) => outcomes[i]![j]!.differences.length === 0,
      this.#spend,
    );
    if (matched === undefined) {
      found.add('COMBINED_TYPE_SUBSCHEMAS_CHANGED');
      return;
    }
    for (const [i, j] of matched) {
      found.addAll(outcomes[i]![j]!, `${original.criterion}/${original.members[i]!.index}`);
    }
  }

  #object(original: ObjectNode, update: ObjectNode, found: Findings): void {
    for (const [name, property] of update.properties) {
      if (!original.properties.has(name)) continue;
      if (original.required.has(name) && !update.required.has(name)) {
        found.add('REQUIRED_ATTRIBUTE_REMOVED', `required/${name}`);
      } else if (update.required.has(name) && !original.required.has(name)) {
        const type = hasDefault(property) ? 'REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED' : 'REQUIRED_ATTRIBUTE_ADDED';
        found.add(type, `required/${name}`);
      }
    }
    this.#properties(original, update, found);
    this.#dependencies(original, update, found);
    this.#rest('ADDITIONAL_PROPERTIES', 'additionalProperties', original.additional, update.additional, found);
    this.#rest('UNEVALUATED_PROPERTIES', 'unevaluatedProperties', original.unevaluated, update.unevaluated, found);
    found.limit('MAX_PROPERTIES', 'maxProperties', original.maxProperties, update.maxProperties);
    found.limit('MIN_PROPERTIES', 'minProperties', original.minProperties, update.minProperties);
  }

  #properties(original: ObjectNode, update: ObjectNode, found: Findings): void {
    for (const [name, property] of original.properties) {
      const path = `properties/${name}`;
      const kept = update.properties.get(name);
      if (kept !== undefined) found.addAll(this.#compare(property, kept), path);
      else this.#removed('PROPERTY', property, this.#models.of(update, name), path, found);
    }
    for (const [name, property] of update.properties) {
      if (original.properties.has(name)) continue;
      const path = `properties/${name}`;
      const model = this.#models.of(original, name);
      const isRequired = update.required.has(name);
      const necessity = isRequired
        ? hasDefault(property)
          ? 'REQUIRED_PROPERTY_WITH_DEFAULT'
          : 'REQUIRED_PROPERTY'
        : 'OPTIONAL_PROPERTY';
      if (model.kind === 'open') {
        const type = isEmpty(property) ? 'PROPERTY_WITH_EMPTY_SCHEMA' : necessity;
        found.add(`${type}_ADDED_TO_OPEN_CONTENT_MODEL`, path);
      } else {
        if (model.kind === 'partial') this.#coveredAddition('PROPERTY', model.schema, property, path, found);
        found.add(`${necessity}_ADDED_TO_UNOPEN_CONTENT_MODEL`, path);
      }
    }
  }

  #dependencies(original: ObjectNode, update: ObjectNode, found: Findings): void {
    const names = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>) =>
      new Set([...a.keys(), ...b.keys()]);
    for (const name of names(original.arrayDependencies, update.arrayDependencies)) {
      const before = original.arrayDependencies.get(name);
      const after = update.arrayDependencies.get(name);
      const path = `dependencies/${name}`;
      if (before === undefined) found.add('DEPENDENCY_ARRAY_ADDED', path);
      else if (after === undefined) found.add('DEPENDENCY_ARRAY_REMOVED', path);
      else compareSets('DEPENDENCY_ARRAY', path, before, after, found);
    }
    for (const name of names(original.schemaDependencies, update.schemaDependencies)) {
      const before = original.schemaDependencies.get(name);
      const after = update.schemaDependencies.get(name);
      const path = `dependencies/${name}`;
      if (before === undefined) found.add('DEPENDENCY_SCHEMA_ADDED', path);
      else if (after === undefined) found.add('DEPENDENCY_SCHEMA_REMOVED', path);
      else found.addAll(this.#compare(before, after), path);
    }
  }

  #array(original: ArrayNode, update: ArrayNode, found: Findings): void {
    if (original.allItems !== undefined && update.allItems !== undefined) {
      found.addAll(this.#compare(original.allItems, update.allItems), 'items');
    } else if (original.allItems !== update.allItems) {
      found.add(original.allItems === undefined ? 'SCHEMA_ADDED' : 'SCHEMA_REMOVED', 'items');
    }
    const places = Math.max(original.items.length, update.items.length);
    for (let i = 0; i < places; i++) {
      const before = original.items[i];
      const after = update.items[i];
      const path = `items/${i}`;
      if (before !== undefined && after !== undefined) found.addAll(this.#compare(before, after), path);
      else if (before !== undefined) this.#removed('ITEM', before, itemModel(update), path, found);
      else if (after !== undefined) {
        const model = itemModel(original);
        if (model.kind === 'closed') found.add('ITEM_ADDED_TO_CLOSED_CONTENT_MODEL', path);
        else if (model.kind === 'partial') this.#coveredAddition('ITEM', model.schema, after, path, found);
        else found.add(`${isEmpty(after) ? 'ITEM_WITH_EMPTY_SCHEMA' : 'ITEM'}_ADDED_TO_OPEN_CONTENT_MODEL`, path);
      }
    }
    this.#rest('ADDITIONAL_ITEMS', 'additionalItems', original.additional, update.additional, found);
    this.#rest('UNEVALUATED_ITEMS', 'unevaluatedItems', original.unevaluated, update.unevaluated, found);
    found.limit('MAX_ITEMS', 'maxItems', original.maxItems, update.maxItems);
    found.limit('MIN_ITEMS', 'minItems', original.minItems, update.minItems);
    found.limit('MAX_CONTAINS', 'maxContains', original.maxContains, update.maxContains);
    found.limit('MIN_CONTAINS', 'minContains', original.minContains, update.minContains);
    if (original.uniqueItems !== update.uniqueItems) {
      found.add(update.uniqueItems ? 'UNIQUE_ITEMS_ADDED' : 'UNIQUE_ITEMS_REMOVED', 'uniqueItems');
    }
  }

  /** Something is no longer listed: what the update says of unlisted things decides. */
  #removed(what: 'PROPERTY' | 'ITEM', original: JsonNode, model: Model, path: string, found: Findings): void {
    if (model.kind === 'open') found.add(`${what}_REMOVED_FROM_OPEN_CONTENT_MODEL`, path);
    else if (model.kind === 'closed') {
      const isFalse = targetOf(original).kind === 'false';
      found.add(`${isFalse ? `${what}_WITH_FALSE` : what}_REMOVED_FROM_CLOSED_CONTENT_MODEL`, path);
    } else {
      const outcome = this.#compare(original, model.schema);
      found.addAll(outcome, path);
      const covered = outcome.compatible ? 'IS_COVERED' : 'NOT_COVERED';
      found.add(`${what}_REMOVED_${covered}_BY_PARTIALLY_OPEN_CONTENT_MODEL`, path);
    }
  }

  #coveredAddition(what: 'PROPERTY' | 'ITEM', rest: JsonNode, update: JsonNode, path: string, found: Findings): void {
    const outcome = this.#compare(rest, update);
    found.addAll(outcome, path);
    const covered = outcome.compatible ? 'IS_COVERED' : 'NOT_COVERED';
    found.add(`${what}_ADDED_${covered}_BY_PARTIALLY_OPEN_CONTENT_MODEL`, path);
  }

  #rest(name: string, keyword: string, original: Rest, update: Rest, found: Findings): void {
    if (original.allowed !== update.allowed) found.add(`${name}_${update.allowed ? 'ADDED' : 'REMOVED'}`, keyword);
    else if (original.schema !== undefined && update.schema !== undefined) {
      found.addAll(this.#compare(original.schema, update.schema), keyword);
    } else if (original.schema !== update.schema) {
      found.add(`${name}_${original.schema === undefined ? 'NARROWED' : 'EXTENDED'}`, keyword);
    }
  }
}

/**
 * Whether two schemas are told apart at a glance: by a property that is another constant in each. Unions of many such
 * alternatives need not be compared each with each.
 */
function clearlyDiffer(originalNode: JsonNode, updateNode: JsonNode): boolean {
  const original = targetOf(originalNode);
  const update = targetOf(updateNode);
  if (original.kind === 'const' && update.kind === 'const') return original.value !== update.value;
  if (original.kind !== 'object' || update.kind !== 'object') return false;
  for (const [name, property] of original.properties) {
    const before = targetOf(property);
    if (before.kind !== 'const') continue;
    const after = update.properties.get(name);
    if (after !== undefined && clearlyDiffer(before, after)) return true;
  }
  return false;
}

function compareAnnotations(original: TargetNode, update: TargetNode, found: Findings): void {
  if (original.id !== update.id) found.add('ID_CHANGED');
  if (original.title !== update.title) found.add('TITLE_CHANGED');
  if (original.description !== update.description) found.add('DESCRIPTION_CHANGED');
  if (!isDeepStrictEqual(original.defaultValue, update.defaultValue)) found.add('DEFAULT_CHANGED');
}

function compareNumbers(original: NumberNode, update: NumberNode, found: Findings): void {
  if (original.integer !== update.integer) found.add(update.integer ? 'TYPE_NARROWED' : 'TYPE_EXTENDED');
  found.limit('MAXIMUM', 'maximum', original.maximum, update.maximum);
  found.limit('MINIMUM', 'minimum', original.minimum, update.minimum);
  found.limit('EXCLUSIVE_MAXIMUM', 'exclusiveMaximum', original.exclusiveMaximum, update.exclusiveMaximum);
  found.limit('EXCLUSIVE_MINIMUM', 'exclusiveMinimum', original.exclusiveMinimum, update.exclusiveMinimum);
  const change = compareMultiples(original.multipleOf, update.multipleOf);
  if (change !== undefined) found.add(`MULTIPLE_OF_${change}`, 'multipleOf');
}

function compareSets(
  name: string,
  path: string,
  original: ReadonlySet<string>,
  update: ReadonlySet<string>,
  found: Findings,
): void {
  const keepsAll = original.isSubsetOf(update);
  const addsNone = update.isSubsetOf(original);
  if (keepsAll && addsNone) return;
  found.add(`${name}_${keepsAll ? 'EXTENDED' : addsNone ? 'NARROWED' : 'CHANGED'}`, path);
}

function isEmpty(node: JsonNode): boolean {
  const { kind } = targetOf(node);
  return kind === 'empty' || kind === 'true';
}

function hasDefault(node: JsonNode): boolean {
  return targetOf(node).defaultValue !== undefined;
}

function join(prefix: string, path: string): string {
  return prefix === '' ? path : path === '' ? prefix : `${prefix}/${path}`;
}
