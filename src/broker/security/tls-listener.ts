// TLS on a listener: the broker's certificate, read again when its file changes, and who a client's certificate says it is.
import { certificateName, hasKey, hasTrust, invalid, tlsContext } from '../../security/index.ts';
import type { ListenerConfig } from './listeners.ts';
import { ANONYMOUS, type Principal, userPrincipal } from './principal.ts';
import { principalRules, type PrincipalRules } from './principal-rules.ts';

export interface ListenerTls {
  /** Its `current` is another object when a file has changed. */
  readonly certificates: ReturnType<typeof tlsContext>;
  readonly asksForCertificate: boolean;
  readonly requiresCertificate: boolean;
  /** Of the certificate in DER, or of a client without one; undefined for one that no rule is about. */
  principalOf(certificate: Buffer | undefined): Principal | undefined;
}

/** Throws `INVALID_CONFIG` when a certificate can't be used. */
export function listenerTls({ name, settings }: ListenerConfig, report: (message: string) => void): ListenerTls {
  const source = { values: settings, nameOf: (setting: string) => setting };
  if (!hasKey(source)) {
    throw invalid(
      `The listener ${name} has TLS, which needs a certificate: set "ssl.keystore.location", or "ssl.keystore.key" and "ssl.keystore.certificate.chain".`,
    );
  }
  const asks = settings['ssl.client.auth'];
  if (asks !== 'none' && !hasTrust(source)) {
    throw invalid(
      `With "ssl.client.auth" ${asks} it must be said whose certificates are trusted: set "ssl.truststore.location" or "ssl.truststore.certificates".`,
    );
  }
  const rules = principalRules(settings['ssl.principal.mapping.rules']);
  return {
    certificates: tlsContext(source, report),
    asksForCertificate: asks !== 'none',
    requiresCertificate: asks === 'required',
    principalOf: (certificate) => principalOf(certificate, rules),
  };
}

function principalOf(certificate: Buffer | undefined, rules: PrincipalRules): Principal | undefined {
  if (certificate === undefined) return ANONYMOUS;
  const user = rules(certificateName(certificate));
  return user === undefined ? undefined : userPrincipal(user);
}
