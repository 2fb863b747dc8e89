// The media types of v2: `application/vnd.kafka.<embedded format>.v2+json`, and what stands for them.

export const EMBEDDED_FORMATS = ['binary', 'json', 'avro', 'jsonschema', 'protobuf'] as const;
export type EmbeddedFormat = (typeof EMBEDDED_FORMATS)[number];

export const V2_JSON = 'application/vnd.kafka.v2+json';
export const JSON_TYPE = 'application/json';
const OCTETS = 'application/octet-stream';
const VND_JSON = 'application/vnd.kafka+json';

export const embeddedType = (format: EmbeddedFormat): string => `application/vnd.kafka.${format}.v2+json`;

/** What is answered to requests without records in it, the preferred one first. */
export const V2_PRODUCED: readonly string[] = [V2_JSON, VND_JSON, JSON_TYPE];
export const V2_CONSUMED: readonly string[] = [V2_JSON, VND_JSON, JSON_TYPE, OCTETS];
/** What records are read and written as; types that name no format mean the first one. */
export const EMBEDDED_TYPES: readonly string[] = [...EMBEDDED_FORMATS.map(embeddedType), ...V2_PRODUCED];
export const V3_TYPES: readonly string[] = [JSON_TYPE];
export const CONSUMED: readonly string[] = [...new Set([...EMBEDDED_TYPES, ...V2_CONSUMED])];

/** The format that a media type names, or stands for. */
export function embeddedFormatOf(type: string): EmbeddedFormat {
  return EMBEDDED_FORMATS.find((format) => embeddedType(format) === type) ?? 'binary';
}
