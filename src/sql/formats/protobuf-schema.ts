import type { ResolvedSchema } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from '../types.ts';
import type { CodecColumn } from './codec.ts';

/** Protobuf schemas as far as records need them: messages, their fields, and the columns that they stand for. */

export type ProtoType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'enum'; readonly names: ReadonlyMap<number, string> }
  | { readonly kind: 'message'; readonly message: ProtoMessage }
  | { readonly kind: 'map'; readonly key: ProtoType; readonly value: ProtoType };

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly repeated: boolean;
  /** True when an absent value is null and not the type's default. */
  readonly optional: boolean;
  /** Precision and scale of a decimal. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface ProtoMessage {
  /** With its package and the messages around it. */
  readonly name: string;
  readonly fields: ProtoField[];
}

/** A message and where it stands among the messages of its file, as the envelope tells it. */
export interface ProtoEntry {
  readonly message: ProtoMessage;
  readonly path: readonly number[];
}

const SCALARS = new Set(
  'double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes'.split(' '),
);

export const wrapperTypes: Readonly<Record<string, string>> = {
  DoubleValue: 'double',
  FloatValue: 'float',
  Int64Value: 'int64',
  UInt64Value: 'uint64',
  Int32Value: 'int32',
  UInt32Value: 'uint32',
  BoolValue: 'bool',
  StringValue: 'string',
  BytesValue: 'bytes',
};

function known(name: string, fields: readonly (readonly [string, string])[]): ProtoMessage {
  return {
    name,
    fields: fields.map(([field, type], i) => ({
      name: field,
      number: i + 1,
      type: { kind: 'scalar', name: type },
      repeated: false,
      optional: false,
      parameters: new Map(),
    })),
  };
}

const wellKnown = new Map<string, ProtoMessage>(
  [
    ...Object.entries(wrapperTypes).map(([name, type]) => known(`google.protobuf.${name}`, [['value', type]])),
    known('google.protobuf.Timestamp', [
      ['seconds', 'int64'],
      ['nanos', 'int32'],
    ]),
    known('google.type.Date', [
      ['year', 'int32'],
      ['month', 'int32'],
      ['day', 'int32'],
    ]),
    known('google.type.TimeOfDay', [
      ['hours', 'int32'],
      ['minutes', 'int32'],
      ['seconds', 'int32'],
      ['nanos', 'int32'],
    ]),
    known('confluent.type.Decimal', [
      ['value', 'bytes'],
      ['precision', 'uint32'],
      ['scale', 'int32'],
    ]),
  ].map((message) => [message.name, message]),
);

// --- reading .proto text -----------------------------------------------------------------------------------------------

const TOKEN = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.]+|[-{}()[\]<>;=,:]/y;

const parsed = new Map<string, readonly ProtoEntry[]>();

/** The messages of a file, outer before inner, in the order of the text. `references`: files that it imports, and those that they do before them. */
export function parseProto(text: string, references: readonly string[] = []): readonly ProtoEntry[] {
  const key = [text, ...references].join('\n');
  let entries = parsed.get(key);
  if (entries === undefined) {
    const names: ProtoNames = { messages: new Map(wellKnown), enums: new Map() };
    for (const reference of references) new ProtoReader(reference, names).read();
    entries = new ProtoReader(text, names).read();
    if (parsed.size > 200) parsed.clear();
    parsed.set(key, entries);
  }
  return entries;
}

/** What the types of a file and of those that it imports are called. */
interface ProtoNames {
  readonly messages: Map<string, ProtoMessage>;
  readonly enums: Map<string, ReadonlyMap<number, string>>;
}

interface PendingField {
  readonly field: { -readonly [K in keyof ProtoField]: ProtoField[K] };
  readonly typeName: string;
  readonly scope: string;
}

class ProtoReader {
  readonly #tokens: string[] = [];
  #at = 0;
  #package = '';
  readonly #entries: ProtoEntry[] = [];
  readonly #names: ProtoNames;
  readonly #pending: PendingField[] = [];

