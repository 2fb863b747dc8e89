// Connect's schemas as .proto texts, as Confluent's mapping has them: a struct is a message, and the structs in it are messages
// in that. The wire has no nulls in lists, and no lists of lists: those are refused.
import { DataError } from '../../data/errors.ts';
import { LOGICAL, scaleOf, type Schema } from '../../data/schema.ts';
import {
  DATE_MESSAGE,
  DECIMAL_MESSAGE,
  DEFAULT_NAME,
  DEFAULT_PRECISION,
  ENUM,
  PRECISION,
  type ProtobufMapping,
  TIME_MESSAGE,
  TIMESTAMP_MESSAGE,
  UNION,
  WRAPPERS,
} from './names.ts';

/** The text of the .proto file whose first message has the values of a struct. Throws `DataError` for what Protobuf can't have. */
export function protoTextOf(schema: Schema, mapping: ProtobufMapping): string {
  if (schema.type !== 'struct')
    throw new DataError(`Protobuf needs a struct, and this is a ${schema.type.toUpperCase()}`);
  return new ProtoText(mapping).of(schema);
}

const SCALARS: Readonly<Record<string, string>> = {
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  int64: 'int64',
  float32: 'float',
  float64: 'double',
  boolean: 'bool',
  string: 'string',
  bytes: 'bytes',
};

const LOGICAL_MESSAGES: Readonly<Record<string, readonly [message: string, path: string]>> = {
  [LOGICAL.decimal]: [DECIMAL_MESSAGE, 'confluent/type/decimal.proto'],
  [LOGICAL.date]: [DATE_MESSAGE, 'google/type/date.proto'],
  [LOGICAL.time]: [TIME_MESSAGE, 'google/type/timeofday.proto'],
  [LOGICAL.timestamp]: [TIMESTAMP_MESSAGE, 'google/protobuf/timestamp.proto'],
};

class ProtoText {
  readonly #mapping: ProtobufMapping;
  readonly #imports = new Set<string>();
  /** What is declared in the first message: each name with the text that declared it. */
  readonly #declared = new Map<string, string>();
  #unnamed = 0;

  constructor(mapping: ProtobufMapping) {
    this.#mapping = mapping;
  }

  of(schema: Schema): string {
    const full = (schema.name ?? this.#nextUnnamed()).split('.');
    const name = this.#identifier(full.pop()!);
    const fields = this.#fields(schema);
    const packageLine = full.length === 0 ? '' : `package ${full.map((part) => this.#identifier(part)).join('.')};\n`;
    const imports = [...this.#imports].sort().map((path) => `import "${path}";\n`);
    const inner = [...this.#declared.values()].join('');
    return `syntax = "proto3";\n${packageLine}${imports.join('')}message ${name} {\n${fields}${inner}}\n`;
  }

  #nextUnnamed(): string {
    this.#unnamed++;
    return `${DEFAULT_NAME}${this.#unnamed}`;
  }

  #fields(schema: Schema): string {
    let number = 0;
    const lines = schema.fields.map((field) => {
      if (!isUnion(field.schema)) return this.#field(field.name, field.schema, ++number);
      const branches = field.schema.fields.map((branch) =>
        this.#field(branch.name, branch.schema.with({ optional: false }), ++number),
      );
      return `  oneof ${this.#identifier(field.schema.name!.slice(UNION.length))} {\n${branches.join('')}  }\n`;
    });
    return lines.join('');
  }

  #field(given: string, schema: Schema, number: number): string {
    const name = this.#identifier(given);
    if (schema.type === 'array')
      return `  repeated ${this.#single(schema.valueSchema, given)} ${name} = ${number}${this.#meta(schema.valueSchema)};\n`;
    if (schema.type === 'map') return `  ${this.#map(schema, given)} ${name} = ${number};\n`;
    const type = this.#typeOf(schema);
    const wrapper = WRAPPERS[type];
    const isWrapped = schema.optional && this.#mapping.wrapperForNullables && wrapper !== undefined;
    if (isWrapped) this.#imports.add('google/protobuf/wrappers.proto');
    const label = schema.optional && this.#mapping.optionalForNullables && !isWrapped ? 'optional ' : '';
    return `  ${label}${isWrapped ? wrapper : type} ${name} = ${number}${this.#meta(schema)};\n`;
  }

