// Which earlier versions a schema is compared with, in which direction, and how the findings read.
import {
  type ParsedSchema,
  type Incompatibility,
  type CompatibilityPolicy,
  describe,
  jsonPlace,
} from '../schemas/index.ts';
import type { CompatibilityLevel } from './compatibility-levels.ts';
import type { Metadata } from './metadata.ts';
import { reservedDifferences } from './reserved.ts';

/** What breaks whom: readers with the new schema (a violation of BACKWARD), or readers with the old one (of FORWARD). */
export interface Finding extends Incompatibility {
  readonly violates: 'BACKWARD' | 'FORWARD';
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

export interface Comparison {
  readonly settings: CompatibilitySettings;
  readonly updated: ComparedSchema;
  /** From the oldest to the newest version. */
  readonly earlier: readonly EarlierVersion[];
}

/** The first version, from the newest, that stands against an update. */
export interface Refusal {
  readonly version: EarlierVersion;
  readonly findings: readonly Finding[];
}

export const SCHEMA_TYPE_CHANGED = 'SCHEMA_TYPE_CHANGED';
/** The original registry shows an old schema in a message only up to this length. */
const OLD_SCHEMA_CHARS_MAX = 10 * 1024;

/** Finds why `reader` can't read what `writer` wrote. */
export type Check = (reader: ParsedSchema, writer: ParsedSchema, policy: CompatibilityPolicy) => Incompatibility[];

const check: Check = (reader, writer, policy) => reader.incompatibilitiesReading(writer, policy);

/** Transitive levels stop at the first version with findings. */
export function refusalOf({ settings, updated, earlier }: Comparison, incompatibilities = check): Refusal | undefined {
  const { level } = settings;
  if (level === 'NONE') return undefined;
  const newestFirst = earlier.toReversed();
  const compared = level.endsWith('_TRANSITIVE') ? newestFirst : newestFirst.slice(0, 1);
  for (const version of compared) {
    const findings = findingsAgainst(settings, updated, version, incompatibilities);
    if (findings.length > 0) return { version, findings };
  }
  return undefined;
}

/** The messages that a registration would be refused with, in the original registry's form; empty when it is compatible. */
export function checkCompatibility(comparison: Comparison): string[] {
  const refusal = refusalOf(comparison);
  if (refusal === undefined) return [];
  const { level, validateFields } = comparison.settings;
  const { canonical } = refusal.version.schema;
  return [
    ...refusal.findings.map((finding) => format(comparison.updated.schema, finding)),
    `{oldSchemaVersion: ${refusal.version.version}}`,
    canonical.length > OLD_SCHEMA_CHARS_MAX
      ? `{oldSchema: <truncated> '${canonical.slice(0, OLD_SCHEMA_CHARS_MAX)}...'}`
      : `{oldSchema: '${canonical}'}`,
    `{validateFields: '${validateFields}', compatibility: '${level}'}`,
  ];
}

function findingsAgainst(
  settings: CompatibilitySettings,
  updated: ComparedSchema,
  earlier: ComparedSchema,
  incompatibilities: Check,
): Finding[] {
  const { level, policy, validateFields } = settings;
  const { schema } = updated;
  const old = earlier.schema;
  if (schema.schemaType !== old.schemaType) {
    const place = () => ({ path: '', reader: schema.schemaType, writer: old.schemaType });
    const description = 'Incompatible because of different schema type';
    return [{ errorType: SCHEMA_TYPE_CHANGED, description, place, violates: 'BACKWARD' }];
  }
  const findings: Finding[] = [];
  const add = (violates: Finding['violates'], found: readonly Incompatibility[]) => {
    for (const one of found) findings.push({ ...one, violates });
  };
  if (!level.startsWith('BACKWARD')) add('FORWARD', incompatibilities(old, schema, policy));
  if (!level.startsWith('FORWARD')) add('BACKWARD', incompatibilities(schema, old, policy));
  if (validateFields) {
    const conflicts = reservedDifferences(earlier.metadata, updated.metadata, schema.fieldNames ?? []);
    add(
      'BACKWARD',
      conflicts.map(({ type, path }) => ({
        errorType: type,
        description: describe(type, path),
        place: () => jsonPlace(path),
      })),
    );
  }
  return findings;
}

/** The original registry quotes differently for Avro than for the other languages. */
function format({ schemaType }: ParsedSchema, found: Finding): string {
  if (found.errorType === SCHEMA_TYPE_CHANGED) return found.description;
  const [reader, writer] = found.violates === 'BACKWARD' ? ['new', 'old'] : ['old', 'new'];
  const quote = schemaType === 'AVRO' ? "'" : '"';
  const description = found.description.replaceAll('{reader}', reader!).replaceAll('{writer}', writer!);
  const info = found.additionalInfo === undefined ? '' : `, additionalInfo:'${found.additionalInfo}'`;
  return `{errorType:${quote}${found.errorType}${quote}, description:${quote}${description}${quote}${info}}`;
}
