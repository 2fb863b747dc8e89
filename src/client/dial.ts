// A connection to a broker: over TCP, or to one in another thread. The only file of the client that knows sockets and ports;
// the protocol is WireTransport's.
import { connect } from 'node:net';
import { type MessagePort } from 'node:worker_threads';
import { type BrokerAddress, PortStream, type Transport, WireTransport } from '../protocol/index.ts';
import { deferred, MillraceError } from '../util/index.ts';

/** What brokers are told about this client. */
export const SOFTWARE_NAME = 'millrace';
export const SOFTWARE_VERSION = '0.1.0';
const CONNECT_TIMEOUT_MS = 10_000;

/** Connects and negotiates versions. Rejects with a retriable `CONNECTION_FAILED` that names the address. */
export async function dialTcp(address: BrokerAddress, clientId = SOFTWARE_NAME): Promise<Transport> {
  const failed = (cause: unknown) =>
    new MillraceError('CONNECTION_FAILED', `no Kafka broker answers at ${address.host}:${address.port}`, {
      retriable: true,
      cause,
    });
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  const connected = deferred();
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no answer to the connection attempt')));
  socket.once('connect', connected.resolve);
  socket.once('error', (cause) => connected.reject(failed(cause)));
  await connected.promise;
  socket.setTimeout(0);

  const transport = new WireTransport(
    {
      send(pieces) {
        socket.cork();
        for (const piece of pieces) socket.write(piece);
        socket.uncork();
      },
      destroy: () => socket.destroy(),
    },
    { clientId },
  );
  let lost: unknown;
  socket.on('data', (chunk: Buffer) => transport.receive(chunk));
  socket.on('error', (cause) => {
    lost = cause;
  });
  socket.on('close', () => transport.disconnected(lost));
  try {
    await transport.negotiate(SOFTWARE_NAME, SOFTWARE_VERSION);
  } catch (error) {
    socket.destroy();
    throw error instanceof MillraceError && error.code === 'CONNECTION_LOST' ? failed(error) : error;
  }
  return transport;
}

/** Talks to the broker that serves the other end of the port. */
export async function dialThread(port: MessagePort): Promise<Transport> {
  const stream = new PortStream(port, {
    receive: (chunk) => transport.receive(chunk),
    // What a client sends is bounded by what it may have unanswered.
    drained: () => {},
    closed: () => transport.disconnected(),
  });
  const transport = new WireTransport(stream, { clientId: SOFTWARE_NAME });
  await transport.negotiate(SOFTWARE_NAME, SOFTWARE_VERSION);
  return transport;
}
