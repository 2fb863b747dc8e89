// The registry's memory, and the topic that it is a view of.
//
// `_schemas` has one compacted partition of JSON records in the original registry's own format. Every change is produced
// to it first and takes effect when this store reads it back, so that several registries on one broker agree, and a read
// after a write sees the write.
import type { Client, Consumer, Producer } from '../client/index.ts';
import type { SchemaReference, SchemaType } from '../serde/index.ts';
import { codeOf, type Deferred, deferred, messageOf } from '../util/index.ts';
import { RegistryError } from './errors.ts';
import { guidOf, type SchemaContent } from './guid.ts';
import type { Metadata, RuleSet } from './metadata.ts';
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

/** A record's key, in the original's member order. `subject: null` is the global entry. */
type Key =
  | { keytype: 'SCHEMA'; subject: string; version: number; magic: 1 }
  | { keytype: 'CONFIG' | 'MODE'; subject: string | null; magic: 0 }
  | { keytype: 'DELETE_SUBJECT'; subject: string; magic: 0 }
  | { keytype: 'CONTEXT'; tenant: 'default'; context: string; magic: 0 }
  | { keytype: 'NOOP'; magic: 0 };

const POLL_MS = 500;

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

  readonly #topic: string;
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #waiting: { offset: number; done: Deferred }[] = [];
  /** The offset of the next record to be applied. */
  #position = 0;
  #running = true;
  #loop: Promise<void> = Promise.resolve();

  private constructor(client: Client, topic: string) {
    this.#topic = topic;
    this.#producer = client.producer({ lingerMs: 0 });
    this.#consumer = client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_uncommitted' });
  }

  /** Creates the topic if it is not there and resolves when everything in it has been read. */
  static async open(client: Client, topic = '_schemas'): Promise<SchemaStore> {
    try {
      const configs = { 'cleanup.policy': 'compact' };
      await client.admin().createTopics([{ name: topic, partitions: 1, configs }]);
    } catch (error) {
      if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
    const store = new SchemaStore(client, topic);
    store.#consumer.assign([{ topic, partition: 0, offset: 0 }]);
    store.#loop = store.#read();
    await store.write({ keytype: 'NOOP', magic: 0 }, null);
    return store;
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
    await this.write(
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
    await this.write({ keytype: 'SCHEMA', subject, version, magic: 1 }, null);
  }

  async deleteSubject(subject: string, upToVersion: number): Promise<void> {
    await this.write({ keytype: 'DELETE_SUBJECT', subject, magic: 0 }, { subject, version: upToVersion });
  }

  async writeConfig(subject: string | null, config: SubjectConfig | null): Promise<void> {
    await this.write({ keytype: 'CONFIG', subject, magic: 0 }, config === null ? null : { subject, ...config });
  }

  async writeMode(subject: string | null, mode: Mode | null): Promise<void> {
    await this.write({ keytype: 'MODE', subject, magic: 0 }, mode === null ? null : { subject, mode });
  }

  async writeContext(context: string, isThere: boolean): Promise<void> {
    const key: Key = { keytype: 'CONTEXT', tenant: 'default', context, magic: 0 };
    await this.write(key, isThere ? { tenant: 'default', context } : null);
  }

  /** Appends one record and resolves when this store has applied it. */
  async write(key: Key, value: object | null): Promise<void> {
    const { offset } = await this.#producer.send({
      topic: this.#topic,
      partition: 0,
      key: Buffer.from(JSON.stringify(key)),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
    });
    if (offset < this.#position) return;
    const done = deferred();
    this.#waiting.push({ offset, done });
    await done.promise;
  }

  async close(): Promise<void> {
    this.#running = false;
    this.#consumer.wakeup();
    await this.#loop;
    await this.#consumer.close();
    await this.#producer.close();
  }

  async #read(): Promise<void> {
    try {
      while (this.#running) {
        for (const { cursor, nextOffset } of await this.#consumer.poll(POLL_MS)) {
          while (cursor.advance()) {
            const key = cursor.keyStart < 0 ? null : cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyEnd);
            const value =
              cursor.valueStart < 0 ? null : cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd);
            this.#apply(key, value);
          }
          this.#position = nextOffset;
        }
        this.#release();
      }
    } catch (error) {
      const failure = new RegistryError(
        50001,
        `Error while reading the topic ${this.#topic}: ${messageOf(error)}`,
        error,
      );
      for (const { done } of this.#waiting.splice(0)) done.reject(failure);
    }
  }

  #release(): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i]!.offset < this.#position) this.#waiting.splice(i, 1)[0]!.done.resolve();
    }
  }

  /** A record of another version of the registry, or broken, is passed over: a bad record must not stop the registry. */
  #apply(keyText: string | null, valueText: string | null): void {
    const key = parse(keyText);
    const value = parse(valueText);
    if (key === null || (value === null && valueText !== null)) return;
    const subject = typeof key['subject'] === 'string' ? key['subject'] : null;
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
