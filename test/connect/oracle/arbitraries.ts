// Schemas with values of them, as fast-check makes them up.
import fc from 'fast-check';
import {
  arrayOf,
  date,
  decimalOf,
  mapOf,
  primitive,
  type Schema,
  type SchemaOptions,
  type SchemaType,
  structOf,
  time,
  timestamp,
} from '../../../src/connect/data/schema.ts';
import { Decimal } from '../../../src/util/index.ts';

export interface Typed {
  readonly schema: Schema;
  readonly value: unknown;
}

interface Kind {
  make(options: SchemaOptions): Schema;
  readonly values: fc.Arbitrary<unknown>;
}

type Primitive = Exclude<SchemaType, 'array' | 'map' | 'struct'>;

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }));
const VALUES: Readonly<Record<Primitive, fc.Arbitrary<unknown>>> = {
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  // Java 17 prints more digits of some floats than it takes to tell them from others (JDK-4511638).
  float32: fc.integer({ min: -80_000, max: 80_000 }).map((eighths) => eighths / 8),
  // JSON has no -0.
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  boolean: fc.boolean(),
  string: text,
  bytes: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
};

const DAY_MS = 86_400_000;
const days = fc.integer({ min: -50_000, max: 50_000 });
const LOGICAL_KINDS: readonly Kind[] = [
  { make: date, values: days.map((day) => new Date(day * DAY_MS)) },
  { make: time, values: fc.integer({ min: 0, max: DAY_MS - 1 }).map((ms) => new Date(ms)) },
  { make: timestamp, values: fc.integer({ min: -4e12, max: 4e12 }).map((ms) => new Date(ms)) },
];

const decimalKind = fc.integer({ min: 0, max: 6 }).map(
  (scale): Kind => ({
    make: (options) => decimalOf(scale, options),
    values: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map((unscaled) => new Decimal(unscaled, scale)),
  }),
);

const primitiveKind = fc
  .constantFrom(...(Object.keys(VALUES) as Primitive[]))
  .map((type): Kind => ({ make: (options) => primitive(type, options), values: VALUES[type] }));

/** Numbers, texts and the like; with logical types if wanted. */
export const leafKind = (logical = true): fc.Arbitrary<Kind> =>
  logical ? fc.oneof(primitiveKind, fc.constantFrom(...LOGICAL_KINDS), decimalKind) : primitiveKind;

const options = (kind: Kind): fc.Arbitrary<SchemaOptions> =>
  fc.record({
    optional: fc.boolean(),
    doc: fc.option(text, { nil: undefined }),
    default: fc.option(kind.values, { nil: undefined, freq: 6 }),
  });

/** A schema of a kind, and values of it. */
function typedOf(kind: Kind): fc.Arbitrary<{ readonly schema: Schema; readonly values: fc.Arbitrary<unknown> }> {
  return options(kind).map((chosen) => ({
    schema: kind.make(chosen),
    values: chosen.optional === true ? fc.option(kind.values) : kind.values,
  }));
}

function kindOf(depth: number, fieldName: fc.Arbitrary<string>): fc.Arbitrary<Kind> {
  if (depth === 0) return leafKind();
  const part = kindOf(depth - 1, fieldName).chain(typedOf);
  const array = part.map(
    ({ schema, values }): Kind => ({
      make: (given) => arrayOf(schema, { ...given, default: undefined }),
      values: fc.array(values, { maxLength: 3 }),
    }),
  );
  const keys = fc.constantFrom<Primitive>('string', 'int32', 'int64', 'boolean');
  const map = fc.tuple(keys, part).map(
    ([key, { schema, values }]): Kind => ({
      make: (given) => mapOf(primitive(key), schema, { ...given, default: undefined }),
      values: fc.array(fc.tuple(VALUES[key], values), { maxLength: 3 }).map((entries) => new Map(entries)),
    }),
  );
  return fc.oneof({ weight: 3, arbitrary: leafKind() }, array, map, structKind(part, fieldName));
}

function structKind(
  part: fc.Arbitrary<{ readonly schema: Schema; readonly values: fc.Arbitrary<unknown> }>,
  fieldName: fc.Arbitrary<string>,
): fc.Arbitrary<Kind> {
  return fc.uniqueArray(fc.tuple(fieldName, part), { selector: ([name]) => name, maxLength: 4 }).map(
    (fields): Kind => ({
      make: (given) =>
        structOf(
          fields.map(([name, { schema }]) => [name, schema]),
          { ...given, default: undefined },
        ),
      values: fc.record(Object.fromEntries(fields.map(([name, { values }]) => [name, values]))),
    }),
  );
}

const names: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'name', 'amount', 'x.y', 'Ünï', 'constructor', 'id');

/** Any schema, with a value of it. */
export const typedValue = (depth = 3, fieldName = names): fc.Arbitrary<Typed> =>
  kindOf(depth, fieldName)
    .chain(typedOf)
    .chain(({ schema, values }) => values.map((value) => ({ schema, value })));

/** A struct, with a value of it. */
export const typedStruct = (depth = 2, fieldName = names): fc.Arbitrary<Typed> =>
  structKind(kindOf(depth, fieldName).chain(typedOf), fieldName)
    .chain(typedOf)
    .chain(({ schema, values }) => values.map((value) => ({ schema, value })));

/** What a JSON text without a schema can be. */
export const schemalessValue = (depth = 2): fc.Arbitrary<unknown> => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  );
  if (depth === 0) return leaf;
  const part = schemalessValue(depth - 1);
  return fc.oneof(
    leaf,
    fc.array(part, { maxLength: 3 }),
    fc.dictionary(names, part, { maxKeys: 4, noNullPrototype: true }),
  );
};
