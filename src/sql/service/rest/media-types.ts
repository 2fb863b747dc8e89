// The media types that SQL over HTTP takes and answers.

export const V1 = 'application/vnd.ksql.v1+json';
export const DELIMITED = 'application/vnd.ksqlapi.delimited.v1';
export const JSON_TYPE = 'application/json';
/** Rows as Protobuf messages, in an array of JSON. */
export const PROTOBUF = 'application/vnd.ksql.v1+protobuf';
/** ksqlDB takes JSON under several names, and /inserts-stream takes lines of it. A page of the web can send none of these. */
export const CONSUMED = [
  JSON_TYPE,
  V1,
  DELIMITED,
  'application/vnd.ksqlapi.inserts-stream.v1',
  'application/octet-stream',
];
