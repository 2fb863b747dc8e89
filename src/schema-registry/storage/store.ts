// The registry's memory: a view of the log (schema-log.ts) and its records (schema-records.ts). Every change is written to the log first and takes effect when it is read back, so that several registries on one broker agree, and a
// read after a write sees the write.
import type { SchemaType } from '../../serde/index.ts';
import { guidOf, type SchemaContent } from '../guid.ts';
import { SchemaLog, type SchemaLogOptions } from './schema-log.ts';
import {
  type Change,
  type Mode,
  readRecord,
  type RecordKey,
  schemaValue,
  type StoredSchema,
} from './schema-records.ts';
import type { SubjectConfig } from '../subject-config.ts';
import { contextOf, DEFAULT_CONTEXT } from '../subject-name.ts';
import { SubjectVersions } from './subject-versions.ts';

export class SchemaStore {
  readonly subjects = new Map<string, SubjectVersions>();
  /** `null` is the global entry. */
  readonly configs = new Map<string | null, SubjectConfig>();
  readonly modes = new Map<string | null, Mode>();
  readonly #byId = new SchemaIndex();
  /** By content: the same schema has one id in a context, whatever subjects use it. */
  readonly #byContent = new SchemaIndex();
  readonly #byGuid = new SchemaIndex();
  readonly #highestIds = new Map<string, number>();
  readonly #contexts = new Set([DEFAULT_CONTEXT]);
  /** Older registries write the global entry's key with `"subject":null`, newer ones without. */
  readonly #oldGlobalKeys = new Set<string>();

  /** Set by `open` before anything is read or written. */
  #log!: SchemaLog;

