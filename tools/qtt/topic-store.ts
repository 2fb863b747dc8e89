import { MemorySchemas, type SchemaType } from '../../src/serde/index.ts';
import type { OutputRecord } from '../../src/streams/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { Catalog } from '../../src/sql/catalog.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import { usesRegistry } from '../../src/sql/formats/traits.ts';
import type { ParsedStatement } from '../../src/sql/parser/ast.ts';
import { describeSource } from '../../src/sql/statements/create-source.ts';
import { WithProperties } from '../../src/sql/formats/with-properties.ts';
import type { RecordWriter, Settings, TopicOptions, Topics, WrittenRecord } from '../../src/sql/statements/context.ts';
import type { QttCase, SpecSchema } from './cases.ts';

interface StoredTopic {
  readonly partitions: number;
  readonly replicas: number;
  readonly records: OutputRecord[];
}

/** The topics of one case, and the registry beside them. */
export class TopicStore implements Topics, RecordWriter {
  readonly areRepeated = false;
  readonly schemas = new MemorySchemas();
  readonly #topics = new Map<string, StoredTopic>();
  readonly #spec: QttCase;

  constructor(spec: QttCase) {
    this.#spec = spec;
  }

  /** Makes the topics that exist before the first statement runs. */
  async prepare(statements: readonly ParsedStatement[], setting: Settings): Promise<void> {
    for (const topic of this.#spec.topics) {
      this.#topics.set(topic.name, { partitions: topic.partitions, replicas: topic.replicas, records: [] });
    }
    this.#registerTopics(true);
    await this.#registerDeclared(statements, setting);
    this.#registerTopics(false);
    for (const parsed of statements) {
      let statement: ParsedStatement['statement'];
      try {
        statement = parsed.statement;
      } catch {
        continue;
      }
      if (statement.kind !== 'createSource' || statement.elements.length === 0) continue;
      const { properties } = statement;
      const topic = properties.get('KAFKA_TOPIC');
      if (typeof topic !== 'string' || this.#topics.has(topic)) continue;
      const partitions = Number(properties.get('PARTITIONS') ?? 4);
      this.#topics.set(topic, { partitions, replicas: Number(properties.get('REPLICAS') ?? 1), records: [] });
    }
    for (const { topic } of this.#spec.inputs) {
      if (!this.#topics.has(topic)) this.#topics.set(topic, { partitions: 4, replicas: 1, records: [] });
    }
  }

  /** The schemas of the case's topics, first those whose ids are given. */
  #registerTopics(withId: boolean): void {
    for (const topic of this.#spec.topics) {
      for (const side of ['key', 'value'] as const) {
        const schema = topic.schemas[side];
        if (schema !== undefined && (schema.id !== undefined) === withId)
          this.#register(`${topic.name}-${side}`, schema);
      }
    }
  }

  /** The schemas that declared columns stand for, so that records can be written before a query exists. */
  async #registerDeclared(statements: readonly ParsedStatement[], setting: Settings): Promise<void> {
    const catalog = new Catalog();
    const { schemas } = this;
    for (const parsed of statements) {
      try {
        const { statement } = parsed;
        if (statement.kind === 'createType') catalog.putType(statement.name, catalog.resolveType(statement.type));
        if (statement.kind !== 'createSource' || statement.elements.length === 0) continue;
        const properties = new WithProperties(statement.properties, 'create');
        const source = await describeSource({ catalog, schemas }, statement, properties, setting);
        const given = this.#spec.topics.find((topic) => topic.name === source.topic)?.schemas;
        const values = source.schema.value.filter((column) => column.namespace === 'VALUE');
        for (const [part, info, columns] of [
          ['key', source.keyFormat, source.schema.key],
          ['value', source.valueFormat, values],
        ] as const) {
          if (!usesRegistry(info.format) || given?.[part] !== undefined || columns.length === 0) continue;
          await rowSerde({ schemas }, info, columns, { topic: source.topic, part }).prepare?.();
        }
      } catch {
        // The statement fails again in its proper place.
      }
    }
  }

  #register(subject: string, schema: SpecSchema): void {
    // Cases count the ids of their topics' schemas only: what those refer to comes behind.
    const references = schema.references.map(({ name }) => ({ name, subject: name, version: -1 }));
    this.schemas.add(subject, { schemaType: schemaType(schema.type), schema: schema.text, references }, schema.id);
    for (const { name, type, text } of schema.references) {
      this.schemas.add(name, { schemaType: schemaType(type), schema: text });
    }
  }

  names(): string[] {
    return [...this.#topics.keys()];
  }

  partitionsOf(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions;
  }

  records(topic: string): readonly OutputRecord[] {
    return this.#topics.get(topic)?.records ?? [];
  }

  append(record: OutputRecord): void {
    const topic = this.#topics.get(record.topic);
    if (topic === undefined) throw new MillraceError('QTT_TOPIC', `no such topic: ${record.topic}`);
    topic.records.push(record);
  }

  async describe(topic: string): Promise<{ partitions: number; replicas: number } | undefined> {
    return this.#topics.get(topic);
  }

  async create(topic: string, { partitions, replicas }: TopicOptions): Promise<void> {
    this.#topics.set(topic, { partitions, replicas, records: [] });
  }

  async delete(topic: string): Promise<void> {
    this.#topics.delete(topic);
  }

  async write(records: readonly WrittenRecord[]): Promise<void> {
    for (const { topic, key, value, timestamp = 0, headers } of records)
      this.append({ topic, partition: 0, offset: 0, key, value, timestamp, headers });
  }
}

function schemaType(format: string): SchemaType {
  const name = format.toUpperCase();
  if (name.startsWith('PROTOBUF')) return 'PROTOBUF';
  return name.startsWith('JSON') ? 'JSON' : 'AVRO';
}