  constructor(text: string, names: ProtoNames) {
    this.#names = names;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const at = TOKEN.lastIndex;
      const token = TOKEN.exec(text)?.[0];
      if (token === undefined)
        throw new MillraceError('INVALID_SCHEMA', `unexpected text at ${at} of a Protobuf schema`);
      if (!/^(\s|\/\/|\/\*)/.test(token)) this.#tokens.push(token);
    }
  }

  read(): readonly ProtoEntry[] {
    let index = 0;
    while (this.#at < this.#tokens.length) {
      const word = this.#next();
      if (word === 'package') {
        this.#package = this.#next();
        this.#skipStatement();
      } else if (word === 'message') this.#message(this.#package, [index++]);
      else if (word === 'enum') this.#enum(this.#package);
      else if (word !== ';') this.#skipStatement();
    }
    for (const { field, typeName, scope } of this.#pending) field.type = this.#resolve(typeName, scope);
    return this.#entries;
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new MillraceError('INVALID_SCHEMA', 'a Protobuf schema ends too early');
    return token;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  /** To the end of a statement, over blocks in it. */
  #skipStatement(): void {
    for (let depth = 0; this.#at < this.#tokens.length; ) {
      const token = this.#next();
      if (token === '{') depth++;
      else if (token === '}' && --depth === 0) return;
      else if (token === ';' && depth === 0) return;
    }
  }

  #message(scope: string, path: readonly number[]): void {
    const name = this.#next();
    const full = scope === '' ? name : `${scope}.${name}`;
    const message: ProtoMessage = { name: full, fields: [] };
    this.#names.messages.set(full, message);
    this.#entries.push({ message, path });
    this.#next();
    let inner = 0;
    while (this.#peek() !== '}') {
      const word = this.#next();
      switch (word) {
        case 'message':
          this.#message(full, [...path, inner++]);
          break;
        case 'enum':
          this.#enum(full);
          break;
        case 'oneof':
          this.#next();
          this.#next();
          while (this.#peek() !== '}') this.#field(message, full, this.#next(), { repeated: false, optional: true });
          this.#next();
          break;
        case 'option':
        case 'reserved':
        case 'extensions':
          this.#skipStatement();
          break;
        case ';':
          break;
        case 'repeated':
          this.#field(message, full, this.#next(), { repeated: true, optional: false });
          break;
        case 'optional':
          this.#field(message, full, this.#next(), { repeated: false, optional: true });
          break;
        case 'required':
          this.#field(message, full, this.#next(), { repeated: false, optional: false });
          break;
        default:
          this.#field(message, full, word, { repeated: false, optional: false });
      }
    }
    this.#next();
  }

  #field(message: ProtoMessage, scope: string, typeName: string, how: { repeated: boolean; optional: boolean }): void {
    let map: { key: string; value: string } | undefined;
    if (typeName === 'map') {
      this.#next();
      const key = this.#next();
      this.#next();
      map = { key, value: this.#next() };
      this.#next();
    }
    const name = this.#next();
    this.#next();
    const number = Number(this.#next());
    const parameters = new Map<string, string>();
    // Parameters are pairs `{ key: "scale", value: "2" }`, in either order.
    let pair: Record<string, string> = {};
    let member = '';
    for (let token = this.#next(); token !== ';'; token = this.#next()) {
      if (token === 'key' || token === 'value') member = token;
      else if (/^["']/.test(token)) pair[member] = token.slice(1, -1);
      if (pair['key'] === undefined || pair['value'] === undefined) continue;
      parameters.set(pair['key'], pair['value']);
      pair = {};
    }
    const field = { name, number, type: { kind: 'scalar', name: 'bytes' } as ProtoType, parameters, ...how };
    message.fields.push(field);
    if (map === undefined) {
      this.#pending.push({ field, typeName, scope });
      return;
    }
    const { value } = map;
    const mapType = {
      kind: 'map' as const,
      key: { kind: 'scalar' as const, name: map.key },
      value: { kind: 'scalar', name: 'bytes' } as ProtoType,
    };
    field.type = mapType;
    const holder = { ...field };
    this.#pending.push({
      field: Object.defineProperty(holder, 'type', {
        set: (type: ProtoType) => {
          mapType.value = type;
        },
      }),
      typeName: value,
      scope,
    });
  }

  #enum(scope: string): void {
    const name = this.#next();
    const names = new Map<number, string>();
    this.#next();
    while (this.#peek() !== '}') {
      const word = this.#next();
      if (word === 'option' || word === 'reserved') {
        this.#skipStatement();
        continue;
      }
      this.#next();
      const sign = this.#peek() === '-' ? -1 : 1;
      if (sign < 0) this.#next();
      names.set(sign * Number(this.#next()), word);
      this.#skipStatement();
    }
    this.#next();
    this.#names.enums.set(scope === '' ? name : `${scope}.${name}`, names);
  }

  #resolve(typeName: string, scope: string): ProtoType {
    if (SCALARS.has(typeName)) return { kind: 'scalar', name: typeName };
    const plain = typeName.replace(/^\./, '');
    for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
      const full = around === '' ? plain : `${around}.${plain}`;
      const message = this.#names.messages.get(full);
      if (message !== undefined) return { kind: 'message', message };
      const names = this.#names.enums.get(full);
      if (names !== undefined) return { kind: 'enum', names };
      if (around === '') break;
    }
    throw new MillraceError('INVALID_SCHEMA', `the Protobuf schema does not define ${typeName}`);
  }
}

