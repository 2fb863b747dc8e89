// Records as the texts that other systems are given: values as they are, or as JSON, and templates with parts of records.
import { type JsonValueOptions, jsonWriter, type JsonWriter } from '../converters/json/writer.ts';
import { DataError } from '../data/errors.ts';
import { javaText } from '../data/java-text.ts';
import type { SinkRecord } from '../data/record.ts';
import type { Schema } from '../data/schema.ts';

/** What writes values as JSON without their schemas, whichever these are. */
export function jsonTexts(options: JsonValueOptions): (schema: Schema | null, value: unknown) => string {
  const writers = new WeakMap<Schema, JsonWriter>();
  const writeSchemaless = jsonWriter(null, options);
  return (schema, value) => {
    if (schema === null) return writeSchemaless(value);
    let write = writers.get(schema);
    if (write === undefined) {
      write = jsonWriter(schema, options);
      writers.set(schema, write);
    }
    return write(value);
  };
}

/** A value as JSON without its schema: decimals are numbers, bytes Base64, times counted as Kafka Connect does. Throws `DataError`. */
export const jsonText = jsonTexts({ decimalFormat: 'NUMERIC', replaceNull: true });

/** Texts, numbers and bytes (UTF-8) as they are, all else as JSON. */
export function plainText(schema: Schema | null, value: unknown): string {
  if (typeof value !== 'object') return javaText(schema, value);
  return value instanceof Uint8Array ? Buffer.from(value).toString() : jsonText(schema, value);
}

/** Where a record is, for messages: `the record at offset 3 of orders-0`. */
export function placeOf({ originalTopic, originalPartition, originalOffset }: SinkRecord): string {
  return `the record at offset ${originalOffset} of ${originalTopic}-${originalPartition}`;
}

/**
 * A text with `${topic}`, `${key}`, `${partition}`, `${offset}` and fields of the value (`${customer.id}`) put in, each as `encode`
 * has it. Throws `DataError` where a record has no such part.
 */
export function filled(template: string, record: SinkRecord, encode: (text: string) => string = String): string {
  return template.replaceAll(/\$\{([^}]+)\}/g, (_whole, name: string) => {
    const found = partOf(name, record);
    if (found === null || found === undefined) throw new DataError(`\${${name}}: ${placeOf(record)} has none`);
    return encode(typeof found === 'object' ? jsonText(null, found) : String(found));
  });
}

function partOf(name: string, record: SinkRecord): unknown {
  switch (name) {
    case 'topic':
      return record.topic;
    case 'partition':
      return record.originalPartition;
    case 'offset':
      return record.originalOffset;
    case 'key':
      return record.key instanceof Uint8Array ? Buffer.from(record.key).toString() : record.key;
    default: {
      let found: unknown = record.value;
      for (const field of name.split('.'))
        found =
          typeof found === 'object' && found !== null && Object.hasOwn(found, field)
            ? (found as Record<string, unknown>)[field]
            : undefined;
      return found;
    }
  }
}
