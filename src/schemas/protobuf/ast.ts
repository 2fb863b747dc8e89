// A .proto file as plain data: what the parser reads and the printer writes. Comments and the order between declarations
// of different kinds are not kept; the order within one kind is.

export interface ProtoFile {
  /** As declared; a file that declares none is proto2. */
  readonly syntax?: 'proto2' | 'proto3';
  readonly package?: string;
  readonly imports: readonly ProtoImport[];
  readonly options: readonly ProtoOption[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extends: readonly ProtoExtend[];
  readonly services: readonly ProtoService[];
}

export interface ProtoImport {
  readonly path: string;
  readonly kind?: 'public' | 'weak';
}

export interface ProtoMessage {
  readonly name: string;
  readonly reserved: readonly ProtoReserved[];
  readonly options: readonly ProtoOption[];
  readonly fields: readonly ProtoField[];
  readonly oneofs: readonly ProtoOneof[];
  readonly groups: readonly ProtoGroup[];
  readonly extensions: readonly ProtoExtensions[];
  readonly extends: readonly ProtoExtend[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
}

export type ProtoLabel = 'optional' | 'required' | 'repeated';

export interface ProtoField {
  readonly label?: ProtoLabel;
  /** The key's type where the field is a map; `type` is then the value's. */
  readonly mapKey?: string;
  /** A scalar's name, or the name of a message or enum as it was written. */
  readonly type: string;
  readonly name: string;
  readonly tag: number;
  readonly options: readonly ProtoOption[];
}

/** A field and the message that is its type, declared in one (proto2). */
export interface ProtoGroup {
  readonly label?: ProtoLabel;
  readonly tag: number;
  readonly options: readonly ProtoOption[];
  readonly message: ProtoMessage;
}

export interface ProtoOneof {
  readonly name: string;
  readonly options: readonly ProtoOption[];
  readonly fields: readonly ProtoField[];
  readonly groups: readonly ProtoGroup[];
}

export interface ProtoExtend {
  readonly type: string;
  readonly fields: readonly ProtoField[];
  readonly groups: readonly ProtoGroup[];
}

/** Both ends are included. */
export interface ProtoRange {
  readonly from: number;
  readonly to: number;
}

/** One statement. */
export interface ProtoReserved {
  readonly ranges: readonly ProtoRange[];
  readonly names: readonly string[];
}

/** One statement. */
export interface ProtoExtensions {
  readonly ranges: readonly ProtoRange[];
  readonly options: readonly ProtoOption[];
}

export interface ProtoEnum {
  readonly name: string;
  readonly reserved: readonly ProtoReserved[];
  readonly options: readonly ProtoOption[];
  readonly constants: readonly ProtoConstant[];
}

export interface ProtoConstant {
  readonly name: string;
  readonly number: number;
  readonly options: readonly ProtoOption[];
}

export interface ProtoService {
  readonly name: string;
  readonly options: readonly ProtoOption[];
  readonly methods: readonly ProtoMethod[];
}

export interface ProtoMethod {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  readonly options: readonly ProtoOption[];
}

export interface ProtoOption {
  readonly name: readonly ProtoNamePart[];
  readonly value: ProtoValue;
}

/** A part of an option's name; extensions stand in parentheses. */
export interface ProtoNamePart {
  readonly name: string;
  readonly extension: boolean;
}

export type ProtoValue =
  | ProtoScalar
  | { readonly kind: 'message'; readonly fields: readonly ProtoValueField[] }
  | { readonly kind: 'list'; readonly values: readonly ProtoValue[] };

export type ProtoScalar =
  /** An identifier (an enum's constant, `true`, `inf`) or a number, as written, with its sign. */
  | { readonly kind: 'word'; readonly text: string }
  /** `bytes` has one character for each byte. */
  | { readonly kind: 'string'; readonly bytes: string };

export interface ProtoValueField {
  /** A field's name, or in brackets an extension's or the address of an `Any`'s type. */
  readonly name: string;
  readonly value: ProtoValue;
}

/** The largest field number. */
export const TAG_MAX = 2 ** 29 - 1;
/** The largest number of an enum's constant. */
export const CONSTANT_MAX = 2 ** 31 - 1;

export const SCALAR_TYPES: ReadonlySet<string> = new Set([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
]);

/** The value of the plain option `name`, where it is a word. */
export function wordOption(options: readonly ProtoOption[], name: string): string | undefined {
  const found = options.find(
    ({ name: [part, ...rest] }) => rest.length === 0 && !part?.extension && part?.name === name,
  );
  return found?.value.kind === 'word' ? found.value.text : undefined;
}
