// millrace.connect.WebhookSource: requests that others send, as records. A request is answered when its record is safely in the topic, so
// that whoever sends again what was not answered loses nothing.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { codeOf, nodeHttp } from '../../../util/index.ts';
import {
  atLeast,
  between,
  type ConfigOf,
  defineConfig,
  nonEmpty,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { ConnectError } from '../../data/errors.ts';
import { type ConnectHeader, type SourceRecord, sourceRecord } from '../../data/record.ts';
import { STRING } from '../../data/schema.ts';

const config = defineConfig({
  topic: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The topic; ${path} is the path of a request behind webhook.path, with points for slashes.',
    validator: nonEmpty,
  },
  'webhook.host': { type: 'STRING', default: '127.0.0.1', importance: 'HIGH', doc: 'Where requests are waited for.' },
  'webhook.port': {
    type: 'INT',
    importance: 'HIGH',
    doc: 'The port there; 0: one that is free, which the log says.',
    validator: between(0, 65_535),
  },
  'webhook.path': {
    type: 'STRING',
    default: '/',
    importance: 'MEDIUM',
    doc: 'The paths that requests must begin with.',
  },
  'webhook.max.body.bytes': {
    type: 'INT',
    default: 1_000_000,
    importance: 'LOW',
    doc: 'The largest body; larger ones are answered 413.',
    validator: atLeast(1),
  },
  'webhook.secret': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: 'With it, bodies must be signed: HMAC-SHA256 in hexadecimal, in webhook.signature.header.',
  },
  'webhook.signature.header': {
    type: 'STRING',
    default: 'x-hub-signature-256',
    importance: 'LOW',
    doc: 'The header with the signature; `sha256=` may stand before it.',
  },
  'webhook.key.header': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: "The header whose value is the record's key; empty: records have none.",
  },
});
type Config = ConfigOf<typeof config>;

export const webhookSource = sourcePlugin({
  className: 'millrace.connect.WebhookSourceConnector',
  version: '1.0.0',
  config,
  create: (_config, raw) => ({ taskConfigs: () => [raw] }),
  task: () => new WebhookSourceTask(),
});

/** A request that waits for its record to be safe. */
interface Waiting {
  readonly record: SourceRecord;
  readonly response: ServerResponse;
}

/** More are answered 503, so that senders slow down. */
const WAITING_MAX = 10_000;

class WebhookSourceTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #server: Server | undefined;
  #arrived: Waiting[] = [];
  /** Handed to the worker, by record. */
  readonly #handed = new Map<SourceRecord, ServerResponse>();
  #wake: () => void = () => {};

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    const server = nodeHttp.http.createServer((request, response) => void this.#take(request, response));
    this.#server = server;
    const { 'webhook.host': host, 'webhook.port': port } = given;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new ConnectError(`${host}:${port} cannot be listened on: ${codeOf(error)}`, { cause: error })),
      );
      server.listen(port, host, resolve);
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null)
      context.log.info(`waiting for requests on http://${host}:${address.port}`);
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    if (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve());
        if (signal.aborted || this.#arrived.length > 0) resolve();
      });
    }
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const { record, response } of arrived) this.#handed.set(record, response);
    return arrived.map(({ record }) => record);
  }

  commitRecord(record: SourceRecord): void {
    const response = this.#handed.get(record);
    this.#handed.delete(record);
    if (response !== undefined) answer(response, 200, 'taken');
  }

  async stop(): Promise<void> {
    for (const response of [...this.#handed.values(), ...this.#arrived.map((waiting) => waiting.response)])
      answer(response, 503, 'stopped before it was safe: send it again');
    const server = this.#server;
    if (server === undefined) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeIdleConnections();
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      request.resume();
      answer(response, ...refusal);
      return;
    }
    const body = await this.#body(request, response);
    if (body === undefined) return;
    if (!this.#isSigned(request, body)) {
      answer(response, 401, `the signature in ${this.#config['webhook.signature.header']} is missing or wrong`);
      return;
    }
    this.#arrived.push({ record: this.#record(request, body), response });
    this.#wake();
  }

  #refusal(request: IncomingMessage): [number, string] | undefined {
    if (request.method !== 'POST' && request.method !== 'PUT') return [405, 'send POST or PUT'];
    if (!(request.url ?? '/').startsWith(this.#config['webhook.path']))
      return [404, 'nothing is taken under this path'];
    if (this.#arrived.length + this.#handed.size >= WAITING_MAX) return [503, 'too many requests wait: send it later'];
    return undefined;
  }

  async #body(request: IncomingMessage, response: ServerResponse): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size <= this.#config['webhook.max.body.bytes']) chunks.push(chunk);
      }
    } catch {
      // Whoever sent it is gone.
      return undefined;
    }
    if (size <= this.#config['webhook.max.body.bytes']) return Buffer.concat(chunks);
    answer(response, 413, `a body has ${this.#config['webhook.max.body.bytes']} bytes at most`);
    return undefined;
  }

  #isSigned(request: IncomingMessage, body: Buffer): boolean {
    const secret = this.#config['webhook.secret'];
    if (secret === null) return true;
    const given = [request.headers[this.#config['webhook.signature.header'].toLowerCase()]].flat()[0] ?? '';
    const expected = createHmac('sha256', secret.reveal()).update(body).digest();
    const signature = Buffer.from(given.replace(/^sha256=/, ''), 'hex');
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  #record(request: IncomingMessage, body: Buffer): SourceRecord {
    const path = (request.url ?? '/').replace(/\?.*$/, '').slice(this.#config['webhook.path'].length);
    const keyHeader = this.#config['webhook.key.header'].toLowerCase();
    const key = keyHeader === '' ? undefined : [request.headers[keyHeader]].flat()[0];
    const headers: ConnectHeader[] = ['content-type', 'user-agent', 'x-request-id', 'x-github-event'].flatMap(
      (name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [{ key: name, schema: STRING, value }] : [];
      },
    );
    return sourceRecord({
      topic: this.#config.topic.replaceAll(
        '${path}',
        path
          .split('/')
          .filter((part) => part !== '')
          .join('.'),
      ),
      ...(key === undefined ? {} : { key, keySchema: STRING }),
      value: body.toString(),
      valueSchema: STRING,
      timestamp: this.#context.environment.now(),
      headers: [...headers, { key: 'path', schema: STRING, value: request.url ?? '/' }],
      sourcePartition: {},
      sourceOffset: {},
    });
  }
}

function answer(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify({ message })}\n`);
}
