// The names and properties by which Confluent's Avro data mapping keeps in an Avro schema what Avro has no word for.

export const NAMESPACE = 'io.confluent.connect.avro';
/** Structs without a name. */
export const DEFAULT_NAME = 'ConnectDefault';
/** The entries of maps whose keys are not strings. */
export const MAP_ENTRY = 'MapEntry';
export const INTERNAL_TYPE = 'connect.internal.type';
/** A struct of which one field has a value. */
export const UNION = `${NAMESPACE}.Union`;
/** A string's parameter: the enum's full name; with a symbol behind it, the symbol. */
export const ENUM = `${NAMESPACE}.Enum`;
/** The same in `generalized.sum.type.support`, where Protobuf and JSON Schema have them alike. */
export const GENERAL_UNION = 'connect_union';
export const GENERAL_ENUM = 'org.apache.kafka.connect.data.Enum';
/** Bytes of one length only. */
export const FIXED_SIZE = 'connect.fixed.size';
export const PRECISION = 'connect.decimal.precision';
export const DEFAULT_PRECISION = 64;

export const PROPERTY = {
  type: 'connect.type',
  name: 'connect.name',
  version: 'connect.version',
  doc: 'connect.doc',
  parameters: 'connect.parameters',
  default: 'connect.default',
} as const;

/** The converter's settings, as far as they decide what schemas become. */
export interface AvroMapping {
  readonly enhanced: boolean;
  readonly generalized: boolean;
  readonly connectMetaData: boolean;
  readonly scrubNames: boolean;
}

/** A name that Avro can have. */
export function scrubbed(name: string): string {
  return name.replace(/^(?=\d)/, '_').replace(/[^A-Za-z0-9_]/g, '_');
}
