// What a request says: filled in from the version before and from the configuration, its references looked up, parsed;
// and whether that is a schema that is there already.
import { type ParsedSchema, parseSchema, type ResolvedReference } from '../schemas/index.ts';
import type { SchemaReference } from '../serde/index.ts';
import { invalidSchema } from './errors.ts';
import { guidOf, type SchemaContent } from './guid.ts';
import {
  hasVersionProperty,
  type Metadata,
  mergeMetadata,
  mergeRuleSets,
  type RuleSet,
  withoutVersionProperty,
  withVersionProperty,
} from './metadata.ts';
import type { StoredSchema } from './storage/schema-records.ts';
import type { SchemaStore } from './storage/store.ts';
import type { SubjectConfig } from './subject-config.ts';
import { contextOf, referencedSubject } from './subject-name.ts';
import { retagged, type SchemaTags, withTagsOf } from './tags.ts';

/** What a client sends to register, look up or check a schema. */
export interface SchemaRequest {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly SchemaReference[];
  readonly metadata?: Metadata;
  readonly ruleSet?: RuleSet;
  /** Store and compare the normalized text; else as configured. */
  readonly normalize?: boolean;
  /** Tags that are written into the text, and those that are taken out of it. */
  readonly tagsToAdd?: readonly SchemaTags[];
  readonly tagsToRemove?: readonly SchemaTags[];
  /** Elements keep the tags that they have in the version before. */
  readonly propagateTags?: boolean;
  /** The version before, where its tags are to be kept. */
  readonly tagsFrom?: string;
  /** Registers without asking what the earlier versions are compatible with. */
  readonly force?: boolean;
  /** Only in IMPORT mode. */
  readonly id?: number;
  readonly version?: number;
}

/** A request that has been read: what would be stored, and how it compares. */
export interface Candidate extends SchemaContent {
  readonly parsed: ParsedSchema;
}

/** All texts behind the references of a schema: the same large one may be referred to under any number of names. */
const REFERENCED_CHARS_MAX = 50_000_000;
/** How much text is kept parsed for the next comparison: ten thousand schemas of the usual size. */
const PARSED_CHARS_MAX = 8_000_000;

export class SchemaReader {
  readonly #store: SchemaStore;
  /** By context and GUID: what a schema's references mean depends on its context. */
  readonly #parsed = new Map<string, ParsedSchema>();
  #parsedChars = 0;

  constructor(store: SchemaStore) {
    this.#store = store;
  }

  read(subject: string, request: SchemaRequest, config: SubjectConfig): Candidate {
    const references = request.references ?? [];
    const type = request.schemaType ?? 'AVRO';
    const resolved = this.#resolve(references, subject);
    const isStrict = config.validateNewSchemas ?? true;
    const parsed = withTags(parseSchema(type, request.schema, resolved, { isStrict }), request, resolved);
    const isNormalized = request.normalize ?? config.normalize ?? false;
    const reserved =
      parsed.schemaType === 'JSON' ? parsed.fieldNames?.find((name) => name.startsWith('$$')) : undefined;
    if (config.validateFields === true && reserved !== undefined) {
      throw invalidSchema(`The property name ${reserved} starts with $$, which is reserved`);
    }
    return {
      parsed,
      schema: isNormalized ? parsed.normalized : parsed.canonical,
      references,
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      ...(request.ruleSet === undefined ? {} : { ruleSet: request.ruleSet }),
    };
  }

  /** The newest version that the request means: as it is, or with what it would be filled in with. */
  sameAs(
    subject: string,
    request: SchemaRequest,
    config: SubjectConfig,
    includeDeleted = false,
  ): StoredSchema | undefined {
    const own = this.read(subject, request, config);
    const same = this.newestSame(subject, own, includeDeleted);
    if (same !== undefined || (request.metadata !== undefined && request.ruleSet !== undefined)) return same;
    const { metadata, ruleSet } = filledIn(request, config, this.#store.versions(subject, includeDeleted).at(-1), 0);
    return this.newestSame(subject, { ...own, metadata, ruleSet }, includeDeleted);
  }

  newestSame(subject: string, candidate: Candidate, includeDeleted = false): StoredSchema | undefined {
    return this.#store
      .candidates(subject, candidate.schema)
      .findLast((schema) => (includeDeleted || !schema.deleted) && this.isSame(schema, candidate));
  }

  isSame(stored: StoredSchema, candidate: Candidate): boolean {
    return (
      stored.schemaType === candidate.parsed.schemaType &&
      (this.#isSameText(stored, candidate) || this.#isInlined(stored, candidate)) &&
      extrasOf(stored) === extrasOf(candidate)
    );
  }

  #isSameText(stored: StoredSchema, candidate: Candidate): boolean {
    return (
      stored.schema === candidate.schema &&
      this.#referencesText(stored.references, stored.subject) ===
        this.#referencesText(candidate.references, stored.subject)
    );
  }

  /** An Avro writer sends the schema of its records whole: the same as the one that was registered with references. */
  #isInlined(stored: StoredSchema, candidate: Candidate): boolean {
    if (stored.schemaType !== 'AVRO' || stored.references.length === 0 || candidate.references.length > 0) return false;
    return this.parsedOf(stored).inFormat?.('resolved') === candidate.parsed.canonical;
  }

