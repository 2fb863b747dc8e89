// The life of a registration: parse and print canonically (providers.ts) → the same schema in the subject already?
// answer it → the same text anywhere? reuse its id → compare with earlier versions (compatibility/levels.ts) → write to
// the log (store.ts) → answer once the log has been read back.
import type { Client } from '../client/index.ts';
import type { SchemaReference } from '../serde/index.ts';
import { checkCompatibility, COMPATIBILITY_LEVELS, type CompatibilityLevel } from './compatibility/levels.ts';
import {
  compatibilityNotConfigured,
  incompatibleSchema,
  invalidCompatibilityLevel,
  invalidMode,
  invalidSchema,
  invalidSubject,
  invalidVersion,
  modeNotConfigured,
  operationNotPermitted,
  referenceExists,
  schemaNotFound,
  subjectNotFound,
  subjectNotSoftDeleted,
  subjectSoftDeleted,
  versionNotFound,
  versionNotSoftDeleted,
  versionSoftDeleted,
} from './errors.ts';
import { type ParsedSchema, parseSchema, type ResolvedReference } from './providers.ts';
import { type Mode, SchemaStore, type StoredSchema, type SubjectConfig } from './store.ts';

/** What a client sends to register, look up or check a schema. */
export interface SchemaRequest {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly SchemaReference[];
  /** Only in IMPORT mode. */
  readonly id?: number;
  readonly version?: number;
}

const MODES: readonly Mode[] = ['READWRITE', 'READONLY', 'IMPORT', 'FORWARD'];
const MAX_VERSION = 2 ** 31 - 1;

