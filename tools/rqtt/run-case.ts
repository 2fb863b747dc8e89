// One case: topics and schemas, all statements in one request, records, then each query; what came back is compared with
// what is expected. Properties go to the platform as they are written.
import { Catalog } from '../../src/sql/catalog.ts';
import { WithProperties } from '../../src/sql/formats/with-properties.ts';
import { parseScript } from '../../src/sql/parser/parse.ts';
import { describeSource } from '../../src/sql/statements/create-source.ts';
import { messageOf } from '../../src/util/index.ts';
import { encodeInput, recordDifference, topicFormats } from '../qtt/case-records.ts';
import type { QttCase, SpecSchema } from '../qtt/cases.ts';
import type { CaseRegistry, RegisteredText } from '../qtt/registry-formats.ts';
import { failed, PASSED, type Verdict } from '../qtt/report.ts';
import { asList, asNumber, asText, isObject, printSpec, type Spec, type SpecObject } from '../qtt/spec-json.ts';
import { TopicStore } from '../qtt/topic-store.ts';
import { answerDifference } from './answers.ts';
import { expectedInOrder, withTexts } from './protobuf-text.ts';
import { type Answer, errorOf, RestPlatform } from './rest-platform.ts';

export async function runCase(spec: QttCase): Promise<Verdict> {
  const platform = await RestPlatform.open();
  try {
    return await new CaseRun(spec, platform).run();
  } catch (error) {
    return failed(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  } finally {
    await platform.close();
  }
}

class CaseRun {
  readonly #spec: QttCase;
  readonly #platform: RestPlatform;
  readonly #catalog = new Catalog();
  readonly #properties: SpecObject;

  constructor(spec: QttCase, platform: RestPlatform) {
    this.#spec = spec;
    this.#platform = platform;
    const { properties } = spec.written;
    this.#properties = isObject(properties) ? properties : {};
  }

  async run(): Promise<Verdict> {
    const { statements, written } = this.#spec;
    const isQuery = (statement: string): boolean => statement.startsWith('SELECT ');
    const script = statements.filter((each) => !isQuery(each)).join('\n');
    await this.#prepare(script);
    const answers: { kind: string; answer: Answer }[] = [];
    if (script !== '') {
      const answer = await this.#platform.statements(script, this.#properties);
      if (errorOf(answer) !== undefined) return this.#refused(answer);
      answers.push(...asList(answer.body).map((entity) => ({ kind: 'admin', answer: { status: 200, body: entity } })));
    }
    await this.#describe(script);
    const queries = statements.filter(isQuery);
    const conditions = written['inputConditions'];
    const isFirstActive = isObject(conditions) && conditions['waitForActivePushQuery'] === true;
    const active = isFirstActive ? await this.#platform.activeQuery(queries[0]!, this.#properties) : undefined;
    await this.#produce();
    for (const [i, query] of queries.entries()) {
      const isActive = active !== undefined && i === 0;
      const answer = await (isActive ? active.answer : this.#platform.query(query, this.#properties));
      if (errorOf(answer) !== undefined) return this.#refused(answer);
      answers.push({ kind: 'query', answer });
    }
    if (written['testPullWithProtoFormat'] === true) {
      for (const query of queries) {
        const answer = await this.#platform.protobufQuery(query, this.#properties);
        if (errorOf(answer) !== undefined) return this.#refused(answer);
        answers.push({ kind: 'queryProto', answer: { status: 200, body: withTexts(answer.body) } });
      }
    }
    if (isObject(written['expectedError']))
      return failed(`expected the error ${printSpec(written['expectedError'])}, but nothing failed`);
    return (await this.#outputs()) ?? this.#responses(answers) ?? PASSED;
  }

  /** Makes the topics and schemas that are there before the first statement. */
  async #prepare(script: string): Promise<void> {
    const store = new TopicStore(this.#spec);
    let parsed: ReturnType<typeof parseScript>;
    try {
      parsed = parseScript(script);
    } catch {
      // The platform says what is wrong with it.
      return;
    }
    await store.prepare(parsed, () => undefined);
    const topics = store.names().map((name) => ({ name, partitions: store.partitionsOf(name)! }));
    if (topics.length > 0) await this.#platform.client.admin().createTopics(topics);
    for (const { name, schemas } of this.#spec.topics) {
      if (schemas.key !== undefined) await this.#register(`${name}-key`, schemas.key);
      if (schemas.value !== undefined) await this.#register(`${name}-value`, schemas.value);
    }
  }

  async #register(subject: string, schema: SpecSchema): Promise<void> {
    const { schemas } = this.#platform;
    for (const { name, type, text } of schema.references)
      await schemas.register(name, { schemaType: schemaType(type), schema: text });
    const references = schema.references.map(({ name }) => ({ name, subject: name, version: 1 }));
    const body = { schemaType: schemaType(schema.type), schema: schema.text, references };
    if (schema.id === undefined) await schemas.register(subject, body);
    else await this.#platform.registerWithId(subject, { ...body, id: schema.id } as unknown as SpecObject);
  }

  /** The sources that the statements declare, by which records are written. */
  async #describe(script: string): Promise<void> {
    const catalog = this.#catalog;
    for (const { statement } of script === '' ? [] : parseScript(script)) {
      if (statement.kind === 'createType') catalog.putType(statement.name, catalog.resolveType(statement.type));
      if (statement.kind !== 'createSource') continue;
      const properties = new WithProperties(statement.properties, 'create');
      const setting = (name: string): string | undefined => asText(this.#properties[name]);
      catalog.put(await describeSource({ catalog, schemas: this.#platform.schemas }, statement, properties, setting));
    }
  }

  async #produce(): Promise<void> {
    const { inputs } = this.#spec;
    const registry = await this.#registry(inputs.map(({ topic }) => topic));
    const producer = this.#platform.client.producer();
    for (const input of inputs) {
      const formats = this.#formats(input.topic, registry);
      const { topic, timestamp = 0, headers = [] } = input;
      await producer.send({ topic, ...encodeInput(input, formats), timestamp, headers });
    }
    await producer.close();
    await this.#platform.settled(new Set(inputs.map(({ topic }) => topic)));
  }

  #formats(topic: string, registry: CaseRegistry): ReturnType<typeof topicFormats> {
    const source = this.#catalog.sources().find((each) => each.topic === topic);
    return topicFormats(source, { topic, registry, exactNumbers: true });
  }

  async #outputs(): Promise<Verdict | undefined> {
    const { outputs } = this.#spec;
    const { client, schemas } = this.#platform;
    const topics = [...new Set(outputs.map(({ topic }) => topic))];
    for (const topic of topics) {
      const expected = outputs.filter((output) => output.topic === topic);
      const partitions = (await client.admin().describeTopics([topic])).get(topic)?.partitions ?? [];
      const consumer = client.consumer({ isolationLevel: 'read_committed' });
      consumer.assign(partitions.map(({ partition }) => ({ topic, partition, offset: 0 })));
      const ends = await client
        .admin()
        .listOffsets(partitions.map(({ partition }) => ({ topic, partition, timestamp: -1 })));
      const found = [];
      while (ends.some((end) => consumer.position(end) < end.offset)) {
        for (const { cursor } of await consumer.poll(100)) {
          while (cursor.advance()) {
            const slice = (from: number, to: number): Buffer | null =>
              from < 0 ? null : Buffer.from(cursor.bytes.subarray(from, to));
            found.push({
              key: slice(cursor.keyStart, cursor.keyEnd),
              value: slice(cursor.valueStart, cursor.valueEnd),
              timestamp: cursor.timestamp,
              headers: [],
            });
          }
        }
      }
      await consumer.close();
      for (const { value, key } of found)
        for (const bytes of [key, value])
          if (bytes !== null && bytes.length > 5 && bytes[0] === 0)
            await schemas.byId(bytes.readInt32BE(1)).catch(() => {});
      const formats = this.#formats(topic, await this.#registry([topic]));
      if (found.length !== expected.length)
        return failed(`topic ${topic}: expected ${expected.length} records, got ${found.length}`);
      for (const [i, want] of expected.entries()) {
        const wrong = recordDifference(want, found[i]!, formats);
        if (wrong !== undefined) return failed(`topic ${topic} record ${i}: ${wrong}`);
      }
    }
    return undefined;
  }

  /** The newest schemas of topics' subjects, and of what they refer to. */
  async #registry(topics: readonly string[]): Promise<CaseRegistry> {
    const { schemas } = this.#platform;
    const newest = new Map<string, RegisteredText>();
    const load = async (subject: string): Promise<void> => {
      if (newest.has(subject)) return;
      const found = await schemas.latest(subject);
      if (found === undefined) return;
      newest.set(subject, found);
      for (const reference of found.references ?? []) await load(reference.subject);
    };
    for (const topic of topics) for (const side of ['key', 'value']) await load(`${topic}-${side}`);
    return { newest: (subject) => newest.get(subject), cached: (id) => schemas.cached(id) };
  }

  #responses(answers: readonly { readonly kind: string; readonly answer: Answer }[]): Verdict | undefined {
    const expected = asList(this.#spec.written['responses']).filter(isObject);
    for (const [i, want] of expected.entries()) {
      const [kind] = Object.keys(want);
      const got = answers[i];
      if (kind === undefined || got?.kind !== kind) return failed(`response ${i}: expected ${kind}, got ${got?.kind}`);
      const wrong = answerDifference(expectedInOrder(want[kind]!), got.answer.body);
      if (wrong !== undefined) return failed(`response ${i}: ${wrong}`);
    }
    return undefined;
  }

  /** A refusal: the expected one, or a failure. */
  #refused({ status, body }: Answer): Verdict {
    const error = errorOf({ status, body })!;
    const expected = this.#spec.written['expectedError'];
    const said = `${status} ${printSpec(error as Spec)}`;
    if (!isObject(expected)) return failed(`refused: ${said}`);
    const message = asText(expected['message']) ?? '';
    if (!(asText(error['message']) ?? '').includes(message))
      return failed(`expected the message: ${message}\ngot: ${said}`);
    const wanted = asNumber(expected['status']);
    if (wanted !== undefined && wanted !== status) return failed(`expected the status ${wanted}, got ${said}`);
    if ((asText(expected['type']) ?? '').endsWith('KsqlStatementErrorMessage')) {
      const last = this.#spec.statements.at(-1)!;
      if (!(asText(error['statementText']) ?? '').includes(last))
        return failed(`expected the statement ${last}, got ${said}`);
    }
    return PASSED;
  }
}

function schemaType(format: string): 'AVRO' | 'JSON' | 'PROTOBUF' {
  const name = format.toUpperCase();
  if (name.startsWith('PROTOBUF')) return 'PROTOBUF';
  return name.startsWith('JSON') ? 'JSON' : 'AVRO';
}
