// Compatibility, explained: each finding of a check as a sentence with an advice, and what else would accept the schema.
import type { ParsedSchema } from '../../schemas/index.ts';
import { type Check, type Comparison, type Finding, refusalOf } from '../compatibility.ts';
import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '../compatibility-levels.ts';
import type { SchemaType } from '../../serde/index.ts';
import { type Rule, RULES } from './advice.ts';

export interface Explanation {
  readonly errorType: string;
  /** As the schema's users call it: `orders.Address.street`. */
  readonly path: string;
  /** The earlier version that the schema does not get along with. */
  readonly version: number;
  /** What is violated: BACKWARD when new readers fail on old records, FORWARD when old readers fail on new ones. */
  readonly level: 'BACKWARD' | 'FORWARD';
  readonly reason: string;
  readonly advice: string;
}

/** Another way to get the schema in. */
export interface Remedy {
  readonly kind: 'COMPATIBILITY_LEVEL' | 'COMPATIBILITY_POLICY' | 'COMPATIBILITY_GROUP' | 'NEW_SUBJECT';
  /** What to set it to, where there is something to set. */
  readonly value?: string;
  readonly description: string;
}

/** Why the update would be refused; empty when it would not. */
export function explanationsOf(comparison: Comparison): Explanation[] {
  const refusal = refusalOf(comparison);
  if (refusal === undefined) return [];
  const { version } = refusal.version;
  return explanations(refusal.findings, comparison.updated.schema.schemaType, version, 'the new schema');
}

/** Each reason once: a type that is used in many places breaks in all of them. `update` is what the newer schema is called. */
export function explanations(
  findings: readonly Finding[],
  language: SchemaType,
  version: number,
  update: string,
): Explanation[] {
  const all = new Map<string, Explanation>();
  for (const finding of findings) {
    for (const cause of finding.causes?.() ?? [finding]) {
      const explained = explain({ ...cause, violates: finding.violates }, language, version, update);
      all.set(`${explained.errorType} ${explained.path} ${explained.reason}`, explained);
    }
  }
  return [...all.values()];
}

function explain(finding: Finding, language: SchemaType, version: number, update: string): Explanation {
  const { errorType, violates, additionalInfo } = finding;
  const place = finding.place();
  const rule = ruleFor(errorType, language);
  const isNewReader = violates === 'BACKWARD';
  const old = `version ${version}`;
  const [reader, writer] = isNewReader ? [update, old] : [old, update];
  const name = place.path.split('.').at(-1)!;
  const texts: Readonly<Record<string, string>> = {
    at: place.path === '' ? 'the whole record' : `\`${place.path}\``,
    name,
    old,
    keyword: place.keyword ?? 'the constraint',
    info: (additionalInfo ?? '').replace(/^\[(.*)\]$/, '$1'),
    has: shown(place.reader) ?? 'what the reading schema has there',
    had: shown(place.writer) ?? 'something else',
    was: shown(isNewReader ? place.writer : place.reader) ?? 'what it was',
    default: sampleDefault(place.reader ?? ''),
    constraints:
      place.reader === undefined || place.writer === undefined
        ? ''
        : ` (${shown(place.reader)} there, ${shown(place.writer)} in the writing schema)`,
  };
  const fill = (template: string) => template.replace(/\{(\w+)\}/g, (whole, key: string) => texts[key] ?? whole);
  return {
    errorType,
    path: place.path,
    version,
    level: violates,
    reason: `consumers with ${reader} can't read records written with ${writer}, ${fill(rule.because)}`,
    advice: fill(isNewReader ? rule.asReader : rule.asWriter),
  };
}

function ruleFor(errorType: string, language: SchemaType): Rule {
  const rules = [...RULES.ANY, ...RULES[language], ...RULES.JSON];
  return rules.find(({ types }) => types.test(errorType)) ?? rules.at(-1)!;
}

function shown(type: string | undefined): string | undefined {
  return type !== undefined && type.length > 100 ? `${type.slice(0, 100)}…` : type;
}

/** A default as one writes it into an Avro schema for a field of this type. */
function sampleDefault(type: string): string {
  const first = type.split(' | ')[0]!;
  const kind = first.replace(/[<: ].*$/s, '');
  const samples: Readonly<Record<string, string>> = {
    null: 'null',
    boolean: 'false',
    int: '0',
    long: '0',
    float: '0',
    double: '0',
    string: '""',
    bytes: '""',
    array: '[]',
    map: '{}',
  };
  const sample = samples[kind];
  const nullable = 'make it a union with null and "default": null';
  if (sample === undefined) return nullable;
  return sample === 'null' ? '"default": null' : `"default": ${sample} (or ${nullable})`;
}

// ── What else would do ────────────────────────────────────────────────────────────────────────────────────────────

/** Each one has been tried: with it the schema would be accepted. */
export function remediesFor(comparison: Comparison, group: string | undefined): Remedy[] {
  const { settings } = comparison;
  const check = checkedOnce();
  if (refusalOf(comparison, check) === undefined) return [];
  const accepts = (changes: Partial<Comparison['settings']>) =>
    refusalOf({ ...comparison, settings: { ...settings, ...changes } }, check) === undefined;
  const remedies: Remedy[] = [];
  for (const level of acceptedLevels(settings.level, (level) => accepts({ level }))) {
    remedies.push({
      kind: 'COMPATIBILITY_LEVEL',
      value: level,
      description:
        level === 'NONE'
          ? 'no level but NONE accepts it, which checks nothing'
          : `it is compatible under ${level}${level.startsWith('FORWARD') ? ': update the producers first' : ''}`,
    });
  }
  if (settings.policy === 'STRICT' && accepts({ policy: 'LENIENT' })) {
    remedies.push({
      kind: 'COMPATIBILITY_POLICY',
      value: 'LENIENT',
      description: 'it is compatible with compatibilityPolicy LENIENT: nobody may send properties that are not listed',
    });
  }
  remedies.push({
    kind: 'COMPATIBILITY_GROUP',
    ...(group === undefined ? {} : { value: group }),
    description:
      group === undefined
        ? 'set compatibilityGroup to the name of a metadata property, and give the new schema a value for it: versions with another value are not compared'
        : `give the metadata property ${group} a new value: versions with another value are not compared`,
  });
  remedies.push({ kind: 'NEW_SUBJECT', description: 'register it under a new subject, for a new topic' });
  return remedies;
}

/** Levels are made of the same few comparisons, and a comparison may be dear. */
function checkedOnce(): Check {
  const known = new Map<string, ReturnType<Check>>();
  const numbers = new Map<ParsedSchema, number>();
  const numberOf = (schema: ParsedSchema) => {
    const number = numbers.get(schema) ?? numbers.size;
    numbers.set(schema, number);
    return number;
  };
  return (reader, writer, policy) => {
    const key = `${numberOf(reader)} ${numberOf(writer)} ${policy}`;
    const found = known.get(key) ?? reader.incompatibilitiesReading(writer, policy);
    known.set(key, found);
    return found;
  };
}

/** The strictest levels that accept: the transitive form of one stands for both. */
function acceptedLevels(
  current: CompatibilityLevel,
  accepts: (level: CompatibilityLevel) => boolean,
): CompatibilityLevel[] {
  const found: CompatibilityLevel[] = [];
  for (const level of COMPATIBILITY_LEVELS.toReversed()) {
    if (level === 'NONE' || level === current) continue;
    if (found.some((stricter) => stricter === `${level}_TRANSITIVE` || stricter.startsWith('FULL'))) continue;
    if (accepts(level)) found.push(level);
  }
  return found.length === 0 ? ['NONE'] : found;
}
