// Which earlier versions a schema is compared with, in which direction, and how the findings read.
import type { Metadata } from '../metadata.ts';
import type { ParsedSchema } from '../providers.ts';
import { type CompatibilityPolicy, describe } from './json-difference-types.ts';
import { reservedDifferences } from './reserved.ts';

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

export interface ComparedSchema {
  readonly schema: ParsedSchema;
  readonly metadata?: Metadata | undefined;
}

export interface EarlierVersion extends ComparedSchema {
  readonly version: number;
}

export interface CompatibilitySettings {
  readonly level: CompatibilityLevel;
  readonly policy: CompatibilityPolicy;
  /** Names that are reserved in the metadata stay free. */
  readonly validateFields: boolean;
}

/** The original registry shows an old schema in a message only up to this length. */
const OLD_SCHEMA_CHARS_MAX = 10 * 1024;

/**
 * The messages that a registration would be refused with; empty when it is compatible. `earlier` is ordered from the
 * oldest to the newest version. Transitive levels stop at the first version with findings.
 */
export function checkCompatibility(
  settings: CompatibilitySettings,
  updated: ComparedSchema,
  earlier: readonly EarlierVersion[],
): string[] {
  const { level, validateFields } = settings;
  if (level === 'NONE' || earlier.length === 0) return [];
  const newestFirst = earlier.toReversed();
  const compared = level.endsWith('_TRANSITIVE') ? newestFirst : newestFirst.slice(0, 1);
  for (const old of compared) {
    const messages = messagesAgainst(settings, updated, old);
    if (messages.length === 0) continue;
    const { canonical } = old.schema;
    messages.push(
      `{oldSchemaVersion: ${old.version}}`,
      canonical.length > OLD_SCHEMA_CHARS_MAX
        ? `{oldSchema: <truncated> '${canonical.slice(0, OLD_SCHEMA_CHARS_MAX)}...'}`
        : `{oldSchema: '${canonical}'}`,
      `{validateFields: '${validateFields}', compatibility: '${level}'}`,
    );
    return messages;
  }
  return [];
}

function messagesAgainst(settings: CompatibilitySettings, updated: ComparedSchema, earlier: ComparedSchema): string[] {
  const { level, policy, validateFields } = settings;
  const { schema } = updated;
  const old = earlier.schema;
  if (schema.schemaType !== old.schemaType) return ['Incompatible because of different schema type'];
  const messages: string[] = [];
  if (!level.startsWith('FORWARD')) {
    messages.push(...schema.incompatibilitiesReading(old, policy).map((found) => format(schema, found, 'new', 'old')));
  }
  if (!level.startsWith('BACKWARD')) {
    messages.push(...old.incompatibilitiesReading(schema, policy).map((found) => format(schema, found, 'old', 'new')));
  }
  if (validateFields) {
    const conflicts = reservedDifferences(earlier.metadata, updated.metadata, schema.fieldNames ?? []);
    for (const { type, path } of conflicts) {
      messages.push(format(schema, { errorType: type, description: describe(type, path) }, 'new', 'old'));
    }
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
