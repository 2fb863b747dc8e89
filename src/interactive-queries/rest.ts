// Stores over HTTP. One path for instances, whose lines are those of Streams (`answerLines`), streamed with back-pressure: who
// goes away ends its query. Nothing is decided here.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { HttpRefusal, httpServer, METRICS_PATH, readRimSettings, rimSettingsOf } from '../rim/index.ts';
import { type AnsweringInstance, answerLines, PROMETHEUS_TYPE } from '../streams/index.ts';
import { codeOf, type GivenSettings, messageOf, MillraceError, readSettings } from '../util/index.ts';

/** What the server may be told, under names that begin with `application.server.`: TLS, logins, hosts, origins. */
export const storeServerSettings = rimSettingsOf('application.server.', { 'authentication.realm': 'Streams' });

export interface StoreServerOptions {
  /** Where it listens. Default 127.0.0.1, which other machines do not reach. */
  readonly host?: string;
  /** 0, the default: any that is free. */
  readonly port?: number;
  /** How others reach it, where that is not where it listens: `host:port`. */
  readonly advertised?: string;
  /** Answers over TLS, with the certificates that the settings name. Default false. */
  readonly isTls?: boolean;
  /** Of `storeServerSettings`. */
  readonly settings?: GivenSettings;
  readonly log?: (message: string) => void;
}

/** A `KafkaStreams`, or one with threads. */
export interface ServedInstance extends AnsweringInstance {
  prometheus(): Promise<string>;
}

export const QUERY_PATH = '/stores/query';
export const LINES = 'application/x-ndjson';
const JSON_TYPE = 'application/json';
const BODY_BYTES_MAX = 1024 * 1024;

/** By code, the status of what is refused before the first line. */
const STATUS: Readonly<Record<string, number>> = { INVALID_ARGUMENT: 400, UNKNOWN_STORE: 404, INVALID_STATE: 503 };

/** Listens before the instance is made, which has to be told the `address`; then serves its stores. */
export class StoreServer {
  /** `host:port`, for the instance's `applicationServer`. */
  readonly address: string;
  readonly #app: FastifyInstance;
  readonly #served: { streams: ServedInstance | undefined };

  private constructor(app: FastifyInstance, address: string, served: { streams: ServedInstance | undefined }) {
    this.#app = app;
    this.address = address;
    this.#served = served;
  }

  static async listen(options: StoreServerOptions = {}): Promise<StoreServer> {
    const { host = '127.0.0.1', port = 0, advertised, isTls = false, settings = {}, log = () => {} } = options;
    const { app } = httpServer({
      settings: readRimSettings('application.server.', readSettings(storeServerSettings, settings)),
      isTls,
      bodyBytesMax: BODY_BYTES_MAX,
      consumes: [JSON_TYPE],
      fail,
      log,
    });
    const served: { streams: ServedInstance | undefined } = { streams: undefined };
    app.post(QUERY_PATH, async (request, reply) => {
      if (served.streams === undefined) {
        throw new MillraceError('INVALID_STATE', 'no instance is served here yet', { retriable: true });
      }
      return reply.type(LINES).send(await streamed(answerLines(served.streams, String(request.body))));
    });
    app.get(METRICS_PATH, async (_request, reply) => {
      return reply.type(PROMETHEUS_TYPE).send((await served.streams?.prometheus()) ?? '');
    });
    await app.listen({ host, port });
    const { port: bound } = app.server.address() as { readonly port: number };
    return new StoreServer(app, advertised ?? `${host.includes(':') ? `[${host}]` : host}:${bound}`, served);
  }

  /** Whose stores are answered for from now on. */
  serve(streams: ServedInstance): void {
    this.#served.streams = streams;
  }

  /** Resolves when the answers under way are written. */
  async close(): Promise<void> {
    await this.#app.close();
  }
}

/** The first line is waited for, so that what is refused has a status. */
async function streamed(lines: AsyncGenerator<object>): Promise<Readable> {
  const first = await lines.next();
  async function* texts(): AsyncGenerator<string> {
    try {
      for (let at = first; at.done !== true; at = await lines.next()) yield `${JSON.stringify(at.value)}\n`;
    } finally {
      await lines.return(undefined);
    }
  }
  return Readable.from(texts());
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const code = codeOf(error) ?? 'INTERNAL';
  const status = error instanceof HttpRefusal ? error.statusCode : (STATUS[code] ?? statusOf(error));
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(JSON.stringify({ error: { code, message: messageOf(error) } }));
}

/** What Fastify itself refuses says with which status. */
function statusOf(error: unknown): number {
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : 500;
}
