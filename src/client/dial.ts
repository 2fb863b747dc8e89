// A connection to a broker: over TCP or TLS, with a login where the broker wants one, or to one in another thread. The protocol is
// WireTransport's.
import { type MessagePort } from 'node:worker_threads';
import {
  type BrokerAddress,
  create,
  ErrorCode,
  PortStream,
  saslHandshake,
  type Transport,
  WireTransport,
} from '../protocol/index.ts';
import { codeOf, type Environment, MillraceError, systemEnvironment } from '../util/index.ts';
import type { Login } from './login.ts';
import { logIn, SessionTransport } from './sasl.ts';
import {
  type ClientTls,
  connectionFailure,
  isTlsAlert,
  openSocket,
  SOFTWARE_NAME,
  SOFTWARE_VERSION,
} from './sockets.ts';

/** What a connection is made with. */
export interface DialOptions {
  readonly clientId?: string | undefined;
  /** Undefined: without TLS. */
  readonly tls?: ClientTls | undefined;
  /** Undefined: nobody logs in. */
  readonly login?: Login | undefined;
  readonly environment?: Environment;
}

/**
 * Connects, negotiates versions and logs in. Rejects with a retriable CONNECTION_FAILED that names the address; with TLS_FAILED
 * or SASL_AUTHENTICATION_FAILED where the same would not work a second time.
 */
export function dialTcp(address: BrokerAddress, options: DialOptions = {}): Promise<Transport> {
  return dial(address, options, () => wishForLogin(address, options));
}

/** `onTurnedAway` finds out why a broker hangs up at the first request of somebody who has not logged in. */
async function dial(
  address: BrokerAddress,
  options: DialOptions,
  onTurnedAway: () => Promise<MillraceError | undefined>,
): Promise<Transport> {
  const { clientId = SOFTWARE_NAME, tls, login, environment = systemEnvironment } = options;
  const failed = (cause: unknown) => connectionFailure(address, tls, cause);
  let socket: Awaited<ReturnType<typeof openSocket>>;
  try {
    socket = await openSocket(address, tls);
  } catch (error) {
    throw await failed(error);
  }
  let lost: unknown;
  let isAnswered = false;
  /** What was sent since the connection is in use. */
  let requests = -1;
  let isGivenUp = false;
  const transport = new WireTransport(
    {
      send(pieces) {
        if (requests >= 0) requests++;
        socket.cork();
        for (const piece of pieces) socket.write(piece);
        socket.uncork();
      },
      destroy() {
        isGivenUp = true;
        socket.destroy();
      },
    },
    { clientId },
  );
  socket.on('data', (chunk: Buffer) => {
    if (!isAnswered && tls === undefined && isTlsAlert(chunk)) {
      socket.destroy();
      return;
    }
    isAnswered = true;
    transport.receive(chunk);
  });
  socket.on('error', (cause) => {
    lost = cause;
  });
  socket.on('close', () => {
    // A broker that wants a login hangs up on who asks for something else.
    const isTurnedAway = login === undefined && requests > 0 && !isAnswered && !isGivenUp;
    if (isTurnedAway) void onTurnedAway().then((wish) => transport.disconnected(wish ?? lost));
    else transport.disconnected(lost);
  });
  try {
    await transport.negotiate(SOFTWARE_NAME, SOFTWARE_VERSION);
    const again = login === undefined ? undefined : () => logIn(transport, login, address);
    const sessionMs = (await again?.()) ?? 0;
    // From now on each request has its own time.
    socket.setTimeout(0);
    requests = 0;
    isAnswered = false;
    return again === undefined || sessionMs === 0
      ? transport
      : new SessionTransport(transport, sessionMs, again, environment);
  } catch (error) {
    transport.close();
    if (!(error instanceof MillraceError) || codeOf(error) !== 'CONNECTION_LOST') throw error;
    throw isAnswered && lost === undefined ? hungUp(address, login, error) : await failed(lost ?? error);
  }
}

/** What to tell who has not logged in where the broker wants that; undefined where it does not, or does not say. */
async function wishForLogin(address: BrokerAddress, options: DialOptions): Promise<MillraceError | undefined> {
  try {
    const transport = await dial(address, options, async () => undefined);
    const answer = await transport.request(saslHandshake, create(saslHandshake, { mechanism: '' }));
    transport.close();
    if (answer.errorCode !== ErrorCode.UNSUPPORTED_SASL_MECHANISM) return undefined;
    return new MillraceError(
      'SASL_AUTHENTICATION_FAILED',
      `the broker at ${address.host}:${address.port} wants a login (${answer.mechanisms.join(', ')}): set security.protocol to SASL_SSL or SASL_PLAINTEXT, with sasl.mechanism and sasl.jaas.config`,
    );
  } catch {
    return undefined;
  }
}

/** Brokers before version 1.0 hang up on who is not let in; the others say so. */
function hungUp({ host, port }: BrokerAddress, login: Login | undefined, cause: unknown): MillraceError {
  const why = login === undefined ? '' : `, while ${login.user} was logging in by ${login.mechanism}`;
  return new MillraceError('CONNECTION_FAILED', `the broker at ${host}:${port} hung up${why}`, {
    retriable: true,
    cause,
  });
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
