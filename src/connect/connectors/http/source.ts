// io.confluent.connect.http.HttpSourceConnector: what a service answers, asked again and again, one topic per path. How asking goes on is
// the offset mode: SIMPLE_INCREMENTING (the next page has the next number), CHAINING (the next request has something of the last record),
// CURSOR_PAGINATION (the answer says what the next request has), SNAPSHOT_PAGINATION (pages by the last record, then all anew).
import {
  type ConfigOf,
  atLeast,
  defineConfig,
  nonEmptyList,
  oneOfTexts,
  type RawConfig,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { parseSchemaless } from '../../converters/json/reader.ts';
import { jsonWriter } from '../../converters/json/writer.ts';
import { ConnectError } from '../../data/errors.ts';
import { type SourcePartition, type SourceRecord, sourceRecord } from '../../data/record.ts';
import { STRING } from '../../data/schema.ts';
import { Requests } from './requests.ts';
import { httpConfig, httpProblems, urlProblem } from './settings.ts';

const REQUEST = 'Request';
const ANSWER = 'Answer';

const config = defineConfig({
  url: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Where requests go; ${entityName} and ${offset} are put in.',
    group: REQUEST,
    validator: urlProblem,
  },
  'entity.names': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'What is asked for: each has its own offset and topic.',
    group: REQUEST,
    validator: nonEmptyList,
  },
  'topic.name.pattern': {
    type: 'STRING',
    default: '${entityName}',
    importance: 'HIGH',
    doc: 'The topic; ${entityName} is put in.',
    group: REQUEST,
  },
  'http.request.method': {
    type: 'STRING',
    default: 'GET',
    importance: 'MEDIUM',
    doc: 'GET, POST or PUT.',
    group: REQUEST,
    validator: oneOfTexts('GET', 'POST', 'PUT'),
  },
  'http.request.parameters': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The query of the URL, `name=value` with & between; ${entityName} and ${offset} are put in.',
    group: REQUEST,
  },
  'http.request.body': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'The body; ${entityName} and ${offset} are put in.',
    group: REQUEST,
  },
  'request.interval.ms': {
    type: 'LONG',
    default: 15_000,
    importance: 'HIGH',
    doc: 'How long is waited between requests that bring nothing new.',
    group: REQUEST,
    validator: atLeast(1),
  },
  'http.offset.mode': {
    type: 'STRING',
    default: 'SIMPLE_INCREMENTING',
    importance: 'HIGH',
    doc: 'How asking goes on: SIMPLE_INCREMENTING, CHAINING, CURSOR_PAGINATION or SNAPSHOT_PAGINATION.',
    group: REQUEST,
    validator: oneOfTexts('SIMPLE_INCREMENTING', 'CHAINING', 'CURSOR_PAGINATION', 'SNAPSHOT_PAGINATION'),
  },
  'http.initial.offset': {
    type: 'STRING',
    default: '0',
    importance: 'MEDIUM',
    doc: 'What ${offset} is in the first request.',
    group: REQUEST,
  },
  'http.response.data.json.pointer': {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: 'Where in the answer the records are (RFC 6901): an array, or one value. Empty: the answer itself.',
    group: ANSWER,
  },
  'http.offset.json.pointer': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'Where in a record the next ${offset} is (CHAINING, SNAPSHOT_PAGINATION).',
    group: ANSWER,
  },
  'http.next.page.json.pointer': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'Where in the answer the next ${offset}, or the next URL, is (CURSOR_PAGINATION).',
    group: ANSWER,
  },
  ...httpConfig,
});
type Config = ConfigOf<typeof config>;

export const httpSource = sourcePlugin({
  className: 'io.confluent.connect.http.HttpSourceConnector',
  version: '1.0.0',
  config,
  validate(given) {
    const problems = httpProblems(given);
    const need = (name: 'http.offset.json.pointer' | 'http.next.page.json.pointer', modes: readonly string[]): void => {
      if (modes.includes(given['http.offset.mode']) && given[name] === '')
        problems.push({ name, message: `http.offset.mode ${given['http.offset.mode']} needs ${name}` });
    };
    need('http.offset.json.pointer', ['CHAINING', 'SNAPSHOT_PAGINATION']);
    need('http.next.page.json.pointer', ['CURSOR_PAGINATION']);
    return problems;
  },
  create: (given, raw) => ({ taskConfigs: (maxTasks) => shared(given['entity.names'], raw, maxTasks) }),
  task: () => new HttpSourceTask(),
});

function shared(names: readonly string[], raw: RawConfig, maxTasks: number): RawConfig[] {
  const count = Math.min(maxTasks, names.length);
  return Array.from({ length: count }, (_, task) => ({
    ...raw,
    'entity.names': names.filter((_name, i) => i % count === task).join(','),
  }));
}

/** One of what is asked for. */
interface Entity {
  readonly name: string;
  readonly partition: SourcePartition;
  offset: string;
  /** When it is asked for next. */
  at: number;
}

class HttpSourceTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #requests!: Requests;
  #entities: Entity[] = [];

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    this.#requests = new Requests(given, context.environment);
    const partitions = given['entity.names'].map((name) => ({ entity: name, url: given.url }));
    const offsets = await context.offsets(partitions);
    this.#entities = partitions.map((partition, i) => ({
      name: partition.entity,
      partition,
      offset: String(offsets[i]?.['offset'] ?? given['http.initial.offset']),
      at: 0,
    }));
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const { environment } = this.#context;
    const [next] = this.#entities.toSorted((a, b) => a.at - b.at);
    const waitMs = next!.at - environment.now();
    if (waitMs > 0) await this.#context.pause(waitMs, signal);
    if (signal.aborted) return [];
    return this.#ask(next!, signal);
  }

  stop(): void {}

  async #ask(entity: Entity, signal: AbortSignal): Promise<SourceRecord[]> {
    const { environment } = this.#context;
    const fill = (text: string): string =>
      text.replaceAll('${entityName}', entity.name).replaceAll('${offset}', entity.offset);
    const body = this.#config['http.request.body'];
    const { text, status } = await this.#requests.send(
      {
        method: this.#config['http.request.method'],
        url: this.#url(entity, fill),
        ...(body === '' ? {} : { body: fill(body) }),
      },
      signal,
    );
    const answer = text.trim() === '' ? null : readAnswer(text, `${entity.name}: the answer with status ${status}`);
    const data = pointed(answer, this.#config['http.response.data.json.pointer']);
    const found = data === undefined || data === null ? [] : Array.isArray(data) ? data : [data];
    const records = this.#records(entity, found, answer);
    if (records.length === 0) entity.at = environment.now() + this.#config['request.interval.ms'];
    return records;
  }

  #url(entity: Entity, fill: (text: string) => string): string {
    // A cursor may be the whole URL.
    if (this.#config['http.offset.mode'] === 'CURSOR_PAGINATION' && /^https?:\/\//i.test(entity.offset))
      return entity.offset;
    const parameters = this.#config['http.request.parameters'];
    const url = fill(this.#config.url);
    if (parameters === '') return url;
    const encoded = parameters
      .split('&')
      .map((pair) =>
        pair
          .split('=')
          .map((part) => encodeURIComponent(fill(part)))
          .join('='),
      )
      .join('&');
    return `${url}${url.includes('?') ? '&' : '?'}${encoded}`;
  }

  /** The records, each with the offset that asking goes on with behind it. */
  #records(entity: Entity, found: readonly unknown[], answer: unknown): SourceRecord[] {
    const before = entity.offset;
    const made: SourceRecord[] = [];
    found.forEach((data, i) => {
      const isLast = i === found.length - 1;
      const offset = this.#offsetBehind(before, data, isLast, answer);
      const value = typeof data === 'string' ? data : jsonWriter(null, JSON_OPTIONS)(data);
      const topic = this.#config['topic.name.pattern'].replaceAll('${entityName}', entity.name);
      made.push(
        sourceRecord({
          topic,
          value,
          valueSchema: STRING,
          timestamp: this.#context.environment.now(),
          sourcePartition: entity.partition,
          sourceOffset: { offset },
        }),
      );
      if (isLast) entity.offset = offset;
    });
    if (found.length === 0 && this.#config['http.offset.mode'] === 'SNAPSHOT_PAGINATION') {
      entity.offset = this.#config['http.initial.offset'];
    }
    return made;
  }

  #offsetBehind(before: string, data: unknown, isLast: boolean, answer: unknown): string {
    switch (this.#config['http.offset.mode']) {
      case 'SIMPLE_INCREMENTING':
        return isLast ? String(BigInt(before) + 1n) : before;
      case 'CURSOR_PAGINATION': {
        const next = pointed(answer, this.#config['http.next.page.json.pointer']);
        return isLast && next !== undefined && next !== null ? String(next) : before;
      }
      default: {
        const next = pointed(data, this.#config['http.offset.json.pointer']);
        if (next === undefined || next === null)
          throw new ConnectError(
            `a record has nothing at ${this.#config['http.offset.json.pointer']} (http.offset.json.pointer): ${JSON.stringify(data)?.slice(0, 200)}`,
          );
        return String(next);
      }
    }
  }
}

const JSON_OPTIONS = { decimalFormat: 'NUMERIC', replaceNull: false } as const;

function readAnswer(text: string, what: string): unknown {
  try {
    return parseSchemaless(text);
  } catch (error) {
    throw new ConnectError(`${what} is no JSON: ${text.slice(0, 200)}`, { cause: error });
  }
}

/** RFC 6901 */
function pointed(value: unknown, pointer: string): unknown {
  if (pointer === '' || pointer === '/') return value;
  let at: unknown = value;
  for (const token of pointer.slice(1).split('/')) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
