import {
  type AnyApi,
  apiVersions,
  type BrokerAddress,
  ByteReader,
  encodeResponse,
  fetch,
  FrameSplitter,
  InSteps,
  isUnanswered,
  produce,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
  type ResponseOf,
} from '../protocol/index.ts';
import { codeOf, inTurns, messageOf, MillraceError, type Steps } from '../util/index.ts';
import { type Core, type RequestContext, unknownSoftware } from './core.ts';
import { giveBack } from './handlers/fetch.ts';
import { unsupportedApiVersions } from './handlers/api-versions.ts';
import { IN_PROCESS_HOST } from './groups/group-member.ts';
import type { Handler } from './handlers/handler.ts';
import { handlerOf } from './handlers/index.ts';
import { Throttle, type Throttled } from './quotas/throttle.ts';
import type { RequestHolder } from './request-memory.ts';
import type { SaslLogin } from './security/sasl-login.ts';
import type { Session } from './security/session.ts';

const API_KEY_BYTES = 2;

/** The socket's side of a connection. */
export interface ConnectionSocket {
  /**
   * Sends the pieces in order; false when the client is slow and the next ones should wait. `sent` is called when nobody looks at
   * them any more; never when that is not known.
   */
  send(pieces: Buffer[], sent?: () => void): boolean;
  /** Stops or resumes reading from the client. */
  pause(): void;
  resume(): void;
  /** Closes when what was sent is gone. */
  end(): void;
  destroy(): void;
}

/** Where a connection comes from, and to what. */
export interface ConnectionOrigin {
  readonly session: Session;
  readonly clientHost: string;
  /** 0 where there is no socket. */
  readonly clientPort: number;
  /** What the broker calls itself towards this client. */
  readonly endpoint: BrokerAddress;
  /** Told which members of groups end with the connection (`RequestContext`). */
  readonly joined?: Map<string, string>;
}

/** The answer to one request, in the place that its request has among the others. */
interface Slot {
  pieces: Buffer[] | undefined;
  /** Gives back what was lent for it, once it is sent. */
  giveBack?: () => void;
  /** Of the request, while it waits for its answer. */
  readonly bytes: number;
}

/**
 * The broker's end of a connection, without the socket. Requests take effect in their order, and answers go out in that
 * order even when a later one is ready first. A client that sends faster than it is answered, or reads more slowly, is
 * not read from until it has caught up. What is too long to be read, carried out or written in one turn of the event loop
 * takes several, so that other connections have theirs in between.
 */
export class Connection implements RequestHolder {
  readonly #core: Core;
  readonly #socket: ConnectionSocket;
  readonly #origin: ConnectionOrigin;
  readonly #splitter: FrameSplitter;
  readonly #maxUnanswered: number;
  #frames: Buffer[] = [];
  /** The frames lie in memory that will be read into again: what outlives `receive` is copied. */
  #isBorrowed = false;
  #slots: Slot[] = [];
  #isPaused = false;
  #isCongested = false;
  /** Requests that are worked on in several turns, and hold back what is behind them. */
  #holds = 0;
  #isClosed = false;
  /** Bytes of requests that have arrived and are not answered. */
  #unanswered = 0;
  readonly #onClose = new Set<() => void>();
  readonly #software = unknownSoftware();
  /** The broker's time of the last request. */
  lastRequestAt: number;

  constructor(core: Core, socket: ConnectionSocket, origin: ConnectionOrigin) {
    this.#core = core;
    this.#socket = socket;
    this.#origin = origin;
    this.#splitter = new FrameSplitter(core.settings['socket.request.max.bytes'], core.memory);
    // Who has not logged in has little to say.
    const { login } = origin.session;
    if (login !== undefined) this.#splitter.maxBytes = login.maxRequestBytes;
    this.#maxUnanswered = core.settings['queued.max.requests'];
    this.lastRequestAt = core.environment.now();
  }

  /** True while a request is read or waits for its answer. */
  get isBusy(): boolean {
    return this.#slots.length > 0 || this.#holds > 0;
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

  /** Takes what the client sent. The chunk is the caller's again afterwards. */
  receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.lastRequestAt = this.#core.environment.now();
    try {
      const frames = this.#splitter.push(chunk);
      for (const frame of frames) this.#unanswered += frame.length;
      this.#isBorrowed = this.#frames.length === 0;
      this.#frames = this.#isBorrowed ? frames : [...this.#frames, ...frames.map(copyOf)];
    } catch (error) {
      this.#drop(messageOf(error));
      return;
    }
    this.#work();
    if (this.#isBorrowed) this.#frames = this.#frames.map(copyOf);
    this.#isBorrowed = false;
    this.#splitter.recycle();
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
    return this.#origin.clientHost === IN_PROCESS_HOST || requestMemory.admits(this);
  }

  #mayGoOn(): boolean {
    return !this.#isCongested && this.#holds === 0 && this.#slots.length < this.#maxUnanswered;
  }

