// One connection that sends requests in whatever version is asked for, one after the other.
import { connect, type Socket } from 'node:net';
import {
  type Api,
  create,
  type Draft,
  decodeResponse,
  encodeRequest,
  FrameSplitter,
  FrameWriter,
} from '../../src/protocol/index.ts';

const PATIENCE_MS = 15_000;

/** The broker ended the connection instead of answering. */
export class ConnectionEnded extends Error {}

/** The broker let the client wait. */
export class NotAnswered extends Error {}

/** The request can't be written in this version: it says what the version has no place for. */
export class NotInVersion extends Error {}

export class Connection {
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter();
  #correlationId = 0;
  #settle: { resolve(frame: Buffer): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#splitter.push(chunk)) this.#settle?.resolve(frame);
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#settle?.reject(new ConnectionEnded('the connection was closed')));
  }

  static open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a request and resolves with its answer. Rejects with `ConnectionEnded`, or `NotInVersion`. */
  async ask<Req, Res>(api: Api<Req, Res>, version: number, draft: Draft<Req>): Promise<Res> {
    const out = new FrameWriter();
    const correlationId = ++this.#correlationId;
    try {
      encodeRequest(api, version, correlationId, 'oracle', create(api, draft), out);
    } catch (error) {
      throw new NotInVersion(String(error));
    }
    const answer = new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new NotAnswered(`${api.name} ${version} was not answered`)), PATIENCE_MS);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      this.#settle = { resolve: settled(resolve), reject: settled(reject) };
    });
    for (const piece of out.take()) this.#socket.write(piece);
    const frame = await answer;
    return decodeResponse(api, version, frame);
  }

  close(): void {
    this.#socket.destroy();
  }
}
