// Protobuf messages as columns, and columns as the text of a message. What messages there are, and what their fields are,
// the model of the schema languages says.
import {
  type DeclaredMessage,
  declaredMessages,
  linkProtobuf,
  type MessageField,
  messageNamed,
  type MessageType,
  type ScalarName,
} from '../../schemas/index.ts';
import type { ResolvedSchema } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import { arrayOf, BIGINT, BOOLEAN, BYTES, DOUBLE, INTEGER, mapOf, type SqlType, STRING, structOf } from '../types.ts';
import type { CodecColumn } from './codec.ts';
import { isWrapper, specialMessage, wrapperTypes } from './protobuf-special.ts';

// --- messages ----------------------------------------------------------------------------------------------------------

/** The messages that a schema declares. Throws `INVALID_SCHEMA` with the place where it is broken. */
export function messagesOf({ schema, references }: ResolvedSchema): readonly DeclaredMessage[] {
  return declaredMessages(linkProtobuf(schema, references));
}

/** The message that records are: the named one, else the first. */
export function recordMessage(messages: readonly DeclaredMessage[], name: string | undefined): DeclaredMessage {
  const found = messageNamed(messages, name);
  if (found !== undefined) return found;
  const what = name === undefined ? 'declares no message' : `has no message ${name}`;
  const others = messages.map(({ message }) => message.name).join(', ');
  throw new MillraceError('INVALID_SCHEMA', `the Protobuf schema ${what}${others === '' ? '' : `, only ${others}`}`);
}

/** The field of a column: the one with its very name, else in any case. */
export function fieldNamed(message: MessageType, name: string): MessageField | undefined {
  const folded = name.toUpperCase();
  return (
    message.fields.find((field) => field.name === name) ??
    message.fields.find((field) => field.name.toUpperCase() === folded)
  );
}

export interface MapEntry {
  readonly message: MessageType;
  readonly key: MessageField;
  readonly value: MessageField;
}

/** What a map's entries are made of. Connect writes maps as repeated messages of a key and a value. */
export function entryOf({ type, isRepeated }: MessageField): MapEntry | undefined {
  if (!isRepeated || type.kind !== 'message') return undefined;
  const { message } = type;
  if (!message.isMapEntry && !/Entry\d*$/.test(message.name)) return undefined;
  const [key, value, ...others] = message.fields;
  if (key?.name !== 'key' || value?.name !== 'value' || others.length > 0) return undefined;
  return isText(key) ? { message, key, value } : undefined;
}

/** Whether a field can be a map's key: SQL's keys are texts, as which all but bytes can be read. */
function isText({ type, isRepeated }: MessageField): boolean {
  return !isRepeated && type.kind === 'scalar' && type.scalar !== 'bytes';
}

// --- messages as columns -----------------------------------------------------------------------------------------------

export function protobufColumns(
  resolved: ResolvedSchema,
  name: string | undefined,
  fold: (name: string) => string,
): CodecColumn[] {
  const { message } = recordMessage(messagesOf(resolved), name);
  const columns = messageColumns(message, fold);
  return columns.length > 0
    ? columns
    : refuse(`The Protobuf message ${message.name} has no fields to take columns from.`);
}

/** Refuses a message that no columns can hold. */
export function messageColumns(message: MessageType, fold: (name: string) => string): CodecColumn[] {
  return new Columns(fold).of(message);
}

/** Types that hold each other without end, or several of each at every level, have more fields than a statement can list. */
const FIELDS_MAX = 10_000;

class Columns {
  readonly #fold: (name: string) => string;
  /** The messages around the present one, from the outermost, each with the field that leads further in. */
  readonly #around: { readonly message: MessageType; field: string }[] = [];
  #fields = 0;

  constructor(fold: (name: string) => string) {
    this.#fold = fold;
  }

  of(message: MessageType): CodecColumn[] {
    this.#refuseRecursion(message);
    const at = { message, field: '' };
    this.#around.push(at);
    const known = new Map<string, string>();
    const columns = message.fields.map((field) => {
      at.field = field.name;
      const name = this.#fold(field.name);
      const other = known.get(name);
      if (other !== undefined) {
        return refuse(
          `The fields ${other} and ${field.name} of the Protobuf message ${message.name} are both the column ${name}. Name the schema's id in the statement, so that names stay as they are, or declare the columns that are needed.`,
        );
      }
      known.set(name, field.name);
      return { name, type: this.#fieldType(field) };
    });
    this.#around.pop();
    return columns;
  }

  #refuseRecursion(message: MessageType): void {
    const start = this.#around.findIndex((outer) => outer.message === message);
    if (start < 0) return;
    const path = this.#around.slice(start).map(({ message: { name }, field }) => `${name}.${field}`);
    refuse(
      `The Protobuf message ${message.name} contains itself (${path.join(' → ')}), and SQL has no recursive types. Declare the columns that are needed in the statement.`,
    );
  }

  #fieldType(field: MessageField): SqlType {
    if (++this.#fields > FIELDS_MAX) {
      refuse(
        `The Protobuf message ${this.#around[0]!.message.name} has more than ${FIELDS_MAX} fields, with those of the messages in it. Declare the columns that are needed in the statement.`,
      );
    }
    const entry = entryOf(field);
    if (entry !== undefined) return mapOf(STRING, this.#fieldType(entry.value));
    const item = this.#type(field);
    return field.isRepeated ? arrayOf(item) : item;
  }

