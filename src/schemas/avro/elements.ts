// The parts of an Avro schema: its named types, each once, and the fields of records.
import { textOf } from '../exact-json.ts';
import { type AvroNode, type AvroRecord, fullName } from './schema.ts';
import { childPath, ElementList, jsonText, propertyFacts, type SchemaElement } from '../elements.ts';

type NamedType = Extract<AvroNode, { name: string }>;

const ROOT = '#';

/** `external`: the full names of types that other schemas declare. */
export function avroElements(root: AvroNode, external: readonly string[]): readonly SchemaElement[] {
  return new Walk(external).run(root);
}

class Walk {
  readonly #list = new ElementList();
  readonly #seen: Set<string>;

  constructor(external: readonly string[]) {
    this.#seen = new Set(external);
  }

  run(root: AvroNode): readonly SchemaElement[] {
    if (!('name' in root)) {
      this.#list.add({ kind: 'schema', id: ROOT, path: '', name: '', facts: { type: avroTypeText(root) } });
    }
    // The root keeps its key whatever it is called, so that another name for it is no other schema.
    this.#visit(root, ROOT);
    return this.#list.elements;
  }

  #visit(node: AvroNode, id?: string): void {
    if (node.kind === 'array') this.#visit(node.items);
    else if (node.kind === 'map') this.#visit(node.values);
    else if (node.kind === 'union') for (const branch of node.branches) this.#visit(branch);
    else if ('name' in node && !this.#seen.has(fullName(node))) {
      this.#seen.add(fullName(node));
      this.#named(node, id ?? fullName(node));
    }
  }

  #named(node: NamedType, id: string): void {
    const path = fullName(node);
    const { doc, aliases, properties } = node;
    const key = this.#list.add({
      kind: node.kind,
      id,
      formerIds: aliases,
      path,
      name: path,
      facts: {
        ...(node.kind === 'enum' ? { symbol: node.symbols, default: node.defaultSymbol } : {}),
        ...(node.kind === 'fixed' ? { size: String(node.size) } : {}),
        doc: jsonText(doc),
        alias: aliases,
        ...propertyFacts(properties),
      },
      ...(node.kind === 'enum' ? { order: node.symbols } : {}),
      ...('fields' in node ? { order: node.fields.map(({ name }) => name) } : {}),
    });
    if ('fields' in node) this.#fields(node, key, path);
  }

  #fields({ fields }: AvroRecord, parent: string, parentPath: string): void {
    for (const { name, type, aliases, doc, defaultValue, order, properties } of fields) {
      this.#list.add({
        kind: 'field',
        id: name,
        formerIds: aliases,
        parent,
        path: childPath(parentPath, name),
        name,
        facts: {
          type: avroTypeText(type),
          default: jsonText(defaultValue),
          order: order === 'ascending' ? undefined : order,
          doc: jsonText(doc),
          alias: aliases,
          ...propertyFacts(properties),
        },
      });
    }
    for (const { type } of fields) this.#visit(type);
  }
}

/** A type as one writes it in a sentence: `null | string`, `array<int>`, `int:date`, a name. */
export function avroTypeText(node: AvroNode): string {
  switch (node.kind) {
    case 'array':
      return `array<${avroTypeText(node.items)}>`;
    case 'map':
      return `map<${avroTypeText(node.values)}>`;
    case 'union':
      return node.branches.map(avroTypeText).join(' | ');
    default: {
      const type = 'name' in node ? fullName(node) : node.kind;
      const { logicalType, precision, scale = 0, ...others } = node.properties;
      const parameters = precision === undefined ? '' : `(${textOf(precision)}, ${textOf(scale)})`;
      const logical = typeof logicalType === 'string' ? `:${logicalType}${parameters}` : '';
      // What a named type carries besides is told where the type is.
      const rest = 'name' in node || Object.keys(others).length === 0 ? '' : ` ${JSON.stringify(others)}`;
      return `${type}${logical}${rest}`;
    }
  }
}
