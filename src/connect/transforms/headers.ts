// Transformations of a record's headers: DropHeaders, HeaderFrom, InsertHeader.
import { defineConfig, nonEmptyList, oneOfTexts } from '../api/config-def.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import type { ConnectHeader } from '../data/record.ts';
import { parseValueText } from '../data/value-text.ts';
import {
  type Apply,
  fieldReader,
  kafkaTransformation,
  kafkaTransformations,
  memberOf,
  perSchema,
  REPLACE_NULL,
  requireMap,
  requireStruct,
  structLike,
} from './side.ts';

const dropConfig = defineConfig({
  headers: { type: 'LIST', importance: 'HIGH', doc: 'The headers to leave out.', validator: nonEmptyList },
});

/** DropHeaders: headers left out. */
export const dropHeaders = kafkaTransformation({ name: 'DropHeaders', config: dropConfig }, (settings): Apply => {
  const dropped = new Set(settings.headers);
  return (record) => ({ ...record, headers: record.headers.filter(({ key }) => !dropped.has(key)) });
});

const insertConfig = defineConfig({
  header: { type: 'STRING', importance: 'HIGH', doc: "The header's name." },
  'value.literal': {
    type: 'STRING',
    importance: 'HIGH',
    doc: "The header's value: a number, true, false, a date, a list or a map in JSON's form, or else a text.",
  },
});

/** InsertHeader: one more header. */
export const insertHeader = kafkaTransformation({ name: 'InsertHeader', config: insertConfig }, (settings): Apply => {
  const header = { key: settings.header, ...parseValueText(settings['value.literal']) };
  return (record) => ({ ...record, headers: [...record.headers, header] });
});

const fromConfig = defineConfig({
  fields: { type: 'LIST', importance: 'HIGH', doc: 'The fields that become headers.', validator: nonEmptyList },
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The names of their headers, in the order of the fields.',
    validator: nonEmptyList,
  },
  operation: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Whether the fields leave the value (move) or stay in it (copy).',
    validator: oneOfTexts('move', 'copy'),
  },
  ...REPLACE_NULL,
});

/** HeaderFrom: fields as headers. */
export const headerFrom = kafkaTransformations(
  {
    name: 'HeaderFrom',
    config: fromConfig,
    validate: ({ fields, headers }) =>
      fields.length === headers.length
        ? []
        : [{ name: 'headers', message: "'fields' config must have the same number of elements as 'headers' config." }],
  },
  (settings, side): Apply => {
    const { fields, headers } = settings;
    if (fields.length !== headers.length)
      throw new ConfigError("'fields' config must have the same number of elements as 'headers' config.");
    const purpose = `header ${settings.operation}`;
    const moves = settings.operation === 'move';
    const read = fieldReader(settings['replace.null.with.default']);
    const rest = perSchema((schema) =>
      structLike(
        schema,
        schema.fields.filter(({ name }) => !fields.includes(name)).map(({ name, schema: of }) => [name, of]),
      ),
    );
    return (record) => {
      const { schema, value } = side.of(record);
      const added: ConnectHeader[] = [];
      if (schema === null) {
        const members = requireMap(value, purpose);
        fields.forEach((name, i) => added.push({ key: headers[i]!, schema: null, value: memberOf(members, name) }));
        const kept = Object.fromEntries(Object.entries(members).filter(([name]) => !fields.includes(name)));
        return { ...side.put(record, null, moves ? kept : value), headers: [...record.headers, ...added] };
      }
      const struct = requireStruct(schema, value, purpose);
      fields.forEach((name, i) => {
        const field = schema.field(name);
        if (field === undefined) throw new DataError(`Field does not exist: ${name}`);
        added.push({ key: headers[i]!, schema: field.schema, value: read(struct, name, field.schema) });
      });
      const left = moves ? rest(schema) : schema;
      const kept = moves
        ? Object.fromEntries(left.fields.map(({ name, schema: of }) => [name, read(struct, name, of)]))
        : struct;
      return { ...side.put(record, left, kept), headers: [...record.headers, ...added] };
    };
  },
);
