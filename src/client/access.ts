// How a client gets in: what was said of TLS and of a login, in the long form or in the short one, put together and checked when
// the client is made.
import { invalid, type SslSource, tlsContext } from '../security/index.ts';
import type { Environment } from '../util/index.ts';
import { type Login, loginOf, type SaslOptions } from './login.ts';
import { type SecurityOptions, type SecurityProtocol, securityValuesOf } from './settings.ts';
import type { ClientTls } from './sockets.ts';

/** What connections are made with; undefined: without TLS, and without a login. */
export interface Access {
  readonly tls: ClientTls | undefined;
  readonly login: Login | undefined;
}

/** `scheme`: the protocol that stands before the addresses. Throws INVALID_CONFIG. */
export function accessOf(
  options: SecurityOptions & { readonly ssl?: boolean; readonly sasl?: SaslOptions },
  scheme: SecurityProtocol | undefined,
  environment: Environment,
): Access {
  const protocol = protocolOf(options, scheme);
  const values = securityValuesOf(options);
  const isTls = protocol.endsWith('SSL');
  const hasLogin = protocol.startsWith('SASL');
  if (!hasLogin && options.sasl !== undefined)
    throw invalid(`"sasl" says who logs in, but nobody does by ${protocol}.`);
  if (!hasLogin && values['sasl.jaas.config'] !== '') {
    throw invalid(
      `"sasl.jaas.config" says who logs in, but nobody does with "security.protocol" ${protocol}: make it SASL_SSL.`,
    );
  }
  const source: SslSource = { values, nameOf: (name) => name };
  return {
    tls: isTls
      ? {
          context: tlsContext(source, (message) => process.emitWarning(message)),
          checksHost: values['ssl.endpoint.identification.algorithm'] !== '',
        }
      : undefined,
    login: hasLogin ? loginOf(values, options.sasl, environment) : undefined,
  };
}

function protocolOf(
  { securityProtocol, ssl, sasl }: SecurityOptions & { readonly ssl?: boolean; readonly sasl?: SaslOptions },
  scheme: SecurityProtocol | undefined,
): SecurityProtocol {
  if (securityProtocol !== undefined) {
    const protocol = securityProtocol as SecurityProtocol;
    if (ssl !== undefined) throw invalid('"ssl" is the short form of "securityProtocol": give one of the two.');
    if (scheme !== undefined && scheme !== protocol) {
      throw invalid(`"bootstrap.servers" says ${scheme}, and "security.protocol" ${protocol}: give one of the two.`);
    }
    return protocol;
  }
  if (scheme !== undefined && ssl === undefined) return scheme;
  if (sasl !== undefined && ssl === undefined) {
    throw invalid(
      '"sasl" needs to know whether passwords go over TLS: add ssl: true, or ssl: false where the network is trusted.',
    );
  }
  if (sasl !== undefined) return ssl === true ? 'SASL_SSL' : 'SASL_PLAINTEXT';
  return ssl === true ? 'SSL' : 'PLAINTEXT';
}
