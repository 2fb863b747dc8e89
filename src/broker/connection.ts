import {
  type AnyApi,
  type Api,
  apiVersions,
  type BrokerAddress,
  ByteReader,
  encodeResponse,
  FrameSplitter,
  FrameWriter,
  isUnanswered,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
} from '../protocol/index.ts';
import { codeOf, messageOf } from '../util/index.ts';
import type { Core } from './core.ts';
import { unsupportedApiVersions } from './handlers/api-versions.ts';
import { IN_PROCESS_HOST } from './groups/group-member.ts';
import { handlerOf } from './handlers/index.ts';
import type { RequestHolder } from './request-memory.ts';

/** The socket's side of a connection. */
export interface ConnectionSocket {
  /** Sends the pieces in order; false when the client is slow and the next ones should wait. */
  send(pieces: Buffer[]): boolean;
  /** Stops or resumes reading from the client. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** The answer to one request, in the place that its request has among the others. */
interface Slot {
  pieces: Buffer[] | undefined;
  /** Of the request, while it waits for its answer. */
  readonly bytes: number;
}

/**
 * The broker's end of a connection, without the socket. Requests take effect in their order, and answers go out in that
 * order even when a later one is ready first. A client that sends faster than it is answered, or reads more slowly, is
 * not read from until it has caught up.
 */
export class Connection implements RequestHolder {
  readonly #core: Core;
  readonly #socket: ConnectionSocket;
  readonly #endpoint: BrokerAddress;
  readonly #clientHost: string;
  readonly #splitter: FrameSplitter;
  readonly #maxUnanswered: number;
  #frames: Buffer[] = [];
  #slots: Slot[] = [];
  #isPaused = false;
  #isCongested = false;
  /** Requests that are worked on in several turns, and hold back what is behind them. */
  #holds = 0;
  #isClosed = false;
  /** Bytes of requests that have arrived and are not answered. */
  #unanswered = 0;
  readonly #onClose = new Set<() => void>();
  /** The broker's time of the last request. */
  lastRequestAt: number;

  constructor(core: Core, socket: ConnectionSocket, endpoint: BrokerAddress, clientHost: string) {
    this.#core = core;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#clientHost = clientHost;
    this.#splitter = new FrameSplitter(core.settings['socket.request.max.bytes']);
    this.#maxUnanswered = core.settings['queued.max.requests'];
    this.lastRequestAt = core.environment.now();
  }

  /** True while a request waits for its answer. */
  get isBusy(): boolean {
    return this.#slots.length > 0;
  }

  get unfinishedBytes(): number {
    return this.#splitter.unfinishedBytes;
  }

  get missingBytes(): number {
    return this.#splitter.missingBytes;
  }

  lookAgain(): void {
    this.#work();
  }

  refuse(reason: string): void {
    this.#drop(reason);
  }

  receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.lastRequestAt = this.#core.environment.now();
    try {
      const frames = this.#splitter.push(chunk);
      for (const frame of frames) this.#unanswered += frame.length;
      this.#frames = this.#frames.length === 0 ? frames : [...this.#frames, ...frames];
    } catch (error) {
      this.#drop(messageOf(error));
      return;
    }
    this.#work();
  }

  /** The client has taken what was sent. */
  drained(): void {
    this.#isCongested = false;
    this.#work();
  }