export class SchemaRegistry {
  readonly #store: SchemaStore;
  /** Registrations and deletions run one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #parsed = new Map<number, ParsedSchema>();

  private constructor(store: SchemaStore) {
    this.#store = store;
  }

  /** Opens the registry on the `_schemas` topic of the client's broker, and has read all of it when it resolves. */
  static async open(client: Client): Promise<SchemaRegistry> {
    return new SchemaRegistry(await SchemaStore.open(client));
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    await this.#store.close();
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  subjects(options: { prefix?: string; deleted?: boolean; deletedOnly?: boolean } = {}): string[] {
    return [...this.#store.subjects.keys()]
      .filter((subject) => subject.startsWith(options.prefix ?? ''))
      .filter((subject) => {
        const live = this.#store.versions(subject).length > 0;
        return options.deletedOnly ? !live : live || options.deleted === true;
      })
      .sort();
  }

  /** One entry per subject and version. */
  schemas(options: { prefix?: string; deleted?: boolean; latestOnly?: boolean } = {}): StoredSchema[] {
    return this.subjects({
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
      deleted: true,
    }).flatMap((subject) => {
      const versions = this.#store.versions(subject, options.deleted);
      return options.latestOnly ? versions.slice(-1) : versions;
    });
  }

  versions(subject: string, options: { deleted?: boolean; deletedOnly?: boolean } = {}): number[] {
    const all = this.#store.versions(subject, true);
    const chosen = all.filter((s) => (options.deletedOnly ? s.deleted : options.deleted || !s.deleted));
    if (chosen.length === 0) throw subjectNotFound(subject);
    return chosen.map((schema) => schema.version);
  }

  /** `version`: a number as text, `latest` or `-1`. */
  version(subject: string, version: string, includeDeleted = false): StoredSchema {
    const wanted = parseVersion(version);
    const versions = this.#store.versions(subject, includeDeleted);
    if (versions.length === 0) throw subjectNotFound(subject);
    const found = wanted === 'latest' ? versions.at(-1) : versions.find((schema) => schema.version === wanted);
    if (found === undefined) throw versionNotFound(version);
    return found;
  }

  byId(id: number): StoredSchema {
    const found = this.#store.byId(id)[0];
    if (found === undefined) throw schemaNotFound(id);
    return found;
  }

  /** The subjects and versions that use the schema with this id. */
  usesOf(id: number, includeDeleted = false): StoredSchema[] {
    const uses = this.#store.byId(id).filter((schema) => includeDeleted || !schema.deleted);
    if (uses.length === 0) throw schemaNotFound();
    return uses;
  }

  /** The ids of live schemas that reference this one. */
  referencedBy(subject: string, version: string): number[] {
    const target = this.version(subject, version, true);
    return [...new Set(this.#referrers(target, false).map((schema) => schema.id))].sort((a, b) => a - b);
  }

  lookup(subject: string, request: SchemaRequest, includeDeleted = false): StoredSchema {
    const { parsed, references } = this.#parse(request);
    const versions = this.#store.versions(subject, true);
    if (versions.length === 0 || (!includeDeleted && versions.every((v) => v.deleted))) throw subjectNotFound(subject);
    const same = versions.findLast((v) => (includeDeleted || !v.deleted) && isSame(v, parsed, references));
    if (same === undefined) throw schemaNotFound();
    return same;
  }

  // ── Registering ─────────────────────────────────────────────────────────────────────────────────────────────────

  register(subject: string, request: SchemaRequest): Promise<StoredSchema> {
    return this.#inTurn(async () => {
      checkSubject(subject);
      const mode = this.mode(subject);
      if (mode === 'READONLY') throw operationNotPermitted(`Subject ${subject} in context . is in read-only mode`);
      const explicitId = request.id !== undefined && request.id >= 0 ? request.id : undefined;
      if (explicitId !== undefined && mode !== 'IMPORT') {
        throw operationNotPermitted(`Subject ${subject} in context . is not in import mode`);
      }
      if (explicitId === undefined && mode === 'IMPORT') {
        throw operationNotPermitted(`Subject ${subject} in context . is not in read-write mode`);
      }
      const { parsed, references } = this.#parse(request);
      const all = this.#store.versions(subject, true);
      const live = all.filter((schema) => !schema.deleted);
      const same = live.findLast((schema) => isSame(schema, parsed, references));
      if (same !== undefined && (explicitId === undefined || same.id === explicitId)) return same;

      if (mode !== 'IMPORT') {
        const messages = this.#incompatibilities(subject, parsed, live);
        if (messages.length > 0) throw incompatibleSchema(subject, messages);
      }
      const newVersion = (all.at(-1)?.version ?? 0) + 1;
      if (request.version !== undefined && request.version > 0 && mode !== 'IMPORT' && request.version !== newVersion) {
        throw invalidSchema('Version is not one more than previous version');
      }
      const version =
        mode === 'IMPORT' && request.version !== undefined && request.version > 0 ? request.version : newVersion;
      const id =
        explicitId ??
        this.#store.idOf({ schemaType: parsed.schemaType, schema: parsed.canonical, references }) ??
        this.#store.nextId();
      if (explicitId !== undefined) this.#guardImportedId(explicitId, parsed, references);
      const stored: StoredSchema = {
        subject,
        version,
        id,
        schemaType: parsed.schemaType,
        references,
        schema: parsed.canonical,
        deleted: false,
      };
      await this.#store.writeSchema(stored);
      return stored;
    });
  }

  /** The messages that registering would be refused with; empty when compatible. `against`: a version, or undefined for all that count. */
  compatibility(subject: string, request: SchemaRequest, against?: string): string[] {
    const { parsed } = this.#parse(request);
    const live = this.#store.versions(subject);
    if (against === undefined) return this.#incompatibilities(subject, parsed, live);
    const wanted = parseVersion(against);
    if (live.length === 0 && wanted === 'latest') return [];
    if (live.length === 0) throw subjectNotFound(subject);
    const version = wanted === 'latest' ? live.at(-1) : live.find((schema) => schema.version === wanted);
    if (version === undefined) throw versionNotFound(against);
    return this.#incompatibilities(subject, parsed, [version]);
  }

  // ── Deleting ────────────────────────────────────────────────────────────────────────────────────────────────────

  deleteSubject(subject: string, permanent: boolean): Promise<number[]> {
    return this.#inTurn(async () => {
      this.#checkWritable(subject);
      const all = this.#store.versions(subject, true);
      const live = all.filter((schema) => !schema.deleted);
      if (all.length === 0) throw subjectNotFound(subject);
      if (permanent) {
        if (live.length > 0) throw subjectNotSoftDeleted(subject);
        this.#refuseIfReferenced(all, true);
        for (const { version } of all) await this.#store.removeSchema(subject, version);
        await this.#store.writeConfig(subject, null);
        await this.#store.writeMode(subject, null);
        return all.map((schema) => schema.version);
      }
      if (live.length === 0) throw subjectSoftDeleted(subject);
      this.#refuseIfReferenced(live, false);
      await this.#store.deleteSubject(subject, live.at(-1)!.version);
      return live.map((schema) => schema.version);
    });
  }

