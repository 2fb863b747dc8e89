// Transformations of a value's fields that leave the fields' values as they are: ExtractField, HoistField, ReplaceField,
// SetSchemaMetadata, ValueToKey.
import { defineConfig, nonEmptyList } from '../api/config-def.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import { type Schema, structOf } from '../data/schema.ts';
import { FIELD_SYNTAX, fieldPath } from './field-path.ts';
import {
  type Apply,
  fieldReader,
  kafkaTransformation,
  kafkaTransformations,
  memberOf,
  type Members,
  perSchema,
  REPLACE_NULL,
  requireMap,
  requireStruct,
  requireStructOrNull,
  structLike,
} from './side.ts';

const extractConfig = defineConfig({
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'The field that becomes the whole value.' },
  ...FIELD_SYNTAX,
  ...REPLACE_NULL,
});

/** ExtractField: a field instead of what it is in. */
export const extractField = kafkaTransformations(
  {
    name: 'ExtractField',
    config: extractConfig,
    validate(settings) {
      try {
        fieldPath(settings.field, settings['field.syntax.version']);
        return [];
      } catch (error) {
        if (error instanceof ConfigError) return [{ name: 'field', message: error.message }];
        throw error;
      }
    },
  },
  (settings, side): Apply => {
    const purpose = 'field extraction';
    const path = fieldPath(settings.field, settings['field.syntax.version']);
    const read = fieldReader(settings['replace.null.with.default']);
    const schemaAt = perSchema((schema) => {
      let current: Schema | undefined = schema;
      for (const name of path) current = current?.type === 'struct' ? current.field(name)?.schema : undefined;
      return current;
    });
    const valueAt = (schema: Schema, struct: Members | null): unknown => {
      let current: unknown = struct;
      let of = schema;
      for (const name of path) {
        if (current === null || current === undefined) return null;
        of = of.field(name)!.schema;
        current = read(current as Members, name, of);
      }
      return current;
    };
    return (record) => {
      const { schema, value } = side.of(record);
      if (schema === null) {
        let current: unknown = value ?? null;
        for (const [depth, name] of path.entries()) {
          if (current === null) break;
          current = memberOf(requireMap(current, depth === 0 ? purpose : 'nested field access'), name);
        }
        return side.put(record, null, current);
      }
      const struct = requireStructOrNull(schema, value, purpose);
      const found = schemaAt(schema);
      if (found === undefined) throw new ConfigError(`Unknown field: ${settings.field}`);
      return side.put(record, found, valueAt(schema, struct));
    };
  },
);

const hoistConfig = defineConfig({
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'The name of the only field of the new struct or map.' },
});

/** HoistField: the whole value as a field. */
export const hoistField = kafkaTransformations(
  { name: 'HoistField', config: hoistConfig },
  ({ field }, side): Apply => {
    const hoisted = perSchema((schema) => structOf([[field, schema]]));
    return (record) => {
      const { schema, value } = side.of(record);
      return side.put(record, schema === null ? null : hoisted(schema), { [field]: value });
    };
  },
);

const replaceConfig = defineConfig({
  exclude: { type: 'LIST', default: '', importance: 'MEDIUM', doc: 'Fields to leave out; goes before include.' },
  include: { type: 'LIST', default: '', importance: 'MEDIUM', doc: 'The only fields to keep; without any, all are.' },
  renames: {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'New names of fields, as old:new,old:new.',
    validator: (value) => {
      const wrong = value?.find((mapping) => mapping.split(':').length !== 2);
      return wrong === undefined ? undefined : `Invalid rename mapping: ${wrong}`;
    },
  },
  ...REPLACE_NULL,
});

