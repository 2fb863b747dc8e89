import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import type { BrokerAddress } from '../protocol/index.ts';
import { codeOf, messageOf, MillraceError } from '../util/index.ts';
import { Connection } from './connection.ts';
import type { Core } from './core.ts';
import { connectionClosed, connectionOpened, openFileShare } from './log/file-pool.ts';
import { plainAddress } from './security/connection-limits.ts';
import type { ListenerConfig } from './security/listeners.ts';
import { type Mechanism, mechanismsOf } from './security/mechanisms.ts';
import { ANONYMOUS, type Principal } from './security/principal.ts';
import { SaslLogin } from './security/sasl-login.ts';
import { type Session, sessionOf, sessionWithLogin } from './security/session.ts';
import { type ListenerTls, listenerTls } from './security/tls-listener.ts';
import { readInto } from './socket-reads.ts';
import { encryptedSocket, plainSocket } from './socket-sends.ts';

const IDLE_CHECKS_PER_TIMEOUT = 4;
/** How long a client may take to agree on TLS. */
const HANDSHAKE_TIMEOUT_MS = 30_000;

/** What arrives is read into this, one socket after the other: a connection copies what it keeps. */
const READ_BYTES = 256 * 1024;
const reads = Buffer.allocUnsafeSlow(READ_BYTES);

/** A TCP port that clients connect to, with TLS or without: sockets on one side, `Connection`s on the other. */
export class Listener {
  readonly #core: Core;
  readonly #config: ListenerConfig;
  readonly #tls: ListenerTls | undefined;
  /** How clients log in, where they have to. */
  readonly #mechanisms: ReadonlyMap<string, Mechanism> | undefined;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** By what requests come over: the socket itself, or TLS on it, once that is agreed on. */
  readonly #connections = new Map<Socket, Connection>();
  readonly #maxConnections: number;
  /** Told once each time it comes to that. */
  #isFull = false;
  #address: BrokerAddress;
  #certificates: SecureContextOptions | undefined;
  #stopIdleCheck: () => void = () => {};

  private constructor(core: Core, config: ListenerConfig) {
    const { protocol, settings } = config;
    this.#core = core;
    this.#config = config;
    this.#address = config.address;
    this.#tls = protocol.endsWith('SSL') ? listenerTls(config, core.report) : undefined;
    this.#server = this.#tls === undefined ? createServer({ noDelay: true }) : this.#tlsServer(this.#tls);
    this.#mechanisms = protocol.startsWith('SASL')
      ? mechanismsOf({ config, users: core.scramUsers, environment: core.environment, report: core.report })
      : undefined;
    // Connections must not take the files that logs and state need.
    this.#maxConnections = Math.min(settings['max.connections'], openFileShare());
  }