  #handle(frame: Buffer, isBorrowed = this.#isBorrowed): void {
    const { login } = this.#origin.session;
    try {
      if (login?.expectsToken === true) return this.#takeToken(login, copyOf(frame));
      // Handlers keep what they read; those of Produce copy it into logs, or before they wait for something.
      const isKept = isBorrowed && apiKeyOf(frame) !== produce.key;
      const from = new ByteReader(isKept ? copyOf(frame) : frame);
      from.elementsLeft = this.#core.settings['request.max.elements'];
      const header = readRequestHeader(from);
      const { apiKey, apiVersion: version, correlationId } = header;
      const refusal = login?.refusalOf(apiKey);
      if (refusal !== undefined) return this.#drop(refusal);
      const handler = handlerOf(apiKey);
      if (handler === undefined || version < handler.api.minVersion || version > handler.api.maxVersion) {
        if (apiKey !== apiVersions.key) this.#drop(`API ${apiKey} in version ${version} is not supported`);
        else
          this.#answer(
            apiVersions,
            { apiKey, apiVersion: 0, correlationId, clientId: null },
            frame.length,
            unsupportedApiVersions(),
          );
        return;
      }
      const request = readRequestBody(handler.api, version, from);
      if (request instanceof InSteps && isBorrowed && !isKept) this.#handle(copyOf(frame), false);
      else if (request instanceof InSteps) this.#carryOutLater(handler, header, frame.length, request.steps);
      else this.#carryOut(handler, header, frame.length, request);
    } catch (error) {
      this.#drop(describe(error));
    }
  }

  #carryOut(handler: Handler, header: RequestHeader, bytes: number, request: unknown): void {
    const throttle = this.#throttleOf(header);
    const admitted = throttle?.admitted(handler.api, request) ?? request;
    const context: RequestContext = {
      core: this.#core,
      version: header.apiVersion,
      clientId: header.clientId ?? '',
      clientHost: this.#origin.clientHost,
      clientPort: this.#origin.clientPort,
      software: this.#software,
      session: this.#origin.session,
      endpoint: this.#origin.endpoint,
      hold: () => this.#hold(),
      inTurns: (steps) => this.#holding(inTurns(steps, this.#giveWay)),
      onClose: this.#onClose,
      joined: this.#origin.joined,
    };
    const handle = (): unknown => handler.handle(admitted, context);
    const response = throttle === undefined ? handle() : throttle.working(handle);
    const throttled = (body: unknown): unknown =>
      throttle === undefined
        ? body
        : this.#throttled(throttle.answered(handler.api, admitted, bytes, body, this.#core));
    if (isUnanswered(handler.api, request)) {
      throttled(response);
      this.#takeUnanswered(response, bytes);
    } else if (throttle === undefined) this.#answer(handler.api, header, bytes, response);
    else
      this.#answer(
        handler.api,
        header,
        bytes,
        response instanceof Promise ? response.then(throttled) : throttled(response),
      );
  }

  /** Where there are quotas, what they do to this request. */
  #throttleOf({ clientId }: RequestHeader): Throttle | undefined {
    const { quotas, environment } = this.#core;
    const { session } = this.#origin;
    if (!quotas.areAny || session.isPlatform) return undefined;
    return new Throttle(quotas, session, clientId ?? '', () => environment.now());
  }

  /** A client that had too much is not heard for a while; what it has asked for before is answered. */
  #throttled({ response, throttleMs }: Throttled): unknown {
    if (throttleMs > 0 && !this.#isClosed) {
      const release = this.#hold();
      const cancel = this.#core.environment.after(throttleMs, () => {
        this.#onClose.delete(cancel);
        release();
      });
      this.#onClose.add(cancel);
    }
    return response;
  }

  /** A message of a login, as it is: what was asked for with the first version of SaslHandshake (KIP-43). */
  #takeToken(login: SaslLogin, token: Buffer): void {
    const slot: Slot = { pieces: undefined, bytes: token.length };
    this.#slots.push(slot);
    const answered = login.authenticate(token).then(({ authBytes }) => {
      if (login.hasFailed) return this.#drop('the login failed');
      const size = Buffer.alloc(4);
      size.writeInt32BE(authBytes.length);
      slot.pieces = [size, authBytes];
      this.#sendReady();
    });
    this.#holding(answered).catch((error: unknown) => this.#drop(describe(error)));
  }

  /** A request that is read in several turns, and then carried out. */
  #carryOutLater(handler: Handler, header: RequestHeader, bytes: number, steps: Steps<unknown>): void {
    const carriedOut = inTurns(steps, this.#giveWay).then((request) => this.#carryOut(handler, header, bytes, request));
    this.#holding(carriedOut).catch((error: unknown) => this.#drop(describe(error)));
  }

  /** Lets others have their turn. What was begun for a client that is gone ends there. */
  readonly #giveWay = async (): Promise<void> => {
    await this.#core.turns.next();
    if (this.#isClosed) throw new MillraceError('CONNECTION_LOST', 'The client is gone.');
  };

  /** What is behind it waits for it. */
  #holding<T>(work: Promise<T>): Promise<T> {
    return work.finally(this.#hold());
  }

  #hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      this.#work();
    };
  }

  #answer(api: AnyApi, header: RequestHeader, bytes: number, response: unknown): void {
    const slot: Slot = { pieces: undefined, bytes };
    this.#slots.push(slot);
    if (!(response instanceof Promise)) {
      this.#fill(slot, api, header, response);
      return;
    }
    response
      .then((body) => {
        this.#fill(slot, api, header, body);
        this.#work();
      })
      .catch((error: unknown) => this.#drop(`${api.name} failed: ${describe(error)}`));
  }

  #fill(slot: Slot, api: AnyApi, { apiVersion, correlationId }: RequestHeader, body: unknown): void {
    const encoded = encodeResponse(api, apiVersion, correlationId, body);
    if (api.key === fetch.key) slot.giveBack = () => giveBack(body as ResponseOf<typeof fetch>, this.#core.memory);
    if (!(encoded instanceof InSteps)) {
      slot.pieces = encoded;
      this.#sendReady();
      return;
    }
    // Nothing else is answered meanwhile: long answers must not pile up before the client takes them.
    const sent = inTurns(encoded.steps, this.#giveWay).then((pieces) => {
      slot.pieces = pieces;
      this.#sendReady();
    });
    this.#holding(sent).catch((error: unknown) => this.#drop(`${api.name} failed: ${describe(error)}`));
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
    let sent: (() => void)[] | undefined;
    while (ready < this.#slots.length && this.#slots[ready]!.pieces !== undefined) {
      const slot = this.#slots[ready++]!;
      pieces.push(...slot.pieces!);
      if (slot.giveBack !== undefined) (sent ??= []).push(slot.giveBack);
      this.#unanswered -= slot.bytes;
    }
    if (ready === 0) return;
    this.#slots = this.#slots.slice(ready);
    if (!this.#socket.send(pieces, sent && (() => sent.forEach((giveBack) => giveBack())))) this.#isCongested = true;
    const { login } = this.#origin.session;
    if (login === undefined) return;
    if (login.hasFailed) this.#end();
    else if (!login.isUnknown) this.#splitter.maxBytes = this.#core.settings['socket.request.max.bytes'];
  }

  /** Nothing more is read; what was sent arrives. */
  #end(): void {
    this.closed();
    this.#socket.end();
  }

  /** A produce without an answer has only one way to say that it failed. */
  #closeOnError(response: unknown): void {
    const { responses } = response as { responses: { partitionResponses: { errorCode: number }[] }[] };
    const failed = responses.flatMap((topic) => topic.partitionResponses).find((part) => part.errorCode !== 0);
    if (failed !== undefined) this.#drop(`a produce with acks=0 failed with error ${failed.errorCode}`);
  }

  #drop(reason: string): void {
    if (this.#isClosed) return;
    this.#core.report(`connection from ${this.#origin.clientHost} closed: ${reason}`);
    this.closed();
    this.#socket.destroy();
  }
}

function apiKeyOf(frame: Buffer): number {
  return frame.length < API_KEY_BYTES ? -1 : frame.readInt16BE(0);
}

function copyOf(frame: Buffer): Buffer {
  return Buffer.from(frame);
}

function describe(error: unknown): string {
  const isOurs = codeOf(error) !== undefined || !(error instanceof Error);
  return isOurs ? messageOf(error) : (error.stack ?? error.message);
}
