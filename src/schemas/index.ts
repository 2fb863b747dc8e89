// The schema languages: one model of each, under the serdes, the registry and SQL alike.
export { avroIncompatibilities } from './avro/compatibility.ts';
export { plainAvro } from './avro/plain.ts';
export { AvroCursor, writeAvroDefault, writeAvroLong, writeAvroText } from './avro/binary.ts';
export {
  type AvroArray,
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroMap,
  type AvroNode,
  type AvroPrimitive,
  type AvroRecord,
  type AvroUnion,
  fullName,
  parseAvroSchema,
  parseStoredAvro,
  typeName,
} from './avro/schema.ts';
export { byKey, ElementList, type Fact, jsonText, keyOf, type SchemaElement } from './elements.ts';
export { parseExact, textOf } from './exact-json.ts';
export { InvalidSchema, invalidSchema } from './errors.ts';
export type { Incompatibility, Place } from './incompatibility.ts';
export { type JsonDifference, jsonSchemaDifferences } from './json-schema/compatibility.ts';
export type { CompatibilityPolicy } from './incompatibility.ts';
export { describe, isAcceptable } from './json-schema/difference-types.ts';
export { type JsonNode, type ObjectNode, type TargetNode, targetOf } from './json-schema/node.ts';
export { parseJsonSchema } from './json-schema/parse.ts';
export { jsonPlace } from './json-schema/place.ts';
export { parseSchema, SCHEMA_TYPES } from './languages.ts';
export type {
  NamedText,
  ParsedSchema,
  ResolvedReference,
  SchemaReference,
  SchemaType,
  StoredSchema,
} from './parsed-schema.ts';
export type { ProtoField, ProtoMessage, ProtoOneof, ProtoOption, ProtoValue } from './protobuf/ast.ts';
export { connectParameters } from './protobuf/connect-parameters.ts';
export { isCompatible, protobufDifferences } from './protobuf/compatibility.ts';
export { jsonNameOf } from './protobuf/descriptor.ts';
export { linkProto } from './protobuf/linker.ts';
export {
  embedded,
  type FieldReading,
  lastOf,
  listOf,
  mapOf,
  messageReader,
  type ReadValue,
} from './protobuf/message-reader.ts';
export {
  type DeclaredMessage,
  declaredMessages,
  type EnumType,
  type FieldType,
  type MessageField,
  messageNamed,
  type MessageType,
} from './protobuf/message-types.ts';
export { tagged, taggedList, type WriteValue } from './protobuf/message-writer.ts';
export { parseProto } from './protobuf/parser.ts';
export { printProto } from './protobuf/printer.ts';
export { SCALARS, type ScalarName, type ScalarValue, zeroOf } from './protobuf/scalars.ts';
export { linkProtobuf } from './protobuf/schema.ts';
export { WireReader } from '../util/index.ts';
export { putVarint } from './protobuf/wire-writer.ts';
