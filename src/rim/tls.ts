// The certificates of an `https` listener.
import type { SecureContextOptions } from 'node:tls';
import {
  type FileBacked,
  hasKey,
  hasTrust,
  invalid,
  type SslSetting,
  type SslSource,
  tlsContext,
} from '../security/index.ts';
import type { RimSettings } from './settings.ts';

export interface Tls {
  /** Its `current` is another object when a file has changed. */
  readonly certificates: FileBacked<SecureContextOptions>;
  readonly clientAuthentication: 'NONE' | 'REQUESTED' | 'REQUIRED';
}

export function tlsOf({ values, nameOf }: RimSettings, log: (message: string) => void): Tls {
  const source: SslSource = { values, nameOf };
  const name = (setting: SslSetting) => `"${nameOf(setting)}"`;
  if (!hasKey(source)) {
    throw invalid(
      `The listener is https, which needs a certificate: set ${name('ssl.keystore.location')}, or ${name('ssl.keystore.key')} and ${name('ssl.keystore.certificate.chain')}.`,
    );
  }
  const clientAuthentication = values['ssl.client.authentication'] as Tls['clientAuthentication'];
  if (clientAuthentication !== 'NONE' && !hasTrust(source)) {
    throw invalid(
      `With "${nameOf('ssl.client.authentication')}" ${clientAuthentication} it must be said whose certificates are trusted: set ${name('ssl.truststore.location')} or ${name('ssl.truststore.certificates')}.`,
    );
  }
  return { certificates: tlsContext(source, log), clientAuthentication };
}
