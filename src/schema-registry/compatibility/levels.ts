// Which earlier versions a schema is compared with, in which direction, and how the findings read.
import type { ParsedSchema } from '../providers.ts';

export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

/** One difference that breaks a reader, as a provider found it. `{reader}` and `{writer}` stand for "new" or "old". */
export interface Incompatibility {
  readonly errorType: string;
  readonly description: string;
  readonly additionalInfo?: string;
}

export interface EarlierVersion {
  readonly version: number;
  readonly schema: ParsedSchema;
}

/** The original registry shows an old schema in a message only up to this length. */
const OLD_SCHEMA_CHARS_MAX = 10 * 1024;

/**
 * The messages that a registration would be refused with; empty when it is compatible. `earlier` is ordered from the
 * oldest to the newest version. Transitive levels stop at the first version with findings.
 */
export function checkCompatibility(
  level: CompatibilityLevel,
  schema: ParsedSchema,
  earlier: readonly EarlierVersion[],
): string[] {
  if (level === 'NONE' || earlier.length === 0) return [];
  const newestFirst = earlier.toReversed();
  const compared = level.endsWith('_TRANSITIVE') ? newestFirst : newestFirst.slice(0, 1);
  for (const { version, schema: old } of compared) {
    const messages = messagesAgainst(level, schema, old);
    if (messages.length === 0) continue;
    messages.push(
      `{oldSchemaVersion: ${version}}`,
      old.canonical.length > OLD_SCHEMA_CHARS_MAX
        ? `{oldSchema: <truncated> '${old.canonical.slice(0, OLD_SCHEMA_CHARS_MAX)}...'}`
        : `{oldSchema: '${old.canonical}'}`,
      `{validateFields: 'false', compatibility: '${level}'}`,
    );
    return messages;
  }
  return [];
}

function messagesAgainst(level: CompatibilityLevel, schema: ParsedSchema, old: ParsedSchema): string[] {
  if (schema.schemaType !== old.schemaType) return ['Incompatible because of different schema type'];
  const messages: string[] = [];
  if (!level.startsWith('FORWARD')) {
    messages.push(...schema.incompatibilitiesReading(old).map((found) => format(schema, found, 'new', 'old')));
  }
  if (!level.startsWith('BACKWARD')) {
    messages.push(...old.incompatibilitiesReading(schema).map((found) => format(schema, found, 'old', 'new')));
  }
  return messages;
}

/** The original registry quotes differently for Avro than for the other languages. */
function format({ schemaType }: ParsedSchema, found: Incompatibility, reader: string, writer: string): string {
  const quote = schemaType === 'AVRO' ? "'" : '"';
  const description = found.description.replaceAll('{reader}', reader).replaceAll('{writer}', writer);
  const info = found.additionalInfo === undefined ? '' : `, additionalInfo:'${found.additionalInfo}'`;
  return `{errorType:${quote}${found.errorType}${quote}, description:${quote}${description}${quote}${info}}`;
}