  closed(): void {
    this.#isClosed = true;
    this.#frames = [];
    this.#slots = [];
    this.#core.requestMemory.forget(this);
    for (const callback of this.#onClose) callback();
    this.#onClose.clear();
  }

  /** Handles what has been received, as far as backpressure allows. */
  #work(): void {
    let done = 0;
    while (!this.#isClosed && done < this.#frames.length && this.#mayGoOn()) this.#handle(this.#frames[done++]!);
    if (this.#isClosed) return;
    if (done > 0) this.#frames = this.#frames.slice(done);
    const hasRoom = this.#hasRoom();
    if (this.#isClosed) return;
    const shouldPause = this.#frames.length > 0 || !this.#mayGoOn() || !hasRoom;
    if (shouldPause === this.#isPaused) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Our own threads are never held back: what others send must not stop the platform. */
  #hasRoom(): boolean {
    const { requestMemory } = this.#core;
    requestMemory.note(this, this.#unanswered);
    return this.#clientHost === IN_PROCESS_HOST || requestMemory.admits(this);
  }

  #mayGoOn(): boolean {
    return !this.#isCongested && this.#holds === 0 && this.#slots.length < this.#maxUnanswered;
  }

  #handle(frame: Buffer): void {
    try {
      const from = new ByteReader(frame);
      from.elementsLeft = this.#core.settings['request.max.elements'];
      const header = readRequestHeader(from);
      const { apiKey, apiVersion: version, correlationId } = header;
      const handler = handlerOf(apiKey);
      if (handler === undefined || version < handler.api.minVersion || version > handler.api.maxVersion) {
        if (apiKey !== apiVersions.key) this.#drop(`API ${apiKey} in version ${version} is not supported`);
        else
          this.#answer({
            pieces: encode(apiVersions, 0, correlationId, unsupportedApiVersions()),
            bytes: frame.length,
          });
        return;
      }
      const request = readRequestBody(handler.api, version, from);
      const response = handler.handle(request, {
        core: this.#core,
        version,
        clientId: header.clientId ?? '',
        clientHost: this.#clientHost,
        endpoint: this.#endpoint,
        hold: () => this.#hold(),
        onClose: this.#onClose,
      });
      const { length: bytes } = frame;
      if (isUnanswered(handler.api, request)) this.#takeUnanswered(response, bytes);
      else if (response instanceof Promise) this.#answerLater(handler.api, header, bytes, response);
      else this.#answer({ pieces: encode(handler.api, version, correlationId, response), bytes });
    } catch (error) {
      this.#drop(describe(error));
    }
  }

  #hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      this.#work();
    };
  }

  #answer(slot: Slot): void {
    this.#slots.push(slot);
    this.#sendReady();
  }

  #answerLater(
    api: AnyApi,
    { apiVersion, correlationId }: RequestHeader,
    bytes: number,
    response: Promise<unknown>,
  ): void {
    const slot: Slot = { pieces: undefined, bytes };
    this.#slots.push(slot);
    response
      .then((body) => {
        slot.pieces = encode(api, apiVersion, correlationId, body);
        this.#sendReady();
        this.#work();
      })
      .catch((error: unknown) => this.#drop(`${api.name} failed: ${describe(error)}`));
  }

  /** A produce without an answer. */
  #takeUnanswered(response: unknown, bytes: number): void {
    if (response instanceof Promise) {
      response
        .then((body) => {
          this.#unanswered -= bytes;
          this.#closeOnError(body);
          this.#work();
        })
        .catch((error: unknown) => this.#drop(describe(error)));
      return;
    }
    this.#unanswered -= bytes;
    this.#closeOnError(response);
  }

  /** Sends the answers whose turn it is. */
  #sendReady(): void {
    if (this.#isClosed) return;
    let ready = 0;
    const pieces: Buffer[] = [];
    while (ready < this.#slots.length && this.#slots[ready]!.pieces !== undefined) {
      const slot = this.#slots[ready++]!;
      pieces.push(...slot.pieces!);
      this.#unanswered -= slot.bytes;
    }
    if (ready === 0) return;
    this.#slots = this.#slots.slice(ready);
    if (!this.#socket.send(pieces)) this.#isCongested = true;
  }

  /** A produce without an answer has only one way to say that it failed. */
  #closeOnError(response: unknown): void {
    const { responses } = response as { responses: { partitionResponses: { errorCode: number }[] }[] };
    const failed = responses.flatMap((topic) => topic.partitionResponses).find((part) => part.errorCode !== 0);
    if (failed !== undefined) this.#drop(`a produce with acks=0 failed with error ${failed.errorCode}`);
  }

  #drop(reason: string): void {
    if (this.#isClosed) return;
    this.#core.report(`connection from ${this.#clientHost} closed: ${reason}`);
    this.closed();
    this.#socket.destroy();
  }
}

function encode<Req, Res>(api: Api<Req, Res>, version: number, correlationId: number, body: Res): Buffer[] {
  const out = new FrameWriter();
  encodeResponse(api, version, correlationId, body, out);
  return out.take();
}

function describe(error: unknown): string {
  const isOurs = codeOf(error) !== undefined || !(error instanceof Error);
  return isOurs ? messageOf(error) : (error.stack ?? error.message);
}
