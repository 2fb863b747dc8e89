// Data formats: values to bytes and back, and the port through which schemas come.
export {
  DeserializationError,
  type RecordHeader,
  type SchemaHeader,
  SchemaNotLoaded,
  SerializationError,
  type Serde,
} from './serde.ts';
export {
  deserialize,
  deserializeLoading,
  headersOf,
  KEY_SCHEMA_HEADER,
  putPrefix,
  serialize,
  VALUE_SCHEMA_HEADER,
} from './schema-header.ts';
export type { SchemaReference, SchemaType } from '../schemas/index.ts';
export {
  type NewSchema,
  type RegisteredSchema,
  type ResolvedSchema,
  resolveReferences,
  type SchemaMetadata,
  type SchemaSource,
  type SubjectVersion,
} from './schema-source.ts';
export {
  ENVELOPE_BYTES,
  formatGuid,
  readEnvelope,
  readMessageIndexes,
  readSchemaHeader,
  writeEnvelope,
  writeMessageIndexes,
} from './envelope.ts';
export { Conformance, type ConformancePlace } from './conformance.ts';
export { MemorySchemas } from './memory-schemas.ts';
export {
  type Codec,
  type Decoder,
  type RegisteredSerde,
  type RegistryOptions,
  registrySerde,
  type SchemaFormat,
} from './registry-serde.ts';
export {
  recordNameStrategy,
  type SubjectNameStrategy,
  topicNameStrategy,
  topicRecordNameStrategy,
} from './subject-names.ts';
export { type AvroSchema, avroSerde, loadAvro } from './avro.ts';
export type { JsonSchema } from './json-schema-title.ts';
export { type JsonSchemaOptions, jsonSchemaSerde } from './json-schema.ts';
export { type ProtobufOptions, protobufSerde } from './protobuf.ts';
export { type TextOptions, textSerde } from './text.ts';
export { formatDelimited, parseDelimited } from './delimited.ts';
export { jsonSerde } from './json.ts';
export { bigintSerde, bytesSerde, doubleSerde, integerSerde, longSerde, stringSerde } from './kafka.ts';
