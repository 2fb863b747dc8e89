import { type AvroField, type AvroNode, fullName } from './schema.ts';

/**
 * The schema for other readers of Avro: every name in full, so that they look for none by rules of their own, and nothing
 * that has no part in the encoding.
 */
export function plainAvro(root: AvroNode): unknown {
  return plain(root, new Set());
}

/** `defined`: the types that are known by name already. */
function plain(node: AvroNode, defined: Set<AvroNode>): unknown {
  switch (node.kind) {
    case 'union':
      return node.branches.map((branch) => plain(branch, defined));
    case 'array':
      return { type: 'array', items: plain(node.items, defined) };
    case 'map':
      return { type: 'map', values: plain(node.values, defined) };
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed': {
      const name = absolute(fullName(node));
      if (defined.has(node)) return name;
      defined.add(node);
      const named = { type: node.kind, name, aliases: node.aliases.map(absolute) };
      if (node.kind === 'fixed') return { ...named, size: node.size };
      if (node.kind === 'enum') return { ...named, symbols: node.symbols, default: node.defaultSymbol };
      return { ...named, fields: node.fields.map((field) => plainField(field, defined)) };
    }
    default:
      return node.kind;
  }
}

function plainField({ name, type, aliases, defaultValue, order }: AvroField, defined: Set<AvroNode>): unknown {
  // Numbers that kept their text are numbers again.
  const value = defaultValue === undefined ? undefined : (JSON.parse(JSON.stringify(defaultValue)) as unknown);
  return { name, type: plain(type, defined), aliases, default: value, order };
}

/** A name in no namespace says so, or it would be looked for in the one around it. */
function absolute(name: string): string {
  return name.includes('.') ? name : `.${name}`;
}