  /** Opens the log and resolves when everything in it has been applied. */
  static async open(options: SchemaLogOptions): Promise<SchemaStore> {
    const store = new SchemaStore();
    store.#log = await SchemaLog.open(options, (key, value) => {
      const change = readRecord(key, value);
      if (change !== undefined) store.#apply(change);
    });
    return store;
  }

  /** Resolves when this store has seen everything that was written before this call, by whatever instance. */
  caughtUp(): Promise<void> {
    return this.#log.caughtUp();
  }

  get position(): number {
    return this.#log.position;
  }

  /** Runs `work`, which may write, as the log's only writer; again when another instance came between. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#log.exclusively(work);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** Every schema under this id: one content, in as many subjects and versions of the context as registered it. */
  byId(id: number, context = DEFAULT_CONTEXT): readonly StoredSchema[] {
    return this.#byId.get(idKey(context, id));
  }

  byGuid(guid: string): readonly StoredSchema[] {
    return this.#byGuid.get(guid);
  }

  /** The id that this schema already has in some subject of the context. */
  idOf(context: string, schemaType: SchemaType, content: SchemaContent): number | undefined {
    return this.#byContent.get(contentKey(context, schemaType, content, guidOf(content)))[0]?.id;
  }

  highestId(context: string): number {
    return this.#highestIds.get(context) ?? 0;
  }

  /** The contexts that were ever used and not deleted, the default one first. */
  contexts(): string[] {
    return [...this.#contexts].sort();
  }

  /** Versions of a subject in ascending order, as they are now. */
  versions(subject: string, includeDeleted = false): readonly StoredSchema[] {
    const versions = this.subjects.get(subject);
    return (includeDeleted ? versions?.all() : versions?.live()) ?? [];
  }

  /** The versions that a schema with this text can be the same as. */
  candidates(subject: string, text: string): readonly StoredSchema[] {
    return this.subjects.get(subject)?.candidates(text) ?? [];
  }

  async writeSchema(schema: StoredSchema): Promise<void> {
    const { subject, version } = schema;
    await this.#log.write({ keytype: 'SCHEMA', subject, version, magic: 1 }, schemaValue(schema));
  }

  async removeSchema(subject: string, version: number): Promise<void> {
    await this.#log.write({ keytype: 'SCHEMA', subject, version, magic: 1 }, null);
  }

  async deleteSubject(subject: string, upToVersion: number): Promise<void> {
    await this.#log.write({ keytype: 'DELETE_SUBJECT', subject, magic: 0 }, { subject, version: upToVersion });
  }

  async writeConfig(subject: string | null, config: SubjectConfig | null): Promise<void> {
    await this.#writeSetting('CONFIG', subject, config);
  }

  async writeMode(subject: string | null, mode: Mode | null): Promise<void> {
    await this.#writeSetting('MODE', subject, mode === null ? null : { mode });
  }

  async #writeSetting(keytype: 'CONFIG' | 'MODE', subject: string | null, value: object | null): Promise<void> {
    if (subject === null && this.#oldGlobalKeys.has(keytype)) {
      // The same entry under a key that is spelt otherwise would survive compaction, and come back one day.
      await this.#log.write({ keytype, subject: null, magic: 0 }, null);
      this.#oldGlobalKeys.delete(keytype);
    }
    const named = subject === null ? {} : { subject };
    await this.#log.write({ keytype, ...named, magic: 0 }, value === null ? null : { ...named, ...value });
  }

  async writeContext(context: string, isThere: boolean): Promise<void> {
    const key: RecordKey = { keytype: 'CONTEXT', tenant: 'default', context, magic: 0 };
    await this.#log.write(key, isThere ? { tenant: 'default', context } : null);
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'schema':
        this.#applySchema(change.subject, change.version, change.schema);
        break;
      case 'delete-subject':
        this.#markDeleted(change.subject, change.upToVersion);
        break;
      case 'clear-subject':
        for (const subject of change.subject === null ? [...this.subjects.keys()] : [change.subject]) {
          for (const { version, deleted } of this.versions(subject, true)) {
            if (deleted) this.#applySchema(subject, version, null);
          }
        }
        break;
      case 'context':
        if (change.isThere) this.#contexts.add(change.context);
        else if (change.context !== DEFAULT_CONTEXT) this.#contexts.delete(change.context);
        break;
      case 'config':
        this.#noteKey('CONFIG', change);
        if (change.config === null) this.configs.delete(change.subject);
        else this.configs.set(change.subject, change.config);
        break;
      case 'mode':
        this.#noteKey('MODE', change);
        if (change.mode === null) this.modes.delete(change.subject);
        else this.modes.set(change.subject, change.mode);
        break;
    }
  }

  #noteKey(keytype: 'CONFIG' | 'MODE', { hasOldKey }: { hasOldKey: boolean }): void {
    if (hasOldKey) this.#oldGlobalKeys.add(keytype);
  }

  #applySchema(subject: string, version: number, schema: StoredSchema | null): void {
    const versions = this.subjects.get(subject) ?? new SubjectVersions();
    this.#reindex(versions.get(version), schema ?? undefined);
    if (schema === null) versions.delete(version);
    else {
      const context = contextOf(subject);
      this.#highestIds.set(context, Math.max(this.highestId(context), schema.id));
      this.#contexts.add(context);
      versions.set(schema);
    }
    if (versions.size === 0) this.subjects.delete(subject);
    else this.subjects.set(subject, versions);
  }

  #markDeleted(subject: string, upToVersion: number): void {
    for (const schema of this.versions(subject)) {
      if (schema.version > upToVersion) continue;
      const deleted = { ...schema, deleted: true };
      this.subjects.get(subject)!.set(deleted);
      this.#reindex(schema, deleted);
    }
  }

  #reindex(old: StoredSchema | undefined, schema: StoredSchema | undefined): void {
    const keys = ({ subject, id, schemaType, guid, ...content }: StoredSchema) => {
      const context = contextOf(subject);
      return [idKey(context, id), contentKey(context, schemaType, content, guid), guid] as const;
    };
    const oldKeys = old && keys(old);
    const newKeys = schema && keys(schema);
    for (const [i, index] of [this.#byId, this.#byContent, this.#byGuid].entries()) {
      index.replace(oldKeys?.[i], old, newKeys?.[i], schema);
    }
  }
}

/** Schemas by some key, in the order in which they came. */
class SchemaIndex {
  readonly #schemas = new Map<string, StoredSchema[]>();

  get(key: string): readonly StoredSchema[] {
    return this.#schemas.get(key) ?? [];
  }

  replace(
    oldKey: string | undefined,
    old: StoredSchema | undefined,
    newKey: string | undefined,
    schema: StoredSchema | undefined,
  ): void {
    const olds = oldKey === undefined ? undefined : this.#schemas.get(oldKey);
    const at = olds === undefined || old === undefined ? -1 : olds.indexOf(old);
    if (olds !== undefined && at >= 0) {
      if (schema !== undefined && newKey === oldKey) {
        olds[at] = schema;
        return;
      }
      olds.splice(at, 1);
      if (olds.length === 0) this.#schemas.delete(oldKey!);
    }
    if (schema === undefined || newKey === undefined) return;
    const schemas = this.#schemas.get(newKey);
    if (schemas === undefined) this.#schemas.set(newKey, [schema]);
    else schemas.push(schema);
  }
}

function idKey(context: string, id: number): string {
  return `${id} ${context}`;
}

function contentKey(context: string, schemaType: SchemaType, { schema }: { schema: string }, guid: string): string {
  return `${schemaType} ${context} ${guid} ${schema}`;
}
