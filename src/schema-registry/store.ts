// The registry's memory: a view of the log (schema-log.ts), in the original registry's own record format. Every change is
// written to the log first and takes effect when it is read back, so that several registries on one broker agree, and a
// read after a write sees the write.
import type { SchemaReference, SchemaType } from '../serde/index.ts';
import { guidOf, type SchemaContent } from './guid.ts';
import type { Metadata, RuleSet } from './metadata.ts';
import { SchemaLog, type SchemaLogKey, type SchemaLogOptions } from './schema-log.ts';
import type { SubjectConfig } from './subject-config.ts';
import { contextOf, DEFAULT_CONTEXT } from './subject-name.ts';

export interface StoredSchema {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
  readonly schema: string;
  readonly metadata?: Metadata;
  readonly ruleSet?: RuleSet;
  readonly guid: string;
  readonly deleted: boolean;
}

export type Mode = 'READWRITE' | 'READONLY' | 'IMPORT' | 'FORWARD';

export class SchemaStore {
  readonly subjects = new Map<string, Map<number, StoredSchema>>();
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
    store.#log = await SchemaLog.open(options, (key, value) => store.#apply(key, value));
    return store;
  }

  /** Resolves when this store has seen everything that was written before this call, by whatever instance. */
  caughtUp(): Promise<void> {
    return this.#log.caughtUp();
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

  /** Versions of a subject in ascending order. */
  versions(subject: string, includeDeleted = false): StoredSchema[] {
    return [...(this.subjects.get(subject)?.values() ?? [])]
      .filter((schema) => includeDeleted || !schema.deleted)
      .sort((a, b) => a.version - b.version);
  }

  async writeSchema(schema: StoredSchema): Promise<void> {
    const { subject, version } = schema;
    await this.#log.write(
      { keytype: 'SCHEMA', subject, version, magic: 1 },
      {
        subject,
        version,
        id: schema.id,
        ...(schema.schemaType === 'AVRO' ? {} : { schemaType: schema.schemaType }),
        ...(schema.references.length === 0 ? {} : { references: schema.references }),
        ...(schema.metadata === undefined ? {} : { metadata: schema.metadata }),
        ...(schema.ruleSet === undefined ? {} : { ruleSet: schema.ruleSet }),
        schema: schema.schema,
        deleted: schema.deleted,
      },
    );
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
    const key: SchemaLogKey = { keytype: 'CONTEXT', tenant: 'default', context, magic: 0 };
    await this.#log.write(key, isThere ? { tenant: 'default', context } : null);
  }

  /** A record of another version of the registry, or broken, is passed over: a bad record must not stop the registry. */
  #apply(keyText: string | null, valueText: string | null): void {
    const key = parse(keyText);
    const value = parse(valueText);
    if (key === null || (value === null && valueText !== null)) return;
    const subject = typeof key['subject'] === 'string' ? key['subject'] : null;
    if (key['subject'] === null && value !== null) this.#oldGlobalKeys.add(String(key['keytype']));
    switch (key['keytype']) {
      case 'SCHEMA':
        if (subject !== null) this.#applySchema(subject, Number(key['version']), value);
        break;
      case 'DELETE_SUBJECT':
        if (subject !== null && value !== null) this.#markDeleted(subject, Number(value['version']));
        break;
      case 'CLEAR_SUBJECT':
        for (const name of subject === null ? [...this.subjects.keys()] : [subject]) {
          for (const { version, deleted } of this.versions(name, true)) {
            if (deleted) this.#applySchema(name, version, null);
          }
        }
        break;
      case 'CONTEXT':
        if (typeof key['context'] !== 'string' || key['context'] === DEFAULT_CONTEXT) break;
        if (value === null) this.#contexts.delete(key['context']);
        else this.#contexts.add(key['context']);
        break;
      case 'CONFIG':
        if (value === null) this.configs.delete(subject);
        else {
          const config = { ...value };
          delete config['subject'];
          this.configs.set(subject, config as SubjectConfig);
        }
        break;
      case 'MODE':
        if (value === null) this.modes.delete(subject);
        else this.modes.set(subject, value['mode'] as Mode);
        break;
    }
  }

  #applySchema(subject: string, version: number, value: Record<string, unknown> | null): void {
    const versions = this.subjects.get(subject) ?? new Map<number, StoredSchema>();
    const context = contextOf(subject);
    let schema: StoredSchema | undefined;
    if (value !== null) {
      const content = {
        schema: String(value['schema']),
        references: (value['references'] as SchemaReference[] | undefined) ?? [],
        ...(isObject(value['metadata']) ? { metadata: value['metadata'] as Metadata } : {}),
        ...(isObject(value['ruleSet']) ? { ruleSet: value['ruleSet'] as RuleSet } : {}),
      };
      schema = {
        subject,
        version,
        id: Number(value['id']),
        schemaType: (value['schemaType'] as SchemaType | undefined) ?? 'AVRO',
        ...content,
        guid: guidOf(content),
        deleted: value['deleted'] === true,
      };
      this.#highestIds.set(context, Math.max(this.highestId(context), schema.id));
      this.#contexts.add(context);
    }
    this.#reindex(versions.get(version), schema);
    if (schema === undefined) versions.delete(version);
    else versions.set(version, schema);
    if (versions.size === 0) this.subjects.delete(subject);
    else this.subjects.set(subject, versions);
  }

  #markDeleted(subject: string, upToVersion: number): void {
    for (const schema of this.versions(subject)) {
      if (schema.version > upToVersion) continue;
      const deleted = { ...schema, deleted: true };
      this.subjects.get(subject)!.set(schema.version, deleted);
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

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string | null): Record<string, unknown> | null {
  if (text === null) return null;
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