  deleteVersion(subject: string, version: string, permanent: boolean): Promise<number> {
    return this.#inTurn(async () => {
      this.#checkWritable(subject);
      const found = this.version(subject, version, true);
      this.#refuseIfReferenced([found], permanent);
      if (permanent) {
        if (!found.deleted) throw versionNotSoftDeleted(subject, found.version);
        await this.#store.removeSchema(subject, found.version);
      } else {
        if (found.deleted) throw versionSoftDeleted(subject, found.version);
        await this.#store.writeSchema({ ...found, deleted: true });
      }
      return found.version;
    });
  }

  // ── Configuration ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The configuration in force: a subject's own merged over the global one over the default (BACKWARD). */
  config(subject: string | null): Required<Pick<SubjectConfig, 'compatibilityLevel'>> & SubjectConfig {
    const own = subject === null ? {} : (this.#store.configs.get(subject) ?? {});
    return { compatibilityLevel: 'BACKWARD', ...this.#store.configs.get(null), ...own };
  }

  ownConfig(subject: string): SubjectConfig {
    const own = this.#store.configs.get(subject);
    if (own === undefined) throw compatibilityNotConfigured(subject);
    return own;
  }

  setConfig(subject: string | null, config: { compatibility?: string; normalize?: boolean }): Promise<void> {
    return this.#inTurn(async () => {
      if (subject !== null) checkSubject(subject);
      const level = config.compatibility?.toUpperCase() as CompatibilityLevel | undefined;
      if (level !== undefined && !COMPATIBILITY_LEVELS.includes(level)) throw invalidCompatibilityLevel();
      await this.#store.writeConfig(subject, {
        ...this.#store.configs.get(subject),
        ...(level === undefined ? {} : { compatibilityLevel: level }),
        ...(config.normalize === undefined ? {} : { normalize: config.normalize }),
      });
    });
  }

  deleteConfig(subject: string | null): Promise<SubjectConfig> {
    return this.#inTurn(async () => {
      const old = this.#store.configs.get(subject);
      if (old === undefined && subject !== null) throw subjectNotFound(subject);
      await this.#store.writeConfig(subject, null);
      return old ?? this.config(null);
    });
  }

  mode(subject: string | null): Mode {
    return (
      (subject === null ? undefined : this.#store.modes.get(subject)) ?? this.#store.modes.get(null) ?? 'READWRITE'
    );
  }

  ownMode(subject: string): Mode {
    const own = this.#store.modes.get(subject);
    if (own === undefined) throw modeNotConfigured(subject);
    return own;
  }

  setMode(subject: string | null, mode: string, force: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const wanted = mode.toUpperCase() as Mode;
      if (!MODES.includes(wanted) || (wanted === 'FORWARD' && subject !== null)) throw invalidMode();
      if (wanted === 'IMPORT' && !force) {
        const inScope = subject === null ? this.subjects() : this.#store.versions(subject);
        if (inScope.length > 0) throw operationNotPermitted('Cannot import since found existing subjects');
      }
      await this.#store.writeMode(subject, wanted);
    });
  }

  deleteMode(subject: string): Promise<Mode> {
    return this.#inTurn(async () => {
      const old = this.#store.modes.get(subject);
      if (old === undefined) throw subjectNotFound(subject);
      await this.#store.writeMode(subject, null);
      return old;
    });
  }

  // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #parse(request: SchemaRequest): { parsed: ParsedSchema; references: readonly SchemaReference[] } {
    const references = request.references ?? [];
    const parsed = parseSchema(request.schemaType ?? 'AVRO', request.schema, this.#resolve(references));
    return { parsed, references };
  }

  /** The texts behind references, dependencies first, each name once. */
  #resolve(references: readonly SchemaReference[], seen = new Set<string>()): ResolvedReference[] {
    return references.flatMap((reference) => {
      if (seen.has(reference.name)) return [];
      seen.add(reference.name);
      const found = this.#store
        .versions(reference.subject, true)
        .find((schema) => reference.version === -1 || schema.version === reference.version);
      if (found === undefined) {
        throw invalidSchema(
          `Invalid schema, details: No schema reference found for subject "${reference.subject}" and version ${reference.version}`,
        );
      }
      return [...this.#resolve(found.references, seen), { ...reference, schema: found.schema }];
    });
  }

  #parsedOf(stored: StoredSchema): ParsedSchema {
    let parsed = this.#parsed.get(stored.id);
    if (parsed === undefined) {
      parsed = parseSchema(stored.schemaType, stored.schema, this.#resolve(stored.references));
      this.#parsed.set(stored.id, parsed);
    }
    return parsed;
  }

  #incompatibilities(subject: string, parsed: ParsedSchema, earlier: readonly StoredSchema[]): string[] {
    const versions = earlier.map((schema) => ({ version: schema.version, schema: this.#parsedOf(schema) }));
    return checkCompatibility(this.config(subject).compatibilityLevel, parsed, versions);
  }

  #guardImportedId(id: number, parsed: ParsedSchema, references: readonly SchemaReference[]): void {
    const existing = this.#store.byId(id)[0];
    if (existing !== undefined && !isSame(existing, parsed, references)) {
      throw operationNotPermitted(`Overwrite new schema with id ${id} in context . is not permitted.`);
    }
  }

  #checkWritable(subject: string): void {
    if (this.mode(subject) === 'READONLY') {
      throw operationNotPermitted(`Subject ${subject} in context . is in read-only mode`);
    }
  }

  #referrers(target: StoredSchema, includeDeleted: boolean): StoredSchema[] {
    return this.schemas({ deleted: includeDeleted }).filter((schema) =>
      schema.references.some((r) => r.subject === target.subject && r.version === target.version),
    );
  }

  #refuseIfReferenced(schemas: readonly StoredSchema[], includeDeleted: boolean): void {
    for (const schema of schemas) {
      if (this.#referrers(schema, includeDeleted).length > 0) throw referenceExists(schema.subject, schema.version);
    }
  }
}

function isSame(stored: StoredSchema, parsed: ParsedSchema, references: readonly SchemaReference[]): boolean {
  return (
    stored.schema === parsed.canonical &&
    stored.schemaType === parsed.schemaType &&
    JSON.stringify(stored.references) === JSON.stringify(references)
  );
}

function parseVersion(text: string): number | 'latest' {
  if (text === 'latest' || text === '-1') return 'latest';
  const version = Number(text);
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION) throw invalidVersion(text);
  return version;
}

/** Subjects in a context (`:.context:subject`) would share a name space that this registry does not have. */
function checkSubject(subject: string): void {
  const hasControlCharacter = [...subject].some((character) => character.charCodeAt(0) < 0x20);
  if (subject === '' || hasControlCharacter || subject === '__GLOBAL' || subject === '__EMPTY')
    throw invalidSubject(subject);
  if (subject.startsWith(':.')) {
    throw operationNotPermitted(`Subject ${subject}: contexts are not supported by this registry`);
  }
}
