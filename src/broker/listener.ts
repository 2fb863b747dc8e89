import { createServer, type Server, type Socket } from 'node:net';
import type { BrokerAddress } from '../protocol/index.ts';
import { codeOf, messageOf, MillraceError } from '../util/index.ts';
import { Connection } from './connection.ts';
import type { Core } from './core.ts';
import { openFileShare } from './log/file-pool.ts';

const IDLE_CHECKS_PER_TIMEOUT = 4;

/** A TCP port that clients connect to: sockets on one side, `Connection`s on the other. */
export class Listener {
  readonly address: BrokerAddress;
  readonly #core: Core;
  readonly #server: Server;
  readonly #open = new Map<Socket, Connection>();
  readonly #maxConnections: number;
  /** Told once each time it comes to that. */
  #isFull = false;
  readonly #endpoint: BrokerAddress;
  #stopIdleCheck: () => void = () => {};

  private constructor(core: Core, server: Server, address: BrokerAddress) {
    this.#core = core;
    this.#server = server;
    this.address = address;
    // Connections must not take the files that logs and state need.
    this.#maxConnections = Math.min(core.settings['max.connections'], openFileShare());
    this.#endpoint = advertised(core.settings['advertised.listeners'], address);
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (error) => core.report(`listener ${address.host}:${address.port}: ${error.message}`));
    this.#checkIdle();
  }

  static open(core: Core, at: BrokerAddress): Promise<Listener> {
    const server = createServer({ noDelay: true });
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(at, error)));
      server.listen(at.port, at.host, () => {
        const bound = server.address();
        const port = typeof bound === 'object' && bound !== null ? bound.port : at.port;
        server.removeAllListeners('error');
        resolve(new Listener(core, server, { host: at.host, port }));
      });
    });
  }

  /** What this listener tells clients to connect to. */
  get endpoint(): BrokerAddress {
    return this.#endpoint;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Stops listening and drops every connection. */
  close(): Promise<void> {
    this.#stopIdleCheck();
    for (const [socket, connection] of this.#open) {
      connection.closed();
      socket.destroy();
    }
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    if (this.#open.size >= this.#maxConnections) {
      const why = `${this.#open.size} are open, and max.connections and the process's limit of open files allow no more`;
      if (!this.#isFull) this.#core.report(`connections from ${socket.remoteAddress} and others are refused: ${why}`);
      this.#isFull = true;
      socket.destroy();
      return;
    }
    this.#isFull = false;
    const connection = new Connection(this.#core, socketFor(socket), this.#endpoint, socket.remoteAddress ?? '');
    this.#open.set(socket, connection);
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    socket.on('drain', () => connection.drained());
    // A client that goes away is its own affair; 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      connection.closed();
    });
  }

  #checkIdle(): void {
    const timeout = this.#core.settings['connections.max.idle.ms'];
    this.#stopIdleCheck = this.#core.environment.after(timeout / IDLE_CHECKS_PER_TIMEOUT, () => {
      const before = this.#core.environment.now() - timeout;
      for (const [socket, connection] of this.#open) {
        if (!connection.isBusy && connection.lastRequestAt < before) socket.destroy();
      }
      this.#checkIdle();
    });
  }
}

function socketFor(socket: Socket) {
  return {
    send(pieces: Buffer[]): boolean {
      if (pieces.length === 1) return socket.write(pieces[0]!);
      socket.cork();
      let isFlowing = true;
      for (const piece of pieces) isFlowing = socket.write(piece);
      socket.uncork();
      return isFlowing;
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    destroy: () => {
      socket.destroy();
    },
  };
}

function advertised(setting: string, address: BrokerAddress): BrokerAddress {
  if (setting !== '') {
    const match = /^(?:[A-Z_]+:\/\/)?(.+):(\d+)$/.exec(setting);
    if (match === null) {
      throw new MillraceError('INVALID_CONFIG', `advertised.listeners must be host:port, not "${setting}".`);
    }
    return { host: match[1]!, port: Number(match[2]) };
  }
  // A client can't connect to "any address"; and "localhost" would make some try IPv6 first.
  const isAny = address.host === '0.0.0.0' || address.host === '::' || address.host === 'localhost';
  return { host: isAny ? '127.0.0.1' : address.host, port: address.port };
}

function cannotListen(at: BrokerAddress, error: Error): MillraceError {
  const inUse = codeOf(error) === 'EADDRINUSE';
  const why = inUse ? 'another process uses that port; choose another one' : messageOf(error);
  return new MillraceError('CANNOT_LISTEN', `Can not listen on ${at.host}:${at.port}: ${why}.`, { cause: error });
}