  /** Listens. Throws `INVALID_CONFIG` before it does for what is set and can't be. */
  static async open(core: Core, config: ListenerConfig): Promise<Listener> {
    const { address: at } = config;
    const listener = new Listener(core, config);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(at, error)));
      server.listen(at.port, at.host, () => resolve());
    });
    server.removeAllListeners('error');
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) listener.#address = { host: at.host, port: bound.port };
    listener.#serve();
    return listener;
  }

  get address(): BrokerAddress {
    return this.#address;
  }

  #serve(): void {
    const { host, port } = this.address;
    this.#server.prependListener('connection', (socket: Socket) => this.#accept(socket));
    this.#server.on('error', (error) => this.#core.report(`listener ${host}:${port}: ${error.message}`));
    this.#checkIdle();
  }

  /** What this listener tells clients to connect to. */
  get endpoint(): BrokerAddress {
    const { advertised } = this.#config;
    if (advertised === undefined) return reachable(this.#address);
    return { host: advertised.host, port: advertised.port || this.#address.port };
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Stops listening and drops every connection. */
  close(): Promise<void> {
    this.#stopIdleCheck();
    for (const connection of this.#connections.values()) connection.closed();
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#open.size >= this.#maxConnections) {
      const why = `${this.#open.size} are open, and max.connections and the process's limit of open files allow no more`;
      if (!this.#isFull) this.#core.report(`connections from ${socket.remoteAddress} and others are refused: ${why}`);
      this.#isFull = true;
      socket.destroy();
      return;
    }
    this.#isFull = false;
    const address = plainAddress(socket.remoteAddress ?? '');
    const { connectionLimits } = this.#core;
    if (!connectionLimits.opens(address)) {
      this.#core.report(`a connection from ${address} is refused: it has as many as max.connections.per.ip allows`);
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    connectionOpened();
    socket.on('close', () => {
      this.#open.delete(socket);
      connectionClosed();
      connectionLimits.closed(address);
    });
    if (this.#isTooSoon(socket, address)) return;
    if (this.#tls === undefined) this.#connect(socket, ANONYMOUS);
    else this.#renew(this.#tls);
  }

  /** Whether an address opens more connections than it may: such a one ends when the address may open the next. */
  #isTooSoon(socket: Socket, address: string): boolean {
    const { quotas, environment } = this.#core;
    const limit = quotas.areAny ? quotas.limitOfAddress(address) : undefined;
    if (limit === undefined) return false;
    const waitMs = quotas.record(limit, 1, environment.now());
    if (waitMs === 0) return false;
    quotas.record(limit, -1, environment.now());
    socket.pause();
    const cancel = environment.after(waitMs, () => socket.destroy());
    socket.once('close', cancel);
    return true;
  }

  /** A server that agrees on TLS with whoever it accepts. */
  #tlsServer(tls: ListenerTls): TlsServer {
    this.#certificates = tls.certificates.current;
    const server = createTlsServer({
      ...this.#certificates,
      requestCert: tls.asksForCertificate,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      noDelay: true,
    });
    server.on('tlsClientError', (error, stream) => this.#refuse(stream, `TLS failed: ${error.message}`));
    server.on('secureConnection', (stream) => this.#identify(stream, tls));
    return server;
  }

  /** What was changed on the disk is in force for those who come from now on. */
  #renew(tls: ListenerTls): void {
    const { current } = tls.certificates;
    if (current === this.#certificates) return;
    this.#certificates = current;
    (this.#server as TlsServer).setSecureContext(current);
  }

  /** Who the client's certificate says it is. */
  #identify(stream: TLSSocket, tls: ListenerTls): void {
    const certificate = tls.asksForCertificate ? stream.getPeerCertificate().raw : undefined;
    if (tls.requiresCertificate && !stream.authorized) {
      const why = certificate === undefined ? 'it has none' : String(stream.authorizationError);
      this.#refuse(stream, `clients must have a certificate that is trusted (ssl.client.auth): ${why}`);
      return;
    }
    // One that is not to be trusted is none at all where none is needed.
    const principal = tls.principalOf(stream.authorized ? certificate : undefined);
    if (principal !== undefined) this.#connect(stream, principal);
    else this.#refuse(stream, 'no rule of ssl.principal.mapping.rules is about its certificate');
  }

  #refuse(stream: Socket, reason: string): void {
    this.#core.report(`connection from ${plainAddress(stream.remoteAddress ?? 'somewhere')} closed: ${reason}`);
    stream.destroy();
  }

  #connect(stream: Socket, principal: Principal): void {
    const clientHost = plainAddress(stream.remoteAddress ?? '');
    const socketOf = this.#tls === undefined ? plainSocket : encryptedSocket;
    const socket = socketOf(stream, () => connection.drained());
    const connection: Connection = new Connection(this.#core, socket, {
      session: this.#sessionOf(principal, clientHost),
      clientHost,
      clientPort: stream.remotePort ?? 0,
      endpoint: this.endpoint,
    });
    this.#connections.set(stream, connection);
    const received = (chunk: Buffer): void => connection.receive(chunk);
    if (!readInto(stream, reads, received)) stream.on('data', received);
    // A client that goes away is its own affair; 'close' follows.
    stream.on('error', () => {});
    stream.on('close', () => {
      this.#connections.delete(stream);
      connection.closed();
    });
  }

  #sessionOf(principal: Principal, clientHost: string): Session {
    if (this.#mechanisms === undefined) return sessionOf(principal);
    const { settings } = this.#config;
    const { environment, report } = this.#core;
    return sessionWithLogin(
      new SaslLogin({
        mechanisms: this.#mechanisms,
        failureDelayMs: settings['connection.failed.authentication.delay.ms'],
        maxRequestBytes: settings['sasl.server.max.receive.size'],
        environment,
        report: (message) => report(`connection from ${clientHost}: ${message}`),
      }),
    );
  }

  #checkIdle(): void {
    const timeout = this.#config.settings['connections.max.idle.ms'];
    this.#stopIdleCheck = this.#core.environment.after(timeout / IDLE_CHECKS_PER_TIMEOUT, () => {
      const before = this.#core.environment.now() - timeout;
      for (const [stream, connection] of this.#connections) {
        if (!connection.isBusy && connection.lastRequestAt < before) stream.destroy();
      }
      this.#checkIdle();
    });
  }
}

/** A client can't connect to "any address"; and "localhost" would make some try IPv6 first. */
function reachable({ host, port }: BrokerAddress): BrokerAddress {
  const isAny = host === '0.0.0.0' || host === '::' || host === 'localhost';
  return { host: isAny ? '127.0.0.1' : host, port };
}

function cannotListen(at: BrokerAddress, error: Error): MillraceError {
  const inUse = codeOf(error) === 'EADDRINUSE';
  const why = inUse ? 'another process uses that port; choose another one' : messageOf(error);
  return new MillraceError('CANNOT_LISTEN', `Can not listen on ${at.host}:${at.port}: ${why}.`, { cause: error });
}
