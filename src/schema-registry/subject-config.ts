// What can be configured for a subject, a context, or everything: read from requests, kept as the original does.
import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from './compatibility-levels.ts';
import { invalidCompatibilityLevel, invalidSchema, malformedRequest, RegistryError } from './errors.ts';
import { type Metadata, readMetadata, readRuleSet, type RuleSet } from './metadata.ts';

export interface SubjectConfig {
  readonly compatibilityLevel?: CompatibilityLevel;
  /** Another subject that requests for this one mean. */
  readonly alias?: string;
  readonly normalize?: boolean;
  readonly validateFields?: boolean;
  readonly validateNewSchemas?: boolean;
  readonly validateRules?: boolean;
  readonly compatibilityPolicy?: 'STRICT' | 'LENIENT';
  /** A metadata property: only versions that agree on it are compared. */
  readonly compatibilityGroup?: string;
  readonly defaultMetadata?: Metadata;
  readonly overrideMetadata?: Metadata;
  readonly defaultRuleSet?: RuleSet;
  readonly overrideRuleSet?: RuleSet;
}

/** Members that are left out stay as they are; a null removes. */
export type ConfigUpdate = { readonly [member in keyof SubjectConfig]: SubjectConfig[member] | null };

type Json = Readonly<Record<string, unknown>>;

const READERS: { readonly [member in keyof SubjectConfig]-?: (value: unknown, name: string) => SubjectConfig[member] } =
  {
    compatibilityLevel: (value, name) => {
      const level = text(value, name).toUpperCase() as CompatibilityLevel;
      if (!COMPATIBILITY_LEVELS.includes(level)) throw invalidCompatibilityLevel();
      return level;
    },
    alias: text,
    normalize: flag,
    validateFields: flag,
    validateNewSchemas: flag,
    validateRules: flag,
    compatibilityPolicy: (value, name) => {
      const policy = text(value, name).toUpperCase();
      if (policy !== 'STRICT' && policy !== 'LENIENT') {
        throw invalidSchema(
          `The compatibility policy ${policy} is not supported by this registry, only STRICT and LENIENT`,
        );
      }
      return policy;
    },
    compatibilityGroup: text,
    defaultMetadata: readMetadata,
    overrideMetadata: readMetadata,
    defaultRuleSet: readRuleSet,
    overrideRuleSet: readRuleSet,
  };

/** What a request may configure. */
export const CONFIG_MEMBERS: readonly string[] = Object.keys(READERS).map((name) =>
  name === 'compatibilityLevel' ? 'compatibility' : name,
);

/** In requests the level is called `compatibility`. */
export function readConfigUpdate(body: Json): ConfigUpdate {
  const update: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const member = name === 'compatibility' ? 'compatibilityLevel' : name;
    const read = Object.hasOwn(READERS, member) ? READERS[member as keyof SubjectConfig] : undefined;
    if (read === undefined) throw invalidSchema(`The config member ${name} is not supported by this registry`);
    update[member] = value === null ? null : read(value, name);
  }
  return update;
}

/**
 * A configuration as a record of the log has it. Members of other versions are kept as they are, so that they survive a
 * change made here; a value that means nothing here is left out, and the default holds. Nulls are absent.
 */
export function configFromRecord(value: Json): SubjectConfig {
  const config: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === 'subject' || member === null) continue;
    const read = Object.hasOwn(READERS, name) ? READERS[name as keyof SubjectConfig] : undefined;
    try {
      config[name] = read === undefined ? member : read(member, name);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
    }
  }
  return config;
}

export function updatedConfig(config: SubjectConfig, update: ConfigUpdate): SubjectConfig {
  const members = Object.entries({ ...config, ...update }).filter(([, value]) => value !== null);
  return Object.fromEntries(members) as SubjectConfig;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformedRequest(`The config member ${name} is a string`);
  return value;
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw malformedRequest(`The config member ${name} is true or false`);
  return value;
}
