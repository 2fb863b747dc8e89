// io.confluent.connect.http.HttpSinkConnector: records as requests, one each or several in one body. What was put has been answered
// when `put` returns.
import {
  type ConfigOf,
  atLeast,
  defineConfig,
  oneOfTexts,
  type SinkTask,
  type SinkTaskContext,
  sinkPlugin,
} from '../../api/index.ts';
import { ConnectError, DataError, RetriableError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import { filled, jsonText, plainText } from '../record-text.ts';
import { type HttpRequest, Requests } from './requests.ts';
import { httpConfig, httpProblems, urlProblem } from './settings.ts';

const REQUEST = 'Request';
const BATCH = 'Batches';

const config = defineConfig({
  'http.api.url': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Where requests go. ${topic}, ${key}, ${partition}, ${offset} and the fields of values (${customer.id}) are put in.',
    group: REQUEST,
    validator: urlProblem,
  },
  'request.method': {
    type: 'STRING',
    default: 'POST',
    importance: 'HIGH',
    doc: 'POST, PUT, PATCH or DELETE.',
    group: REQUEST,
    validator: oneOfTexts('POST', 'PUT', 'PATCH', 'DELETE', 'post', 'put', 'patch', 'delete'),
  },
  'request.body.format': {
    type: 'STRING',
    default: 'string',
    importance: 'MEDIUM',
    doc: 'What bodies are: string (texts as they are, all else as JSON) or json.',
    group: REQUEST,
    validator: oneOfTexts('string', 'json'),
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'ignore',
    importance: 'MEDIUM',
    doc: 'What a record without a value is: ignore, delete (a DELETE request without a body), fail.',
    group: REQUEST,
    validator: oneOfTexts('ignore', 'delete', 'fail', 'IGNORE', 'DELETE', 'FAIL'),
  },
  'batch.max.size': {
    type: 'INT',
    default: 1,
    importance: 'HIGH',
    doc: 'How many records a request has at most.',
    group: BATCH,
    validator: atLeast(1),
  },
  'batch.key.pattern': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Records for which this text is the same go together: ${key}, ${topic}, fields. Empty: those with the same URL.',
    group: BATCH,
  },
  'batch.prefix': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'What stands before the records of a request.',
    group: BATCH,
  },
  'batch.suffix': { type: 'STRING', default: '', importance: 'LOW', doc: 'What stands behind them.', group: BATCH },
  'batch.separator': {
    type: 'STRING',
    default: ',',
    importance: 'LOW',
    doc: 'What stands between them.',
    group: BATCH,
  },
  'batch.json.as.array': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether bodies of JSON are arrays, also those of one record.',
    group: BATCH,
  },
  ...httpConfig,
});
type Config = ConfigOf<typeof config>;

export const httpSink = sinkPlugin({
  className: 'io.confluent.connect.http.HttpSinkConnector',
  version: '1.7.0',
  config,
  validate: (given) => httpProblems(given),
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new HttpSinkTask(),
});

/** Records of one request. */
interface Batch {
  readonly url: string;
  readonly method: string;
  readonly records: SinkRecord[];
}

class HttpSinkTask implements SinkTask<Config> {
  #config!: Config;
  #context!: SinkTaskContext;
  #requests!: Requests;
  readonly #stopping = new AbortController();

  start(given: Config, context: SinkTaskContext): void {
    this.#config = given;
    this.#context = context;
    this.#requests = new Requests(given, context.environment);
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    for (const batch of await this.#batches(records)) await this.#send(batch);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #batches(records: readonly SinkRecord[]): Promise<Batch[]> {
    const { 'batch.max.size': most, 'batch.key.pattern': pattern } = this.#config;
    const open = new Map<string, Batch>();
    const all: Batch[] = [];
    for (const record of records) {
      try {
        const method = this.#methodFor(record);
        if (method === undefined) continue;
        const url = filled(this.#config['http.api.url'], record, encodeURIComponent);
        const key = JSON.stringify([method, url, pattern === '' ? '' : filled(pattern, record)]);
        let batch = open.get(key);
        if (batch === undefined || batch.records.length >= most || method === 'DELETE') {
          batch = { url, method, records: [] };
          open.set(key, batch);
          all.push(batch);
        }
        batch.records.push(record);
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        await this.#context.reportErrant(record, error);
      }
    }
    return all;
  }

  /** Undefined: the record is passed over. */
  #methodFor(record: SinkRecord): string | undefined {
    const method = this.#config['request.method'].toUpperCase();
    if (record.value !== null) return method;
    switch (this.#config['behavior.on.null.values'].toLowerCase()) {
      case 'ignore':
        return undefined;
      case 'delete':
        return 'DELETE';
      default:
        throw new DataError(
          `the record at offset ${record.originalOffset} of ${record.originalTopic} has no value (behavior.on.null.values=fail)`,
        );
    }
  }

  async #send(batch: Batch): Promise<void> {
    try {
      await this.#requests.send(this.#request(batch), this.#stopping.signal);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // All attempts have been made.
      const final = error instanceof RetriableError ? new ConnectError(error.message, { cause: error }) : error;
      if (this.#stopping.signal.aborted) throw error;
      for (const record of batch.records) await this.#context.reportErrant(record, final);
    }
  }

  #request({ url, method, records }: Batch): HttpRequest {
    if (records[0]!.value === null) return { method, url };
    const { 'batch.prefix': prefix, 'batch.suffix': suffix, 'batch.separator': separator } = this.#config;
    const isJson = this.#config['request.body.format'] === 'json';
    const texts = records.map(({ valueSchema, value }) => (isJson ? jsonText : plainText)(valueSchema, value));
    const isArray = this.#config['batch.json.as.array'];
    const body = isArray ? `[${texts.join(',')}]` : `${prefix}${texts.join(separator)}${suffix}`;
    return { method, url, body, contentType: isJson || isArray ? 'application/json' : 'text/plain; charset=utf-8' };
  }
}
