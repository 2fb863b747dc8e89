// The names by which Confluent's Protobuf data mapping keeps what Protobuf has no word for, and the messages that stand for values.

export const UNION = 'io.confluent.connect.protobuf.Union.';
export const ENUM = 'io.confluent.connect.protobuf.Enum';
export const DEFAULT_NAME = 'ConnectDefault';
export const PRECISION = 'connect.decimal.precision';
export const DEFAULT_PRECISION = 64;

export const DECIMAL_MESSAGE = 'confluent.type.Decimal';
export const DATE_MESSAGE = 'google.type.Date';
export const TIME_MESSAGE = 'google.type.TimeOfDay';
export const TIMESTAMP_MESSAGE = 'google.protobuf.Timestamp';

/** Messages around one scalar, so that it can be absent, by the scalar. */
export const WRAPPERS: Readonly<Record<string, string>> = {
  double: 'google.protobuf.DoubleValue',
  float: 'google.protobuf.FloatValue',
  int64: 'google.protobuf.Int64Value',
  int32: 'google.protobuf.Int32Value',
  bool: 'google.protobuf.BoolValue',
  string: 'google.protobuf.StringValue',
  bytes: 'google.protobuf.BytesValue',
};

/** How it is said that a field may be null. */
export interface ProtobufMapping {
  /** With the label `optional`; only such fields are optional. */
  readonly optionalForNullables: boolean;
  /** With a message around the scalar. */
  readonly wrapperForNullables: boolean;
  readonly scrubNames: boolean;
}