  /** The elements of a list are there, and no lists themselves. */
  #single(schema: Schema, field: string): string {
    if (schema.type === 'array' || schema.type === 'map')
      throw new DataError(
        `Protobuf has no ${schema.type}s in lists, which the field ${field} has: put them into structs`,
      );
    return this.#typeOf(schema);
  }

  /** Where the key is a scalar that Protobuf takes for one, a map; else a list of entries. */
  #map({ keySchema, valueSchema }: Schema, field: string): string {
    const value = this.#single(valueSchema, field);
    const key = this.#typeOf(keySchema);
    if (keySchema.name === undefined && ['int32', 'int64', 'bool', 'string'].includes(key))
      return `map<${key}, ${value}>`;
    throw new DataError(`Protobuf has no maps whose keys are ${keySchema.type}s, as those of the field ${field} are`);
  }

  #typeOf(schema: Schema): string {
    const logical = schema.name === undefined ? undefined : LOGICAL_MESSAGES[schema.name];
    if (logical !== undefined) {
      this.#imports.add(logical[1]);
      return logical[0];
    }
    if (schema.type === 'struct') return this.#message(schema);
    return this.#enum(schema) ?? SCALARS[schema.type]!;
  }

  #message(schema: Schema): string {
    const name = this.#identifier((schema.name ?? this.#nextUnnamed()).split('.').at(-1)!);
    return this.#declare(name, `  message ${name} {\n${this.#fields(schema)}  }\n`);
  }

  #enum({ type, parameters = {} }: Schema): string | undefined {
    const given = type === 'string' ? parameters[ENUM] : undefined;
    if (given === undefined) return undefined;
    const name = this.#identifier(given.split('.').at(-1)!);
    const constants = Object.entries(parameters).filter(([key]) => key.startsWith(`${ENUM}.`));
    const lines = constants.map(
      ([key, number]) => `    ${this.#identifier(key.slice(ENUM.length + 1))} = ${Number(number)};\n`,
    );
    return this.#declare(name, `  enum ${name} {\n${lines.join('')}  }\n`);
  }

  #declare(name: string, text: string): string {
    const known = this.#declared.get(name);
    if (known !== undefined && known !== text)
      throw new DataError(
        `two different types are named ${name}, which Protobuf does not allow: give them names of their own`,
      );
    this.#declared.set(name, text);
    return name;
  }

  /** What a field's type does not say: the size of a whole number, a decimal's scale. */
  #meta(schema: Schema): string {
    const params: [string, string][] = [];
    if (schema.type === 'int8' || schema.type === 'int16') params.push(['connect.type', schema.type]);
    if (schema.name === LOGICAL.decimal) {
      params.push(['precision', schema.parameters?.[PRECISION] ?? String(DEFAULT_PRECISION)]);
      params.push(['scale', String(scaleOf(schema))]);
    }
    if (params.length === 0) return '';
    this.#imports.add('confluent/meta.proto');
    const texts = params.map(([key, value]) => `{ key: "${key}", value: "${value}" }`);
    return ` [(confluent.field_meta) = { params: [${texts.join(', ')}] }]`;
  }

  #identifier(name: string): string {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
    if (this.#mapping.scrubNames) return scrubbed(name);
    throw new DataError(
      `Protobuf does not allow the name ${JSON.stringify(name)}: set scrub.invalid.names=true, or rename it`,
    );
  }
}

/** A name that Protobuf can have. */
export function scrubbed(name: string): string {
  return name.replace(/^(?=\d)/, 'x').replace(/[^A-Za-z0-9_]/g, '_');
}

/** Whether a struct stands for a oneof. */
export function isUnion({ type, name }: Schema): boolean {
  return type === 'struct' && name?.startsWith(UNION) === true;
}