  #type(field: MessageField): SqlType {
    const { type } = field;
    if (type.kind === 'enum') return STRING;
    if (type.kind === 'scalar') return scalarType(type.scalar);
    const { message } = type;
    if (isWrapper(message) && message.fields.length === 1) return this.#type(message.fields[0]!);
    return specialMessage(message)?.sqlType(field) ?? structOf(this.of(message));
  }
}

function scalarType(name: ScalarName): SqlType {
  if (name === 'double' || name === 'float') return DOUBLE;
  if (name === 'bool') return BOOLEAN;
  if (name === 'string') return STRING;
  if (name === 'bytes') return BYTES;
  return name === 'int32' || name === 'sint32' || name === 'sfixed32' ? INTEGER : BIGINT;
}

// --- columns as messages -----------------------------------------------------------------------------------------------

export type NullableRepresentation = 'OPTIONAL' | 'WRAPPER' | undefined;

/** The `.proto` text of records with these columns. */
export function protoTextOf(
  columns: readonly CodecColumn[],
  nullable: NullableRepresentation,
  fullName?: string,
  { mapsAsEntries = false }: { readonly mapsAsEntries?: boolean } = {},
): string {
  const writer = new ProtoWriter(nullable, mapsAsEntries);
  const at = fullName?.lastIndexOf('.') ?? -1;
  const packageName = at > 0 ? fullName!.slice(0, at) : undefined;
  const body = writer.message(fullName === undefined ? undefined : fullName.slice(at + 1), columns, '');
  const imports = [...writer.imports].sort().map((file) => `import "${file}";\n`);
  const head = packageName === undefined ? '' : `package ${packageName};\n`;
  return `syntax = "proto3";\n${head}${imports.length === 0 ? '' : `\n${imports.join('')}`}\n${body}`;
}

class ProtoWriter {
  readonly imports = new Set<string>();
  readonly #nullable: NullableRepresentation;
  /** Maps as what they are on the wire, repeated messages of a key and a value. */
  readonly #mapsAsEntries: boolean;
  #count = 0;

  constructor(nullable: NullableRepresentation, mapsAsEntries: boolean) {
    this.#nullable = nullable;
    this.#mapsAsEntries = mapsAsEntries;
  }

  message(given: string | undefined, fields: readonly CodecColumn[], indent: string): string {
    this.#count++;
    const name = given ?? `ConnectDefault${this.#count}`;
    const nested: string[] = [];
    const lines = fields.map(
      (field, i) => `${indent}  ${this.#field(field.type, field.name, i + 1, nested, `${indent}  `)}`,
    );
    const inner = nested.length === 0 ? '' : `\n${nested.join('\n')}`;
    return `${indent}message ${name} {\n${lines.join('\n')}${lines.length === 0 ? '' : '\n'}${inner}${indent}}\n`;
  }

  #field(type: SqlType, name: string, number: number, nested: string[], indent: string): string {
    if (type.kind === 'ARRAY')
      return `repeated ${this.#type(type.item, nested, indent, false)} ${name} = ${number}${options(type.item)};`;
    if (type.kind === 'MAP' && this.#mapsAsEntries) {
      const entry = `ConnectDefault${this.#count + 1}Entry`;
      const fields = [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ];
      nested.push(this.message(entry, fields, indent));
      return `repeated ${entry} ${name} = ${number};`;
    }
    if (type.kind === 'MAP')
      return `map<string, ${this.#type(type.value, nested, indent, false)}> ${name} = ${number};`;
    const presence = this.#nullable === 'OPTIONAL' ? 'optional ' : '';
    return `${presence}${this.#type(type, nested, indent, this.#nullable === 'WRAPPER')} ${name} = ${number}${options(type)};`;
  }

  #type(type: SqlType, nested: string[], indent: string, wrap: boolean): string {
    const scalar = scalarNames[type.kind];
    if (scalar !== undefined) {
      if (!wrap) return scalar;
      this.imports.add('google/protobuf/wrappers.proto');
      const wrapper = Object.entries(wrapperTypes).find(([, wrapped]) => wrapped === scalar)![0];
      return `google.protobuf.${wrapper}`;
    }
    switch (type.kind) {
      case 'DECIMAL':
        this.imports.add('confluent/meta.proto');
        this.imports.add('confluent/type/decimal.proto');
        return 'confluent.type.Decimal';
      case 'DATE':
        this.imports.add('google/type/date.proto');
        return 'google.type.Date';
      case 'TIME':
        this.imports.add('google/type/timeofday.proto');
        return 'google.type.TimeOfDay';
      case 'TIMESTAMP':
        this.imports.add('google/protobuf/timestamp.proto');
        return 'google.protobuf.Timestamp';
      default: {
        // Collections in collections have no form of their own: they become a message around them.
        const fields = type.kind === 'STRUCT' ? type.fields : [{ name: 'value', type }];
        const text = this.message(undefined, fields, indent);
        nested.push(text);
        return /message (\w+)/.exec(text)![1]!;
      }
    }
  }
}

const scalarNames: Partial<Record<SqlType['kind'], string>> = {
  BOOLEAN: 'bool',
  INTEGER: 'int32',
  BIGINT: 'int64',
  DOUBLE: 'double',
  STRING: 'string',
  BYTES: 'bytes',
};

function options(type: SqlType): string {
  if (type.kind !== 'DECIMAL') return '';
  return ` [(confluent.field_meta) = { params: [{ key: "precision", value: "${type.precision}" }, { key: "scale", value: "${type.scale}" }] }]`;
}
