// Sockets to brokers, plain or over TLS, and in a sentence why there is none: what the codes of TLS mean, and whether the other
// side speaks TLS at all. A broker that is spoken to in the wrong way just hangs up, so it is asked once in the other way.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import { type BrokerAddress, WireTransport } from '../protocol/index.ts';
import { codeOf, deferred, MillraceError } from '../util/index.ts';

/** What brokers are told about this client. */
export const SOFTWARE_NAME = 'millrace';
export const SOFTWARE_VERSION = '0.1.0';
const CONNECT_TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_000;
/** What a record of TLS begins with that is an alert (RFC 8446, 5.1). */
const TLS_ALERT = 0x15;
const TLS_MAJOR_VERSION = 3;

const TRUST = 'name its authority by ssl.truststore.location or ssl.truststore.certificates';
const OWN = 'name the client’s by ssl.keystore.location, or by ssl.keystore.key and ssl.keystore.certificate.chain';

/** How brokers are spoken to over TLS. */
export interface ClientTls {
  readonly context: { readonly current: SecureContextOptions };
  /** Whether the certificate must be the host's. */
  readonly checksHost: boolean;
}

/** Resolves when bytes can be sent; nothing has been. The socket is destroyed when it has been silent for 10 s. */
export async function openSocket(address: BrokerAddress, tls: ClientTls | undefined): Promise<Socket> {
  const socket = tls === undefined ? connect({ ...address, noDelay: true }) : overTls(address, tls);
  const connected = deferred();
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('it does not answer')));
  socket.once(tls === undefined ? 'connect' : 'secureConnect', connected.resolve);
  socket.once('error', connected.reject);
  socket.once('close', () => connected.reject(new Error('it hangs up')));
  await connected.promise;
  return socket;
}

function overTls({ host, port }: BrokerAddress, { context, checksHost }: ClientTls): Socket {
  const socket = connectTls({
    host,
    port,
    ...context.current,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(checksHost ? {} : { checkServerIdentity: () => undefined }),
  });
  return socket.setNoDelay(true);
}

/** Whether the first bytes are an alert of TLS, which is no answer of Kafka's. */
export function isTlsAlert(chunk: Buffer): boolean {
  return chunk[0] === TLS_ALERT && chunk[1] === TLS_MAJOR_VERSION;
}

/** What became of a connection before it was any good, in a sentence. Those that no second try makes good are not retriable. */
export async function connectionFailure(
  address: BrokerAddress,
  tls: ClientTls | undefined,
  cause: unknown,
): Promise<MillraceError> {
  const where = `${address.host}:${address.port}`;
  const isAnonymous = tls !== undefined && tls.context.current.cert === undefined;
  const fault = tls === undefined ? undefined : tlsFault(where, cause, isAnonymous);
  if (fault !== undefined) return new MillraceError('TLS_FAILED', fault, { cause });
  const isUnreachable = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(
    codeOf(cause) ?? '',
  );
  if (!isUnreachable) {
    if (tls !== undefined && (await speaksKafka(address))) {
      const instead = 'set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or connect to another of its listeners';
      return new MillraceError('TLS_FAILED', `the broker at ${where} does not speak TLS: ${instead}`, { cause });
    }
    if (tls === undefined && (await speaksTls(address))) {
      const instead = 'set security.protocol to SSL or SASL_SSL, or connect to another of its listeners';
      return new MillraceError('TLS_FAILED', `the broker at ${where} speaks TLS: ${instead}`, { cause });
    }
  }
  // Not all say so when they want a certificate.
  const hint =
    isAnonymous && !isUnreachable ? `: it hangs up, as one may do that wants a certificate of its clients; ${OWN}` : '';
  return new MillraceError('CONNECTION_FAILED', `no Kafka broker answers at ${where}${hint}`, {
    retriable: true,
    cause,
  });
}

/** What TLS says is wrong with a certificate, or with what the two sides have in common. */
function tlsFault(where: string, cause: unknown, isAnonymous: boolean): string | undefined {
  const code = codeOf(cause) ?? '';
  const { reason, cert } = cause as { readonly reason?: unknown; readonly cert?: { readonly subjectaltname?: string } };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname ?? 'no names';
    return `the certificate of the broker at ${where} is not for this host, it has ${names}: connect by one of these, or, if you know what you do, set ssl.endpoint.identification.algorithm to an empty text`;
  }
  if (/^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_UNTRUSTED|CERT_SIGNATURE|INVALID_CA)/.test(code)) {
    return `the certificate of the broker at ${where} is signed by nobody who is trusted here (${code}): ${TRUST}`;
  }
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) {
    return `the certificate of the broker at ${where} is out of its time (${code}): have it renewed, or look at this machine’s clock`;
  }
  if (!code.startsWith('ERR_SSL_')) return undefined;
  // Not TLS at all: it is asked in the other way.
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|RECORD_TOO/.test(code))
    return undefined;
  const isAboutOurs =
    /CERTIFICATE_REQUIRED|ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/;
  if (isAboutOurs.test(code)) {
    return isAnonymous
      ? `the broker at ${where} wants a certificate of its clients (${code}): ${OWN}`
      : `the broker at ${where} does not take the client’s certificate (${code}): ${OWN}`;
  }
  const words = typeof reason === 'string' ? `${code}: ${reason}` : code;
  return `TLS with the broker at ${where} fails (${words}): look at ssl.enabled.protocols and ssl.cipher.suites; a broker that wants a certificate of its clients may say so too`;
}

/** Whether a broker answers without TLS. It is asked for its versions, and nothing else. */
async function speaksKafka(address: BrokerAddress): Promise<boolean> {
  const socket = connect({ ...address, noDelay: true });
  const transport = new WireTransport({
    send: (pieces) => void socket.write(Buffer.concat(pieces)),
    destroy: () => socket.destroy(),
  });
  socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => transport.receive(chunk));
  socket.on('error', () => {});
  socket.on('close', () => transport.disconnected());
  try {
    await transport.negotiate(SOFTWARE_NAME, SOFTWARE_VERSION);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Whether TLS is answered, whatever its certificate is. */
async function speaksTls({ host, port }: BrokerAddress): Promise<boolean> {
  const socket = connectTls({
    host,
    port,
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  const answered = deferred<boolean>();
  socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy());
  socket.once('secureConnect', () => answered.resolve(true));
  socket.once('error', (error) => answered.resolve(/^ERR_SSL_.*ALERT/.test(codeOf(error) ?? '')));
  socket.once('close', () => answered.resolve(false));
  const speaks = await answered.promise;
  socket.destroy();
  return speaks;
}
