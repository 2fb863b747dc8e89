// A connection that logs in with PLAIN and then speaks typed requests: to Millrace or to Apache Kafka.
import { connect, type Socket } from 'node:net';
import { create, saslAuthenticate, saslHandshake, type Transport, WireTransport } from '../../../src/protocol/index.ts';

/** Rejects when nobody answers, or the login is refused. */
export async function loggedIn(address: string, user: string, password: string): Promise<Transport> {
  const [host, port] = address.split(':');
  const socket: Socket = connect({ host: host!, port: Number(port), noDelay: true });
  const transport = new WireTransport(
    { send: (pieces) => void socket.write(Buffer.concat(pieces)), destroy: () => socket.destroy() },
    { clientId: 'test' },
  );
  socket.on('data', (chunk: Buffer) => transport.receive(chunk));
  socket.on('close', () => transport.disconnected());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  await transport.negotiate('test', '1');
  await transport.request(saslHandshake, create(saslHandshake, { mechanism: 'PLAIN' }));
  const authBytes = Buffer.from(`\0${user}\0${password}`);
  const answer = await transport.request(saslAuthenticate, create(saslAuthenticate, { authBytes }));
  if (answer.errorCode !== 0) throw new Error(answer.errorMessage ?? `error ${answer.errorCode}`);
  return transport;
}
