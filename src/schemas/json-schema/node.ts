// The model of a JSON Schema that comparisons and SQL's columns walk: one node per kind of constraint. A schema object that says several
// things at once is an allOf of its parts.

/** What a schema says about itself, and not about the values. */
export interface Annotations {
  readonly id: string | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Undefined when there is none: JSON has no other use for it. */
  readonly defaultValue: unknown;
  readonly connect: ConnectAnnotations;
}

/** What Kafka Connect's converter writes beside JSON's own type. */
export interface ConnectAnnotations {
  /** `connect.type`: int32, bytes, map, … */
  readonly type: string | undefined;
  /** `connect.version`: the schema's own. */
  readonly version: number | undefined;
  /** `connect.index`: the place among an object's properties. */
  readonly index: number | undefined;
  /** `connect.parameters`: a decimal's scale, and the like. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Parts {
  /** Keywords of a type stand there without the type: they constrain values of it, and ask for none. */
  readonly isImplied?: true;
}

export type JsonNode = Annotations &
  Parts &
  (
    | { readonly kind: 'empty' | 'true' | 'false' | 'boolean' | 'null' | 'conditional' }
    | StringConstraints
    | NumberConstraints
    | { readonly kind: 'const'; readonly value: string }
    | { readonly kind: 'enum'; readonly values: ReadonlySet<string> }
    | CombinedConstraints
    | { readonly kind: 'not'; readonly not: JsonNode }
    | ObjectConstraints
    | ArrayConstraints
    | ReferenceConstraints
  );

/** A node that `targetOf` has led to: anything but a reference. */
export type TargetNode = Exclude<JsonNode, { kind: 'ref' }>;
export type ObjectNode = Extract<JsonNode, { kind: 'object' }>;
export type ArrayNode = Extract<JsonNode, { kind: 'array' }>;
export type NumberNode = Extract<JsonNode, { kind: 'number' }>;
export type CombinedNode = Extract<JsonNode, { kind: 'combined' }>;
export type ReferenceNode = Extract<JsonNode, { kind: 'ref' }>;
export type Criterion = 'allOf' | 'anyOf' | 'oneOf';

interface StringConstraints {
  readonly kind: 'string';
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly pattern: string | undefined;
}

interface NumberConstraints {
  readonly kind: 'number';
  readonly integer: boolean;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
  readonly multipleOf: number | undefined;
}

interface CombinedConstraints {
  readonly kind: 'combined';
  readonly criterion: Criterion;
  /** Without repetitions; the index is the place in the text. */
  readonly members: readonly { readonly index: number; readonly node: JsonNode }[];
}

/** What is said of properties or items that are not listed. */
export interface Rest {
  readonly allowed: boolean;
  readonly schema: JsonNode | undefined;
}

interface ObjectConstraints {
  readonly kind: 'object';
  readonly properties: ReadonlyMap<string, JsonNode>;
  readonly required: ReadonlySet<string>;
  readonly patterns: readonly { readonly pattern: string; readonly node: JsonNode }[];
  readonly additional: Rest;
  readonly unevaluated: Rest;
  readonly arrayDependencies: ReadonlyMap<string, ReadonlySet<string>>;
  readonly schemaDependencies: ReadonlyMap<string, JsonNode>;
  readonly minProperties: number | undefined;
  readonly maxProperties: number | undefined;
}

interface ArrayConstraints {
  readonly kind: 'array';
  /** One schema per place. */
  readonly items: readonly JsonNode[];
  /** One schema for all places. */
  readonly allItems: JsonNode | undefined;
  readonly additional: Rest;
  readonly unevaluated: Rest;
  readonly uniqueItems: boolean;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly minContains: number | undefined;
  readonly maxContains: number | undefined;
}

interface ReferenceConstraints {
  readonly kind: 'ref';
  readonly uri: string;
  /** Set once the whole schema has been read; never a reference itself. */
  target: TargetNode | undefined;
}

export const NO_ANNOTATIONS: Annotations = {
  id: undefined,
  title: undefined,
  description: undefined,
  defaultValue: undefined,
  connect: { type: undefined, version: undefined, index: undefined, parameters: {} },
};

export const EMPTY: TargetNode = { kind: 'empty', ...NO_ANNOTATIONS };

/** What a reference leads to; other nodes are their own target. */
export function targetOf(node: JsonNode): TargetNode {
  return node.kind === 'ref' ? (node.target ?? EMPTY) : node;
}
