// One port for HTTP/1.1 and HTTP/2. Over TLS client and server agree on a version in the handshake; without it a client of
// HTTP/2 begins with a preface that is no request of HTTP/1.1 (RFC 9113, 3.4), and what a connection begins with says which
// server it is for.
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Http2Server, Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { nodeHttp } from '../util/index.ts';
import type { Tls } from './tls.ts';

/** So much of the preface that nothing else begins with it. */
const PREFACE = 'PRI * HTTP/2.0';
/** How long a connection stays open that nothing is asked on: longer than clients keep theirs, or requests meet its end. */
const KEEP_ALIVE_MS = 72_000;
/** How long a connection may be open without having said anything. */
const SILENCE_MS = 60_000;

/** Requests for other protocols than WebSocket's are answered in the one that they came in. */
const upgrades = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => /^websocket$/i.test(headers.upgrade ?? ''),
};

/** A server whose `closeAllConnections` ends every connection, whatever is spoken on it. */
export function serverOfBothVersions(handler: RequestListener, tls: Tls | undefined): Server {
  const server = tls === undefined ? clearTextServer(handler) : tlsServer(handler, tls);
  const sockets = new Set<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return Object.assign(server as Server, {
    closeAllConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
  });
}

function clearTextServer(handler: RequestListener): Server {
  // A request may take as long as it takes: those for rows do.
  const server = nodeHttp.http.createServer(
    { ...upgrades, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS },
    handler,
  );
  let http2: Http2Server | undefined;
  const http1 = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    beginningOf(socket, PREFACE, (isHttp2) => {
      if (isHttp2) (http2 ??= nodeHttp.http2.createServer(asHttp2(handler))).emit('connection', socket);
      else for (const listener of http1) listener.call(server, socket);
    });
  });
  return server;
}

/** Requests and responses of HTTP/2 have what the handler uses of those of HTTP/1.1. */
function asHttp2(handler: RequestListener): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  return handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

/** Tells whether a connection begins with a text; what was read of it is there for whoever reads on. */
function beginningOf(socket: Socket, text: string, told: (isBeginning: boolean) => void): void {
  const fail = (): void => void socket.destroy();
  socket.on('error', fail);
  socket.setTimeout(SILENCE_MS, fail);
  let read = '';
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) read += chunk.toString('latin1');
    // Without any more to come it is for the one that knows how to refuse it.
    if (read.length < text.length && text.startsWith(read) && !socket.readableEnded) {
      socket.once('readable', look);
      return;
    }
    socket.off('error', fail);
    socket.setTimeout(0);
    socket.off('timeout', fail);
    if (read !== '') socket.unshift(Buffer.from(read, 'latin1'));
    told(read.startsWith(text));
  };
  socket.once('readable', look);
}

function tlsServer(handler: RequestListener, { certificates, clientAuthentication }: Tls): Http2SecureServer {
  let inUse = certificates.current;
  const server = nodeHttp.http2.createSecureServer(
    {
      ...inUse,
      ...upgrades,
      allowHTTP1: true,
      http1Options: { keepAliveTimeout: KEEP_ALIVE_MS },
      requestCert: clientAuthentication !== 'NONE',
      rejectUnauthorized: clientAuthentication === 'REQUIRED',
    },
    asHttp2(handler),
  );
  // Before the handshake of each connection, so that no timer is needed to notice new certificates.
  server.prependListener('connection', () => {
    const { current } = certificates;
    if (current !== inUse) server.setSecureContext(current);
    inUse = current;
  });
  // A certificate that is only asked for may be missing, but not be somebody else's.
  server.on('secureConnection', (socket) => {
    if (clientAuthentication === 'REQUESTED' && !socket.authorized && socket.getPeerCertificate().raw) socket.destroy();
  });
  return server;
}