/** ReplaceField: fields left out and renamed. */
export const replaceField = kafkaTransformations(
  { name: 'ReplaceField', config: replaceConfig },
  (settings, side): Apply => {
    const purpose = 'field replacement';
    const excluded = new Set(settings.exclude);
    const included = new Set(settings.include);
    const renames = new Map(settings.renames.map((mapping) => mapping.split(':') as [string, string]));
    const read = fieldReader(settings['replace.null.with.default']);
    const stays = (name: string): boolean => !excluded.has(name) && (included.size === 0 || included.has(name));
    const renamed = (name: string): string => renames.get(name) ?? name;
    const updated = perSchema((schema) => {
      const fields = schema.fields.filter(({ name }) => stays(name));
      const like = structLike(
        schema,
        fields.map(({ name, schema: of }) => [renamed(name), of]),
      );
      return { fields, schema: like };
    });
    return (record) => {
      const { schema, value } = side.of(record);
      if (value === null || value === undefined) return record;
      const changed: Record<string, unknown> = {};
      if (schema === null) {
        for (const [name, field] of Object.entries(requireMap(value, purpose)))
          if (stays(name)) changed[renamed(name)] = field;
        return side.put(record, null, changed);
      }
      const struct = requireStruct(schema, value, purpose);
      const made = updated(schema);
      for (const { name, schema: of } of made.fields) changed[renamed(name)] = read(struct, name, of);
      return side.put(record, made.schema, changed);
    };
  },
);

const metadataConfig = defineConfig({
  'schema.name': { type: 'STRING', default: null, importance: 'HIGH', doc: "The schema's new name." },
  'schema.version': { type: 'INT', default: null, importance: 'HIGH', doc: "The schema's new version." },
  ...REPLACE_NULL,
});

/** SetSchemaMetadata: another name, or another version, of the schema. */
export const setSchemaMetadata = kafkaTransformations(
  {
    name: 'SetSchemaMetadata',
    config: metadataConfig,
    validate: (settings) =>
      settings['schema.name'] === null && settings['schema.version'] === null
        ? [{ name: 'schema.name', message: 'Neither schema name nor version configured' }]
        : [],
  },
  (settings, side): Apply => {
    const purpose = 'updating schema metadata';
    const [name, version] = [settings['schema.name'], settings['schema.version']];
    const read = fieldReader(settings['replace.null.with.default']);
    const updated = perSchema((schema) =>
      schema.with({ ...(name === null ? {} : { name }), ...(version === null ? {} : { version }) }),
    );
    return (record) => {
      const { schema, value } = side.of(record);
      if (schema === null && (value === null || value === undefined)) return record;
      if (schema === null) throw new DataError(`Schema required for [${purpose}]`);
      if (schema.type !== 'struct' || value === null || value === undefined)
        return side.put(record, updated(schema), value);
      const struct = value as Members;
      const copy = Object.fromEntries(
        schema.fields.map(({ name: field, schema: of }) => [field, read(struct, field, of)]),
      );
      return side.put(record, updated(schema), copy);
    };
  },
);

const keyConfig = defineConfig({
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The fields of the value that make up the new key.',
    validator: nonEmptyList,
  },
  ...REPLACE_NULL,
});

/** ValueToKey: a key of some of the value's fields. */
export const valueToKey = kafkaTransformation({ name: 'ValueToKey', config: keyConfig }, (settings): Apply => {
  const purpose = 'copying fields from value to key';
  const { fields } = settings;
  const read = fieldReader(settings['replace.null.with.default']);
  const keySchemas = perSchema((schema) =>
    structOf(
      fields.map((name) => {
        const field = schema.field(name);
        if (field === undefined) throw new DataError(`Field does not exist: ${name}`);
        return [name, field.schema];
      }),
    ),
  );
  return (record) => {
    const { valueSchema, value } = record;
    if (valueSchema === null) {
      const members = requireMap(value, purpose);
      return {
        ...record,
        keySchema: null,
        key: Object.fromEntries(fields.map((name) => [name, memberOf(members, name)])),
      };
    }
    const struct = requireStruct(valueSchema, value, purpose);
    const keySchema = keySchemas(valueSchema);
    const key = Object.fromEntries(keySchema.fields.map(({ name, schema }) => [name, read(struct, name, schema)]));
    return { ...record, keySchema, key };
  };
});
