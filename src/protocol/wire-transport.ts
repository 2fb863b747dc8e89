import { type Deferred, deferred, MillraceError } from '../util/index.ts';
import { type AnyApi, type Api, create, respond } from './api.ts';
import { ErrorCode } from './errors.ts';
import { decodeResponse, encodeRequest, FrameSplitter } from './frame.ts';
import { FrameWriter } from './frame-writer.ts';
import { apiVersions } from './messages/api-versions.ts';
import { produce } from './messages/produce.ts';
import type { Draft } from './schema.ts';
import type { Transport } from './transport.ts';

/** The socket's side of a `WireTransport`. */
export interface WireSocket {
  /** Sends the pieces in order, in one gathered write where possible. */
  send(pieces: Buffer[]): void;
  /** Drops the connection. */
  destroy(): void;
}

interface Waiting {
  readonly correlationId: number;
  readonly api: AnyApi;
  readonly version: number;
  readonly answer: Deferred<unknown>;
}

interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The client's end of the wire protocol over any stream of bytes: versions are negotiated, requests framed and answers
 * matched. Whoever owns the socket hands received bytes to `receive`, calls `disconnected` when it is gone, and must
 * `negotiate` before the first request.
 */
export class WireTransport implements Transport {
  readonly closed: Promise<void>;
  features: ReadonlyMap<string, number> = new Map();
  readonly #socket: WireSocket;
  readonly #clientId: string | null;
  readonly #splitter: FrameSplitter;
  readonly #waiting: Waiting[] = [];
  readonly #closed = deferred();
  #ranges: ReadonlyMap<number, VersionRange> = new Map();
  #nextCorrelationId = 1;
  #failure: MillraceError | undefined;

  constructor(socket: WireSocket, options: { clientId?: string | null; maxFrameBytes?: number } = {}) {
    this.#socket = socket;
    this.#clientId = options.clientId ?? null;
    this.#splitter = new FrameSplitter(options.maxFrameBytes ?? 0x7fffffff);
    this.closed = this.#closed.promise;
  }

  /** Asks the broker what it speaks: in our version first, and in version 0 when the broker answers that it is older. */
  async negotiate(softwareName: string, softwareVersion: string): Promise<void> {
    const request = create(apiVersions, {
      clientSoftwareName: softwareName,
      clientSoftwareVersion: softwareVersion,
    });
    let answer = await this.#send(apiVersions, apiVersions.maxVersion, request);
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      const offered = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)?.maxVersion ?? 0;
      answer = await this.#send(apiVersions, Math.min(offered, apiVersions.maxVersion), request);
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new MillraceError('UNSUPPORTED_VERSION', `The broker refused ApiVersions with error ${answer.errorCode}.`);
    }
    this.#ranges = new Map(answer.apiKeys.map((key) => [key.apiKey, { min: key.minVersion, max: key.maxVersion }]));
    if (answer.finalizedFeaturesEpoch >= 0) {
      this.features = new Map(answer.finalizedFeatures.map((feature) => [feature.name, feature.maxVersionLevel]));
    }
  }

  versionOf(api: AnyApi): number | undefined {
    const range = this.#ranges.get(api.key);
    if (range === undefined) return undefined;
    const version = Math.min(range.max, api.maxVersion);
    return version >= Math.max(range.min, api.minVersion) ? version : undefined;
  }

  request<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res> {
    const version = this.versionOf(api);
    if (version === undefined) {
      const what = `The broker does not speak ${api.name} in the versions ${api.minVersion}-${api.maxVersion}.`;
      return Promise.reject(this.#failure ?? new MillraceError('UNSUPPORTED_VERSION', what));
    }
    return this.#send(api, version, body);
  }

  /** Bytes from the socket. A broker that does not keep to the protocol loses the connection. */
  receive(chunk: Buffer): void {
    try {
      for (const frame of this.#splitter.push(chunk)) this.#answer(frame);
    } catch (error) {
      this.#fail(lost(error));
      this.#socket.destroy();
    }
  }

  /** The socket is gone: every request that waits is rejected, with the cause where that is a `MillraceError`. */
  disconnected(cause?: unknown): void {
    this.#fail(cause instanceof MillraceError ? cause : lost(cause));
  }

  close(): void {
    this.#fail(lost());
    this.#socket.destroy();
  }

  #send<Req, Res>(api: Api<Req, Res>, version: number, body: Req): Promise<Res> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff;
    const out = new FrameWriter();
    try {
      encodeRequest(api, version, correlationId, this.#clientId, body, out);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#socket.send(out.take());
    if (isUnanswered(api, body)) return Promise.resolve(respond(api, {} as Draft<Res>));
    const answer = deferred<unknown>();
    this.#waiting.push({ correlationId, api, version, answer });
    return answer.promise as Promise<Res>;
  }

  #answer(frame: Buffer): void {
    const waiting = this.#waiting.shift();
    const correlationId = frame.length >= 4 ? frame.readInt32BE(0) : -1;
    if (waiting === undefined || waiting.correlationId !== correlationId) {
      if (waiting !== undefined) this.#waiting.unshift(waiting);
      throw new MillraceError('MALFORMED_MESSAGE', `The broker answered request ${correlationId} out of turn.`);
    }
    // An ApiVersions request in a version that the broker does not know is answered in version 0.
    const refused = waiting.api.key === apiVersions.key && frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION;
    try {
      waiting.answer.resolve(decodeResponse(waiting.api, refused ? 0 : waiting.version, frame));
    } catch (error) {
      waiting.answer.reject(error);
      throw error;
    }
  }

  #fail(failure: MillraceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const { answer } of this.#waiting.splice(0)) answer.reject(failure);
    this.#closed.resolve();
  }
}

function lost(cause?: unknown): MillraceError {
  return new MillraceError('CONNECTION_LOST', 'The connection to the broker is closed.', { retriable: true, cause });
}

/** True for a request that a broker never answers: Produce with acks=0. */
export function isUnanswered(api: AnyApi, body: unknown): boolean {
  return api.key === produce.key && (body as { acks: number }).acks === 0;
}
