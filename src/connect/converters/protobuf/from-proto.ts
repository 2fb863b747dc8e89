// Protobuf's messages as Connect's schemas, as Confluent's mapping has them: a oneof is a struct of which one field has a value, an
// enum a string, and the messages of dates, times and decimals are those.
import { connectParameters, type FieldType, type MessageField, type MessageType } from '../../../schemas/index.ts';
import { DataError } from '../../data/errors.ts';
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
} from '../../data/schema.ts';
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

type Primitive = Exclude<SchemaType, 'array' | 'map' | 'struct'>;

const TYPES: Readonly<Record<string, Primitive>> = {
  double: 'float64',
  float: 'float32',
  int32: 'int32',
  sint32: 'int32',
  sfixed32: 'int32',
  uint32: 'int64',
  fixed32: 'int64',
  int64: 'int64',
  sint64: 'int64',
  sfixed64: 'int64',
  uint64: 'int64',
  fixed64: 'int64',
  bool: 'boolean',
  string: 'string',
  bytes: 'bytes',
};

/** A message's fields as a struct has them: those of a oneof together, where the first of them stands. */
export type StructMember =
  | { readonly kind: 'field'; readonly name: string; readonly field: MessageField }
  | { readonly kind: 'oneof'; readonly name: string; readonly oneof: string; readonly fields: readonly MessageField[] };

/** The members of a message's struct. */
export function membersOf({ fields }: MessageType): StructMember[] {
  const members: StructMember[] = [];
  let unions = 0;
  for (const field of fields) {
    const { oneof } = field;
    if (oneof === undefined) members.push({ kind: 'field', name: field.name, field });
    else if (!members.some((member) => member.kind === 'oneof' && member.oneof === oneof)) {
      const inside = fields.filter((other) => other.oneof === oneof);
      members.push({ kind: 'oneof', name: `${oneof}_${unions++}`, oneof, fields: inside });
    }
  }
  return members;
}

/** The Connect schema of a message. Throws `DataError` for one that contains itself. */
export function connectSchemaOf(message: MessageType, mapping: ProtobufMapping): Schema {
  return new ConnectSchemas(mapping).message(message, {});
}

class ConnectSchemas {
  readonly #mapping: ProtobufMapping;
  readonly #open = new Set<MessageType>();

  constructor(mapping: ProtobufMapping) {
    this.#mapping = mapping;
  }

  message(message: MessageType, options: SchemaOptions): Schema {
    if (this.#open.has(message))
      throw new DataError(`the message ${message.name} contains itself, which Connect's schemas can't say`);
    this.#open.add(message);
    const fields = membersOf(message).map((member) => [member.name, this.#member(member)] as const);
    this.#open.delete(message);
    const isUnnamed = new RegExp(`(^|\\.)${DEFAULT_NAME}\\d+$`).test(message.name);
    return structOf(fields, isUnnamed ? options : { ...options, name: message.name });
  }

  #member(member: StructMember): Schema {
    if (member.kind === 'field') return this.#field(member.field);
    const branches = member.fields.map((field) => [field.name, this.#single(field, { optional: true })] as const);
    return structOf(branches, { optional: true, name: UNION + member.oneof });
  }

  #field(field: MessageField): Schema {
    const { type, isRepeated } = field;
    const { optionalForNullables, wrapperForNullables } = this.#mapping;
    const hasLabel = field.presence === 'explicit' && optionalForNullables;
    const optional = hasLabel || (!optionalForNullables && !wrapperForNullables);
    if (type.kind === 'message' && type.message.isMapEntry) {
      const [key, value] = type.message.fields;
      return mapOf(this.#single(key!, {}), this.#single(value!, {}), { optional });
    }
    if (isRepeated) return arrayOf(this.#single(field, {}), { optional });
    return this.#single(field, { optional: optional || isWrapped(type, this.#mapping) });
  }

  #single({ type, options: said }: MessageField, options: SchemaOptions): Schema {
    if (type.kind === 'enum') {
      const { name, numbers } = type.enumeration;
      const symbols = [...numbers].map(([symbol, number]) => [`${ENUM}.${symbol}`, String(number)] as const);
      return primitive('string', { ...options, parameters: { [ENUM]: name, ...Object.fromEntries(symbols) } });
    }
    const params = connectParameters(said);
    if (type.kind === 'scalar') {
      const given = params.get('connect.type');
      return primitive(given === 'int8' || given === 'int16' ? given : TYPES[type.scalar]!, options);
    }
    const wrapped = isWrapped(type, this.#mapping) ? type.message.fields[0] : undefined;
    return wrapped === undefined
      ? (logicalOf(type.message, params, options) ?? this.message(type.message, options))
      : this.#single({ ...wrapped, options: said }, options);
  }
}

/** Whether a message is only there so that a scalar can be absent. */
export function isWrapped(type: FieldType, { wrapperForNullables }: ProtobufMapping): boolean {
  return wrapperForNullables && type.kind === 'message' && Object.values(WRAPPERS).includes(type.message.name);
}

function logicalOf(
  { name }: MessageType,
  params: ReadonlyMap<string, string>,
  options: SchemaOptions,
): Schema | undefined {
  switch (name) {
    case DECIMAL_MESSAGE: {
      const precision = params.get('precision') ?? String(DEFAULT_PRECISION);
      const parameters = Number(precision) === DEFAULT_PRECISION ? {} : { [PRECISION]: precision };
      return decimalOf(Number(params.get('scale') ?? 0), { ...options, parameters });
    }
    case DATE_MESSAGE:
      return date(options);
    case TIME_MESSAGE:
      return time(options);
    case TIMESTAMP_MESSAGE:
      return timestamp(options);
    default:
      return undefined;
  }
}
