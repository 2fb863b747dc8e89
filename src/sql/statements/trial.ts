// An engine to try statements on: it begins as the real one is, and what is carried out on it stays in it. No topic is made,
// no schema registered, no query started, no id used up, no row made up.
import type { NewSchema, RegisteredSchema, SchemaSource, SubjectVersion } from '../../serde/index.ts';
import type { EngineContext, TopicOptions, Topics } from './context.ts';

/** `nextNumber`: that of the next query. */
export function trialOf(engine: EngineContext, nextNumber = 0): EngineContext {
  let number = nextNumber;
  return {
    ...engine,
    catalog: engine.catalog.fork(),
    functions: engine.functions.fork(),
    topics: new TrialTopics(engine.topics),
    schemas: engine.schemas && new TrialSchemas(engine.schemas),
    writer: undefined,
    generators: undefined,
    executor: { start: async () => {}, stop: async () => {} },
    queries: new Map(engine.queries),
    nextQueryNumber: () => number++,
  };
}

/** The cluster's topics, with those that were made and without those that were deleted on trial. */
class TrialTopics implements Topics {
  readonly #real: Topics;
  /** Undefined: deleted. */
  readonly #changed = new Map<string, TopicOptions | undefined>();

  constructor(real: Topics) {
    this.#real = real;
  }

  get areRepeated(): boolean {
    return this.#real.areRepeated;
  }

  async describe(topic: string) {
    return this.#changed.has(topic) ? this.#changed.get(topic) : this.#real.describe(topic);
  }

  async create(topic: string, options: TopicOptions): Promise<void> {
    this.#changed.set(topic, options);
  }

  async delete(topic: string): Promise<void> {
    this.#changed.set(topic, undefined);
  }
}

/** Ids on trial begin above all that a registry gives. */
const FIRST_ID = 2 ** 31;

/** The registry, with what was registered on trial. Whether that is compatible, only the registry could say. */
class TrialSchemas implements SchemaSource {
  readonly #real: SchemaSource;
  readonly #registered: SubjectVersion[] = [];

  constructor(real: SchemaSource) {
    this.#real = real;
  }

  cached(id: number, subject?: string): RegisteredSchema | undefined {
    return this.#registered.find((schema) => schema.id === id) ?? this.#real.cached(id, subject);
  }

  async byId(id: number, subject?: string): Promise<RegisteredSchema> {
    return this.#registered.find((schema) => schema.id === id) ?? this.#real.byId(id, subject);
  }

  byGuid(guid: string, subject?: string): Promise<RegisteredSchema> {
    return this.#real.byGuid(guid, subject);
  }

  async version(subject: string, version: number): Promise<SubjectVersion> {
    const own = version === -1 ? this.#newest(subject) : undefined;
    return own ?? this.#real.version(subject, version);
  }

  async latest(subject: string, properties?: Readonly<Record<string, string>>): Promise<SubjectVersion | undefined> {
    const own = properties === undefined ? this.#newest(subject) : undefined;
    return own ?? this.#real.latest(subject, properties);
  }

  async register(subject: string, schema: NewSchema): Promise<number> {
    const known = await this.lookup(subject, schema);
    if (known !== undefined) return known;
    const id = FIRST_ID + this.#registered.length;
    this.#registered.push({ ...schema, id, subject, version: id });
    return id;
  }

  async lookup(subject: string, schema: NewSchema): Promise<number | undefined> {
    const own = this.#registered.find((each) => each.subject === subject && each.schema === schema.schema);
    return own?.id ?? this.#real.lookup(subject, schema);
  }

  #newest(subject: string): SubjectVersion | undefined {
    return this.#registered.findLast((schema) => schema.subject === subject);
  }
}
