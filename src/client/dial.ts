// A connection to a broker over TCP. The only file of the client that knows sockets; the protocol is WireTransport's.
import { connect } from 'node:net';
import { type BrokerAddress, type Transport, WireTransport } from '../protocol/index.ts';
import { deferred, MillraceError } from '../util/index.ts';

const SOFTWARE_NAME = 'millrace';
const SOFTWARE_VERSION = '0.1.0';
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