// --- messages as columns -----------------------------------------------------------------------------------------------

/** The message of a schema that records are: the named one, else the first. */
export function recordMessage(text: string, name: string | undefined, references: readonly string[] = []): ProtoEntry {
  const entries = parseProto(text, references);
  const found =
    name === undefined
      ? entries[0]
      : entries.find(({ message }) => message.name === name || message.name.endsWith(`.${name}`));
  if (found === undefined)
    throw new MillraceError('INVALID_SCHEMA', `the Protobuf schema has no message ${name ?? ''}`);
  return found;
}

export function protobufColumns(
  { schema, references }: ResolvedSchema,
  name: string | undefined,
  fold: (name: string) => string,
): CodecColumn[] {
  const texts = references.map((reference) => reference.schema);
  return messageColumns(recordMessage(schema, name, texts).message, fold);
}

export function messageColumns(message: ProtoMessage, fold: (name: string) => string): CodecColumn[] {
  return message.fields.map((field) => ({ name: fold(field.name), type: fieldType(field, fold) }));
}

function fieldType(field: ProtoField, fold: (name: string) => string): SqlType {
  const { type } = field;
  const entry = field.repeated && type.kind === 'message' ? entryOf(type.message) : undefined;
  if (entry !== undefined) return mapOf(STRING, fieldType(entry.value, fold));
  const item = sqlType(type, field.parameters, fold);
  return field.repeated ? arrayOf(item) : item;
}

/** Connect writes maps as repeated messages of a key and a value. */
export function entryOf(message: ProtoMessage): { key: ProtoField; value: ProtoField } | undefined {
  const [key, value] = message.fields;
  if (!/Entry\d*$/.test(message.name) || key?.name !== 'key' || value?.name !== 'value') return undefined;
  return { key, value };
}

function sqlType(type: ProtoType, parameters: ReadonlyMap<string, string>, fold: (name: string) => string): SqlType {
  switch (type.kind) {
    case 'enum':
      return STRING;
    case 'map':
      return mapOf(STRING, sqlType(type.value, parameters, fold));
    case 'scalar':
      return scalarType(type.name);
    default: {
      const special = specialType(type.message, parameters);
      return special ?? structOf(messageColumns(type.message, fold));
    }
  }
}

function specialType(message: ProtoMessage, parameters: ReadonlyMap<string, string>): SqlType | undefined {
  const wrapped = wrapperTypes[message.name.replace('google.protobuf.', '')];
  if (wrapped !== undefined && message.name.startsWith('google.protobuf.')) return scalarType(wrapped);
  switch (message.name) {
    case 'google.protobuf.Timestamp':
      return TIMESTAMP;
    case 'google.type.Date':
      return DATE;
    case 'google.type.TimeOfDay':
      return TIME;
    case 'confluent.type.Decimal':
      return decimalType(Number(parameters.get('precision') ?? 64), Number(parameters.get('scale') ?? 0));
    default:
      return undefined;
  }
}

function scalarType(name: string): SqlType {
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
): string {
  const writer = new ProtoWriter(nullable);
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
  #count = 0;

  constructor(nullable: NullableRepresentation) {
    this.#nullable = nullable;
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
