// org.apache.kafka.connect.transforms.Flatten: structs within structs, or maps within maps, become fields whose names lead there.
import { defineConfig } from '../api/config-def.ts';
import { DataError } from '../data/errors.ts';
import type { Schema } from '../data/schema.ts';
import {
  type Apply,
  javaClass,
  kafkaTransformations,
  memberOf,
  type Members,
  perSchema,
  requireMap,
  requireStruct,
  structLike,
} from './side.ts';

const PURPOSE = 'flattening';

const config = defineConfig({
  delimiter: {
    type: 'STRING',
    default: '.',
    importance: 'MEDIUM',
    doc: 'What stands between the names in the name of a field.',
  },
});

/** A field of the new struct, and the names that lead to it in the old one. */
interface FlatField {
  readonly name: string;
  readonly schema: Schema;
  readonly path: readonly { readonly name: string; readonly schema: Schema }[];
}

/** The transformations. */
export const flatten = kafkaTransformations({ name: 'Flatten', config }, ({ delimiter }, side): Apply => {
  const flat = perSchema((schema) => {
    const fields = flatFields(schema, delimiter);
    return {
      fields,
      schema: structLike(
        schema,
        fields.map(({ name, schema: of }) => [name, of]),
      ),
    };
  });
  return (record) => {
    const { schema, value } = side.of(record);
    if (value === null || value === undefined) return record;
    if (schema === null) {
      const flattened: Record<string, unknown> = {};
      flattenMap(requireMap(value, PURPOSE), '', delimiter, flattened);
      return side.put(record, null, flattened);
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const made = flat(schema);
    return side.put(
      record,
      made.schema,
      Object.fromEntries(made.fields.map((field) => [field.name, valueAt(struct, field)])),
    );
  };
});

function valueAt(struct: Members, { path }: FlatField): unknown {
  let current: unknown = struct;
  for (const { name, schema } of path) {
    if (current === null) return null;
    current = memberOf(current as Members, name) ?? schema.default ?? null;
  }
  return current;
}

function flatFields(schema: Schema, delimiter: string): FlatField[] {
  const found: FlatField[] = [];
  const visit = (
    of: Schema,
    { prefix, path, optional, given }: { prefix: string; path: FlatField['path']; optional: boolean; given: unknown },
  ): void => {
    for (const field of of.fields) {
      const name = prefix === '' ? field.name : `${prefix}${delimiter}${field.name}`;
      const isOptional = optional || field.schema.optional;
      const inherited = given === undefined || given === null ? undefined : memberOf(given as Members, field.name);
      const at = [...path, field];
      const standing = field.schema.default ?? inherited ?? undefined;
      switch (field.schema.type) {
        case 'struct':
          visit(field.schema, { prefix: name, path: at, optional: isOptional, given: standing });
          break;
        case 'map':
          throw new DataError(
            `Flatten transformation does not support MAP for record with schemas (for field ${name}).`,
          );
        default:
          found.push({ name, path: at, schema: field.schema.with({ optional: isOptional, default: standing }) });
      }
    }
  };
  visit(schema, { prefix: '', path: [], optional: schema.optional, given: schema.default });
  return found;
}

function flattenMap(map: Members, prefix: string, delimiter: string, into: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(map)) {
    const name = prefix === '' ? key : `${prefix}${delimiter}${key}`;
    if (javaClass(null, value) === 'java.util.LinkedHashMap' && value !== null && value !== undefined)
      flattenMap(requireMap(value, PURPOSE), name, delimiter, into);
    else into[name] = value;
  }
}
