// Data formats: values to bytes and back, and the port through which schemas come.
export {
  DeserializationError,
  deserialize,
  SchemaNotLoaded,
  SerializationError,
  serialize,
  type Serde,
} from './serde.ts';
export {
  ENVELOPE_BYTES,
  MAGIC_BYTE,
  type RegisteredSchema,
  type SchemaReference,
  type SchemaSource,
  type SchemaType,
  type SubjectVersion,
} from './schema-source.ts';
export { AvroCodec, avroSerde, readEnvelope, writeEnvelope, type AvroSchema } from './avro.ts';
export { formatDelimited, parseDelimited } from './delimited.ts';
export { jsonSerde } from './json.ts';
export { bytesSerde, doubleSerde, integerSerde, longSerde, stringSerde } from './kafka.ts';
