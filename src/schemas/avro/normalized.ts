import { type AvroField, type AvroNode, fullName } from './schema.ts';
import { stringifyExact } from '../exact-json.ts';

/**
 * The text that is the same for schemas that mean the same: full names and no namespaces, members in the order of Avro's
 * parsing canonical form, and after them what that form would drop, in alphabetical order. Names in `external` (those of
 * referenced schemas) always print by name.
 */
export function printNormalizedAvro(node: AvroNode, external: Iterable<string>): string {
  return stringifyExact(toJson(node, new Set(external)));
}

function toJson(node: AvroNode, defined: Set<string>): unknown {
  switch (node.kind) {
    case 'union':
      return node.branches.map((branch) => toJson(branch, defined));
    case 'array':
      return { type: 'array', items: toJson(node.items, defined), ...sorted(node.properties) };
    case 'map':
      return { type: 'map', values: toJson(node.values, defined), ...sorted(node.properties) };
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed': {
      const name = fullName(node);
      if (defined.has(name)) return name;
      defined.add(name);
      return {
        name,
        type: node.kind,
        ...(node.kind === 'enum' ? { symbols: node.symbols } : {}),
        ...(node.kind === 'fixed' ? { size: node.size } : {}),
        ...('fields' in node ? { fields: node.fields.map((field) => fieldToJson(field, defined)) } : {}),
        ...(node.doc === undefined ? {} : { doc: node.doc }),
        ...(node.aliases.length === 0 ? {} : { aliases: node.aliases.toSorted() }),
        ...(node.kind === 'enum' && node.defaultSymbol !== undefined ? { default: node.defaultSymbol } : {}),
        ...sorted(node.properties),
      };
    }
    default: {
      const properties = sorted(node.properties);
      return Object.keys(properties).length === 0 ? node.kind : { type: node.kind, ...properties };
    }
  }
}

function fieldToJson(field: AvroField, defined: Set<string>): unknown {
  return {
    name: field.name,
    type: toJson(field.type, defined),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
    ...(field.aliases.length === 0 ? {} : { aliases: field.aliases.toSorted() }),
    ...(field.defaultValue === undefined ? {} : { default: field.defaultValue }),
    ...(field.order === undefined || field.order === 'ascending' ? {} : { order: field.order }),
    ...sorted(field.properties),
  };
}

function sorted(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)));
}