  #referencesText(references: readonly SchemaReference[], parent: string): string {
    const texts = references.map(({ name, subject, version }) => {
      const target = referencedSubject(subject, parent);
      return [name, target, version === -1 ? this.#store.versions(target).at(-1)?.version : version];
    });
    return JSON.stringify(texts);
  }

  /** The texts behind references, dependencies first, each name once. */
  #resolve(
    references: readonly SchemaReference[],
    parent: string,
    seen = { names: new Set<string>(), chars: 0 },
  ): ResolvedReference[] {
    return references.flatMap((reference) => {
      if (seen.names.has(reference.name)) return [];
      seen.names.add(reference.name);
      const subject = referencedSubject(reference.subject, parent);
      const found =
        reference.version === -1
          ? this.#store.versions(subject).at(-1)
          : this.#store.versions(subject, true).find((schema) => schema.version === reference.version);
      if (found === undefined) {
        throw invalidSchema(
          `Invalid schema, details: No schema reference found for subject "${reference.subject}" and version ${reference.version}`,
        );
      }
      seen.chars += found.schema.length;
      if (seen.chars > REFERENCED_CHARS_MAX) {
        throw invalidSchema(
          `Invalid schema, details: its references have more than ${REFERENCED_CHARS_MAX} characters`,
        );
      }
      return [...this.#resolve(found.references, found.subject, seen), { ...reference, schema: found.schema }];
    });
  }

  parsedOf(stored: StoredSchema): ParsedSchema {
    // What a reference to the latest version means changes with time.
    if (stored.references.some(({ version }) => version === -1)) return this.#parse(stored);
    const key = `${contextOf(stored.subject)} ${stored.schemaType} ${stored.guid}`;
    let parsed = this.#parsed.get(key);
    if (parsed === undefined) {
      parsed = this.#parse(stored);
      this.#parsed.set(key, parsed);
      this.#parsedChars += parsed.canonical.length;
      for (const [oldest, { canonical }] of this.#parsed) {
        if (this.#parsedChars <= PARSED_CHARS_MAX) break;
        this.#parsed.delete(oldest);
        this.#parsedChars -= canonical.length;
      }
    }
    return parsed;
  }

  #parse({ schemaType, schema, references, subject }: StoredSchema): ParsedSchema {
    return parseSchema(schemaType, schema, this.#resolve(references, subject), { isStrict: false });
  }
}

/** What the request leaves out comes from the version before and from the configuration. */
export function filledIn(
  request: SchemaRequest,
  config: SubjectConfig,
  previous: StoredSchema | undefined,
  newVersion: number,
): SchemaRequest {
  const { schema, schemaType, references } =
    request.schema.trim() === '' && previous !== undefined ? previous : request;
  const merged = mergeMetadata(
    mergeMetadata(config.defaultMetadata, request.metadata ?? previous?.metadata),
    config.overrideMetadata,
  );
  const isNumbered = hasVersionProperty(merged) || (request.version !== undefined && request.version > 0);
  const metadata = isNumbered ? withVersionProperty(merged, newVersion) : merged;
  const ruleSet = mergeRuleSets(
    mergeRuleSets(config.defaultRuleSet, request.ruleSet ?? previous?.ruleSet),
    config.overrideRuleSet,
  );
  return {
    schema,
    ...(schemaType === undefined ? {} : { schemaType }),
    ...(references === undefined ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(request.normalize === undefined ? {} : { normalize: request.normalize }),
    ...(request.tagsToAdd === undefined ? {} : { tagsToAdd: request.tagsToAdd }),
    ...(request.tagsToRemove === undefined ? {} : { tagsToRemove: request.tagsToRemove }),
    ...(request.propagateTags && previous?.schemaType === (schemaType ?? 'AVRO') ? { tagsFrom: previous.schema } : {}),
  };
}

export function changesTags({ tagsToAdd = [], tagsToRemove = [], propagateTags = false }: SchemaRequest): boolean {
  return propagateTags || tagsToAdd.length > 0 || tagsToRemove.length > 0;
}

function withTags(
  own: ParsedSchema,
  { tagsFrom, tagsToAdd = [], tagsToRemove = [] }: SchemaRequest,
  resolved: readonly ResolvedReference[],
): ParsedSchema {
  const { schemaType, canonical } = own;
  const kept = tagsFrom === undefined ? canonical : withTagsOf(schemaType, canonical, tagsFrom);
  const text =
    tagsToAdd.length + tagsToRemove.length === 0 ? kept : retagged(schemaType, kept, tagsToAdd, tagsToRemove);
  return text === canonical ? own : parseSchema(schemaType, text, resolved, { isStrict: false });
}

export function addsToSchemas(config: SubjectConfig): boolean {
  const { defaultMetadata, overrideMetadata, defaultRuleSet, overrideRuleSet } = config;
  return [defaultMetadata, overrideMetadata, defaultRuleSet, overrideRuleSet].some((added) => added !== undefined);
}

/** Metadata and rules as they count for sameness, in one text. */
function extrasOf({ metadata, ruleSet }: Pick<SchemaContent, 'metadata' | 'ruleSet'>): string {
  if (metadata === undefined && ruleSet === undefined) return '';
  const counted = withoutVersionProperty(metadata);
  if (counted === undefined && ruleSet === undefined) return '';
  return guidOf({ schema: '', references: [], metadata: counted, ruleSet });
}
