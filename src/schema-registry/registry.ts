// The life of a registration: fill in, parse and print canonically (schema-reader.ts, providers.ts) → the same schema in
// the subject already? answer it → the same content anywhere in the context? reuse its id → compare with earlier versions
// (compatibility/levels.ts) → write to the log (storage/store.ts) → answer once the log has been read back.
import type { ParsedSchema } from '../schemas/index.ts';
import type { Client } from '../client/index.ts';
import { type Environment, systemEnvironment } from '../util/index.ts';
import { checkMode, checkSubject, COPY_MODES, isReadOnly, notPermittedNow, parseVersion } from './checks.ts';
import { checkCompatibility, type Comparison, type EarlierVersion } from './compatibility.ts';
import type { CompatibilityLevel } from './compatibility-levels.ts';
import {
  compatibilityNotConfigured,
  contextNotEmpty,
  idDoesNotMatch,
  incompatibleSchema,
  invalidMode,
  invalidSchema,
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
import { guidOf } from './guid.ts';
import type { Metadata } from './metadata.ts';
import {
  addsToSchemas,
  type Candidate,
  changesTags,
  filledIn,
  SchemaReader,
  type SchemaRequest,
} from './schema-reader.ts';
import { type Mode, MODES, type StoredSchema } from './storage/schema-records.ts';
import { SchemaStore } from './storage/store.ts';
import { type ConfigUpdate, type SubjectConfig, updatedConfig } from './subject-config.ts';
import {
  contextOf,
  DEFAULT_CONTEXT,
  hasPrefix,
  plainSubject,
  qualify,
  referencedSubject,
  scopeOf,
  scopesOf,
  splitSubject,
} from './subject-name.ts';

/** Parsed only when it is compared: most levels look at the latest version only. */
class ComparedVersion implements EarlierVersion {
  readonly #stored: StoredSchema;
  readonly #reader: SchemaReader;

  constructor(stored: StoredSchema, reader: SchemaReader) {
    this.#stored = stored;
    this.#reader = reader;
  }

  get version(): number {
    return this.#stored.version;
  }

  get metadata(): Metadata | undefined {
    return this.#stored.metadata;
  }

  get schema(): ParsedSchema {
    return this.#reader.parsedOf(this.#stored);
  }
}

/** A schema that somebody thinks of registering. */
export interface Proposal {
  readonly subject: string;
  readonly candidate: Candidate;
  readonly latest: StoredSchema | undefined;
  readonly comparison: Comparison;
}

export interface RegistryOptions {
  /** Default `_schemas`. */
  readonly topic?: string;
  /** Where no configuration says it. Default BACKWARD. */
  readonly compatibilityLevel?: CompatibilityLevel;
  readonly environment?: Environment;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
}

export class SchemaRegistry {
  readonly #store: SchemaStore;
  readonly #defaultLevel: CompatibilityLevel;
  /** Registrations and deletions run one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #reader: SchemaReader;

  private constructor(store: SchemaStore, defaultLevel: CompatibilityLevel) {
    this.#store = store;
    this.#defaultLevel = defaultLevel;
    this.#reader = new SchemaReader(store);
  }

  /**
   * Opens the registry on the `_schemas` topic of the client's broker, and has read all of it when it resolves. Any number
   * of registries may have one topic: each of them reads and writes.
   */
  static async open(client: Client, options: RegistryOptions = {}): Promise<SchemaRegistry> {
    const { topic = '_schemas', environment = systemEnvironment, log = () => {} } = options;
    const store = await SchemaStore.open({ client, topic, environment, log });
    return new SchemaRegistry(store, options.compatibilityLevel ?? 'BACKWARD');
  }

  /**
   * Resolves when this registry knows everything that was written before this call, through whatever instance. What is
   * written through this one it knows by itself.
   */
  caughtUp(): Promise<void> {
    return this.#store.caughtUp();
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    await this.#store.close();
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  subjects(options: { prefix?: string; deleted?: boolean; deletedOnly?: boolean } = {}): string[] {
    return [...this.#store.subjects.keys()]
      .filter((subject) => options.prefix === undefined || hasPrefix(subject, options.prefix))
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

  /** Not found when there are none, unless there may be. */
  versions(subject: string, options: { deleted?: boolean; deletedOnly?: boolean; orNone?: boolean } = {}): number[] {
    const all = this.#store.versions(this.#find(subject), true);
    const chosen = all.filter((s) => (options.deletedOnly ? s.deleted : options.deleted || !s.deleted));
    if (chosen.length === 0 && !options.orNone) throw subjectNotFound(subject);
    return chosen.map((schema) => schema.version);
  }

  /** `version`: a number as text, `latest` or `-1`. */
  version(subject: string, version: string, includeDeleted = false): StoredSchema {
    const wanted = parseVersion(version);
    const versions = this.#store.versions(this.#find(subject), includeDeleted);
    if (versions.length === 0) throw subjectNotFound(subject);
    if (wanted === 'latest') {
      const latest = versions.findLast((schema) => !schema.deleted);
      if (latest === undefined) throw versionNotFound(-1);
      return latest;
    }
    const found = versions.find((schema) => schema.version === wanted);
    if (found === undefined) throw versionNotFound(wanted);
    return found;
  }

  /** `subject` says which context's id it is, and with a name which of the schema's uses is answered. */
  byId(id: number, subject = ''): StoredSchema {
    const schemas = this.#withId(id, subject);
    const { name } = splitSubject(subject);
    const found = schemas.find((schema) => splitSubject(schema.subject).name === name) ?? schemas[0];
    if (found === undefined) throw schemaNotFound(id);
    return found;
  }

  /** The schemas with this content, in all contexts. */
  byGuid(guid: string): readonly StoredSchema[] {
    const found = this.#store.byGuid(guid.toLowerCase());
    if (found.length === 0) throw schemaNotFound(guid);
    return found;
  }

  highestId(subject = ''): number {
    return this.#store.highestId(contextOf(subject));
  }

  /** The subjects and versions that use the schema with this id. */
  usesOf(id: number, options: { subject?: string; deleted?: boolean } = {}): StoredSchema[] {
    const uses = this.#withId(id, options.subject ?? '');
    if (uses.length === 0) throw schemaNotFound();
    return uses.filter((schema) => options.deleted || !schema.deleted);
  }

  /** Clients name the topic's subject and no context: an id that it does not have in the default one is another's. */
  #withId(id: number, subject: string): readonly StoredSchema[] {
    const { context, name } = splitSubject(subject);
    const uses = this.#store.byId(id, context);
    if (context !== DEFAULT_CONTEXT || name === '') return uses;
    const all = [uses, ...this.#store.contexts().map((other) => this.#store.byId(id, other))];
    return all.find((found) => found.some((schema) => splitSubject(schema.subject).name === name)) ?? uses;
  }

  /** The newest version whose metadata have all these properties. */
  withMetadata(subject: string, properties: Readonly<Record<string, string>>, includeDeleted = false): StoredSchema {
    const versions = this.#store.versions(this.#find(subject), includeDeleted);
    if (versions.length === 0) throw subjectNotFound(subject);
    const wanted = Object.entries(properties);
    const found = versions.findLast(({ metadata }) =>
      wanted.every(([key, value]) => metadata?.properties?.[key] === value),
    );
    if (found === undefined) throw schemaNotFound();
    return found;
  }

  /** The ids of schemas that reference this one. */
  referencedBy(subject: string, version: string, includeDeleted = false): number[] {
    const target = this.version(subject, version, true);
    return [...new Set(this.#referrers(target, includeDeleted).map((schema) => schema.id))].sort((a, b) => a - b);
  }

  lookup(subject: string, request: SchemaRequest, includeDeleted = false): StoredSchema {
    const target = this.#find(subject);
    const versions = this.#store.versions(target, includeDeleted);
    const isEmpty = request.schema.trim() === '';
    const same = isEmpty ? undefined : this.#reader.sameAs(target, request, this.config(target), includeDeleted);
    if (same === undefined) throw versions.length === 0 ? subjectNotFound(subject) : schemaNotFound();
    return same;
  }

  /** The schema in another form than the one that is stored, where its language has that. */
  inFormat(stored: StoredSchema, format: string): string {
    const text = this.parsed(stored).inFormat?.(format);
    if (text === undefined) {
      throw invalidSchema(`The format ${format} of ${stored.schemaType} schemas is not supported by this registry`);
    }
    return text;
  }

  /** The subjects that are configured to mean this one. */
  aliasesOf(subject: string): string[] {
    const names = [...this.#store.configs].filter(
      ([, { alias }]) => alias !== undefined && plainSubject(alias) === subject,
    );
    return names.flatMap(([name]) => name ?? []).sort();
  }

  parsed(stored: StoredSchema): ParsedSchema {
    return this.#reader.parsedOf(stored);
  }

  contexts(): string[] {
    return this.#store.contexts();
  }

  /** The subject that is read or written when it is asked for `subject`. */
  subjectMeant(subject: string, use: 'reading' | 'writing'): string {
    return use === 'reading' ? this.#find(subject) : this.#target(subject);
  }

  /** How many records of its topic this registry has read. */
  get position(): number {
    return this.#store.position;
  }

  // ── Registering ─────────────────────────────────────────────────────────────────────────────────────────────────

  async register(subject: string, request: SchemaRequest): Promise<StoredSchema> {
    checkSubject(subject, { isScope: false });
    await this.#store.caughtUp();
    // Most clients register what is there already, at every start: that needs no writer.
    return this.#registered(subject, request) ?? this.#inTurn(() => this.#registerAsWriter(subject, request));
  }

  /** What a request is answered with that brings nothing new. */
  #registered(requestedSubject: string, request: SchemaRequest): StoredSchema | undefined {
    const subject = this.#target(requestedSubject);
    const config = this.config(subject);
    if (request.schema.trim() === '' || changesTags(request) || addsToSchemas(config)) return undefined;
    const same = this.#reader.sameAs(subject, request, config);
    const { id = -1, version = 0 } = request;
    return (id < 0 || id === same?.id) && (version <= 0 || version === same?.version) ? same : undefined;
  }

  async #registerAsWriter(requestedSubject: string, request: SchemaRequest): Promise<StoredSchema> {
    const { stored, isNew } = this.plan(requestedSubject, request);
    if (!isNew) return stored;
    const context = contextOf(stored.subject);
    if (!this.#store.contexts().includes(context)) await this.#store.writeContext(context, true);
    await this.#store.writeSchema(stored);
    // What was softly deleted has come back under another number.
    for (const old of this.#store.versions(stored.subject, true)) {
      const isBack = old.deleted && old.id === stored.id && old.version < stored.version;
      if (isBack && this.#referrers(old, true).length === 0) await this.#store.removeSchema(old.subject, old.version);
    }
    return stored;
  }

  /** What registering would write, or answer when the schema is there already. Throws what registering would reject with. */
  plan(requestedSubject: string, request: SchemaRequest): { readonly stored: StoredSchema; readonly isNew: boolean } {
    checkSubject(requestedSubject, { isScope: false });
    const registered = this.#registered(requestedSubject, request);
    if (registered !== undefined) return { stored: registered, isNew: false };
    const subject = this.#target(requestedSubject);
    const context = contextOf(subject);
    const config = this.config(subject);
    const mode = this.mode(subject);
    const isCopy = COPY_MODES.includes(mode);
    const explicitId = request.id !== undefined && request.id >= 0 ? request.id : undefined;
    const explicitVersion = request.version !== undefined && request.version > 0 ? request.version : undefined;
    const all = this.#store.versions(subject, true);
    const live = this.#store.versions(subject);
    checkMode(mode, subject, { hasId: explicitId !== undefined });
    const newVersion = (all.at(-1)?.version ?? 0) + 1;
    const filled = isCopy ? request : filledIn(request, config, live.at(-1), newVersion);
    const candidate = this.#reader.read(subject, filled, config);
    const same = this.#reader.newestSame(subject, candidate);
    if (
      same !== undefined &&
      (explicitId ?? same.id) === same.id &&
      (explicitVersion ?? same.version) === same.version
    ) {
      return { stored: same, isNew: false };
    }

    if (!isCopy) {
      const messages = request.force ? [] : checkCompatibility(this.#comparison(subject, candidate, live));
      if (messages.length > 0) throw incompatibleSchema(subject, messages);
      if (explicitVersion !== undefined && explicitVersion !== newVersion) {
        throw invalidSchema('Version is not one more than previous version');
      }
    }
    const { parsed, ...content } = candidate;
    if (explicitId !== undefined) this.#guardImportedId(explicitId, context, candidate);
    const id =
      explicitId ?? this.#store.idOf(context, parsed.schemaType, content) ?? this.#store.highestId(context) + 1;
    const stored: StoredSchema = {
      subject,
      version: (isCopy ? explicitVersion : undefined) ?? newVersion,
      id,
      schemaType: parsed.schemaType,
      schema: content.schema,
      references: content.references,
      ...(content.metadata === undefined ? {} : { metadata: content.metadata }),
      ...(content.ruleSet === undefined ? {} : { ruleSet: content.ruleSet }),
      guid: guidOf(content),
      deleted: false,
    };
    return { stored, isNew: true };
  }

  /** A request as it would be compared, with the versions that it would be compared with. */
  proposal(requestedSubject: string, request: SchemaRequest, against?: string): Proposal {
    const subject = this.#find(requestedSubject);
    const live = this.#store.versions(subject);
    const newVersion = (live.at(-1)?.version ?? 0) + 1;
    const config = this.config(subject);
    const candidate = this.#reader.read(subject, filledIn(request, config, live.at(-1), newVersion), config);
    const proposed = (versions: readonly StoredSchema[]): Proposal => ({
      subject,
      candidate,
      latest: live.at(-1),
      comparison: this.#comparison(subject, candidate, versions),
    });
    if (against === undefined) return proposed(live);
    const wanted = parseVersion(against);
    if (live.length === 0 && wanted === 'latest') return proposed([]);
    const version = wanted === 'latest' ? live.at(-1) : live.find((schema) => schema.version === wanted);
    if (version === undefined) throw versionNotFound(wanted);
    return proposed([version]);
  }

  // ── Deleting ────────────────────────────────────────────────────────────────────────────────────────────────────

  deleteSubject(requestedSubject: string, permanent: boolean): Promise<number[]> {
    return this.#inTurn(async () => {
      const subject = this.#target(requestedSubject);
      const all = this.#store.versions(subject, true);
      const live = all.filter((schema) => !schema.deleted);
      if (all.length === 0) throw subjectNotFound(subject);
      if (!permanent && live.length === 0) throw subjectSoftDeleted(subject);
      this.#checkWritable(subject);
      if (permanent) {
        for (const schema of all) {
          this.#refuseIfReferenced(schema, true);
          if (!schema.deleted) throw subjectNotSoftDeleted(subject);
        }
        for (const { version } of all) await this.#store.removeSchema(subject, version);
      } else {
        for (const schema of live) this.#refuseIfReferenced(schema, false);
        await this.#store.deleteSubject(subject, live.at(-1)!.version);
      }
      await this.#deleteSettings(subject);
      return (permanent ? all : live).map((schema) => schema.version);
    });
  }

  deleteVersion(requestedSubject: string, version: string, permanent: boolean): Promise<number> {
    return this.#inTurn(async () => {
      const subject = this.#target(requestedSubject);
      const found = this.version(subject, version, true);
      // Reading looks into other contexts too; what is deleted is what was named.
      if (found.subject !== subject) throw subjectNotFound(requestedSubject);
      if (!permanent && found.deleted) throw versionSoftDeleted(subject, found.version);
      this.#checkWritable(subject);
      this.#refuseIfReferenced(found, permanent);
      if (permanent) {
        if (!found.deleted) throw versionNotSoftDeleted(subject, found.version);
        await this.#store.removeSchema(subject, found.version);
      } else {
        await this.#store.writeSchema({ ...found, deleted: true });
      }
      if (this.#store.versions(subject).length === 0) await this.#deleteSettings(subject);
      return found.version;
    });
  }

  /** A subject that is deleted, softly or for good, comes back without what was configured for it. */
  async #deleteSettings(subject: string): Promise<void> {
    if (this.#store.modes.has(subject)) await this.#store.writeMode(subject, null);
    if (this.#store.configs.has(subject)) await this.#store.writeConfig(subject, null);
  }

  /** Only a context without schemas can go. */
  deleteContext(context: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.subjects({ prefix: qualify(context, ''), deleted: true }).length > 0) throw contextNotEmpty(context);
      await this.#store.writeContext(context, false);
    });
  }

  // ── Configuration ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The configuration in force: a subject's own over its context's over what holds for all over the default. */
  config(subject: string | null): Required<Pick<SubjectConfig, 'compatibilityLevel'>> & SubjectConfig {
    const configs = scopesOf(subject).map((scope) => this.#store.configs.get(scope));
    return Object.assign({ compatibilityLevel: this.#defaultLevel }, ...configs.reverse());
  }

  ownConfig(subject: string): SubjectConfig {
    const own = this.#store.configs.get(scopeOf(subject));
    if (own === undefined) throw compatibilityNotConfigured(subject);
    return own;
  }

  setConfig(subject: string | null, update: ConfigUpdate): Promise<void> {
    return this.#inTurn(async () => {
      if (subject !== null) checkSubject(subject, { isScope: true });
      const scope = scopeOf(subject);
      await this.#store.writeConfig(scope, updatedConfig(this.#store.configs.get(scope) ?? {}, update));
    });
  }

  deleteConfig(subject: string | null): Promise<SubjectConfig> {
    return this.#inTurn(async () => {
      const old = this.#store.configs.get(scopeOf(subject));
      if (old === undefined && subject !== null) throw subjectNotFound(subject);
      await this.#store.writeConfig(scopeOf(subject), null);
      return old ?? this.config(null);
    });
  }

  /** The nearest mode; only a global READONLY_OVERRIDE goes before all of them. */
  mode(subject: string | null): Mode {
    if (this.#store.modes.get(null) === 'READONLY_OVERRIDE') return 'READONLY_OVERRIDE';
    const modes = scopesOf(subject).map((scope) => this.#store.modes.get(scope));
    return modes.find((mode) => mode !== undefined) ?? 'READWRITE';
  }

  ownMode(subject: string): Mode {
    const own = this.#store.modes.get(scopeOf(subject));
    if (own === undefined) throw modeNotConfigured(subject);
    return own;
  }

  setMode(subject: string | null, mode: string, force: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (subject !== null) checkSubject(subject, { isScope: true });
      const wanted = mode.toUpperCase() as Mode;
      const isGlobal = wanted === 'FORWARD' || wanted === 'READONLY_OVERRIDE';
      if (!MODES.includes(wanted) || (isGlobal && subject !== null)) throw invalidMode();
      if (wanted === 'IMPORT' && !force) {
        const isWide = subject === null || splitSubject(subject).name === '';
        const inScope = isWide ? this.subjects({ prefix: subject ?? '' }) : this.#store.versions(plainSubject(subject));
        if (inScope.length > 0) throw operationNotPermitted('Cannot import since found existing subjects');
        await this.#forgetDeleted(subject, isWide);
      }
      await this.#store.writeMode(scopeOf(subject), wanted);
    });
  }

  /** What is only softly deleted makes room for what is imported. */
  async #forgetDeleted(subject: string | null, isWide: boolean): Promise<void> {
    const subjects = isWide
      ? this.subjects({ prefix: subject ?? '', deletedOnly: true })
      : [plainSubject(subject ?? '')];
    for (const { subject: name, version } of subjects.flatMap((s) => this.#store.versions(s, true))) {
      await this.#store.removeSchema(name, version);
    }
  }

  /** `recursive`: also the modes of the subjects of the context. */
  deleteMode(subject: string | null, recursive = false): Promise<Mode> {
    return this.#inTurn(async () => {
      const old = this.#store.modes.get(scopeOf(subject));
      if (recursive) {
        const inScope = [...this.#store.modes.keys()].filter((name) => name !== null && hasPrefix(name, subject ?? ''));
        for (const name of inScope) await this.#store.writeMode(name, null);
      } else if (old === undefined && subject !== null) throw subjectNotFound(subject);
      await this.#store.writeMode(scopeOf(subject), null);
      return old ?? this.mode(subject);
    });
  }

  // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Work that may write waits for the work before it, and is done as the log's only writer. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const exclusively = () => this.#store.exclusively(work);
    const result = this.#turn.then(exclusively, exclusively);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** The subject that is meant: an alias stands for another one. */
  #target(subject: string): string {
    const plain = plainSubject(subject);
    const alias = this.#store.configs.get(plain)?.alias;
    return alias === undefined || alias === '' ? plain : plainSubject(alias);
  }

  /** Reading looks for a subject without a context in the other contexts too, if the default one does not have it. */
  #find(subject: string): string {
    const target = this.#target(subject);
    if (this.#store.subjects.has(target) || contextOf(target) !== DEFAULT_CONTEXT) return target;
    const elsewhere = this.#store.contexts().map((context) => qualify(context, target));
    return elsewhere.find((other) => this.#store.subjects.has(other)) ?? target;
  }

  #comparison(subject: string, candidate: Candidate, earlier: readonly StoredSchema[]): Comparison {
    const { compatibilityLevel, compatibilityPolicy, compatibilityGroup, validateFields } = this.config(subject);
    const groupOf = ({ metadata }: { metadata?: Metadata | undefined }) =>
      compatibilityGroup === undefined ? undefined : metadata?.properties?.[compatibilityGroup];
    const counting =
      compatibilityLevel === 'NONE' ? [] : earlier.filter((schema) => groupOf(schema) === groupOf(candidate));
    return {
      settings: {
        level: compatibilityLevel,
        policy: compatibilityPolicy ?? 'STRICT',
        validateFields: validateFields ?? false,
      },
      updated: { schema: candidate.parsed, metadata: candidate.metadata },
      earlier: counting.map((stored) => new ComparedVersion(stored, this.#reader)),
    };
  }

  /** A content has one id in its context, and an id one content. */
  #guardImportedId(id: number, context: string, candidate: Candidate): void {
    const known = this.#store.idOf(context, candidate.parsed.schemaType, candidate);
    if (known !== undefined && known !== id) throw idDoesNotMatch(known, id);
    const existing = this.#store.byId(id, context)[0];
    if (existing !== undefined && !this.#reader.isSame(existing, candidate)) {
      throw operationNotPermitted(`Overwrite new schema with id ${id} in context ${context} is not permitted.`);
    }
  }

  #checkWritable(subject: string): void {
    if (isReadOnly(this.mode(subject))) throw notPermittedNow(subject, 'is in read-only mode');
  }

  #referrers(target: StoredSchema, includeDeleted: boolean): StoredSchema[] {
    return this.schemas({ deleted: includeDeleted }).filter((schema) =>
      schema.references.some(
        (r) => referencedSubject(r.subject, schema.subject) === target.subject && r.version === target.version,
      ),
    );
  }

  #refuseIfReferenced(schema: StoredSchema, includeDeleted: boolean): void {
    if (this.#referrers(schema, includeDeleted).length > 0) throw referenceExists(schema.subject, schema.version);
  }
}
