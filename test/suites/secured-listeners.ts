// The settings of a broker that has a listener of each kind, in Kafka's words: for Kafka itself, and for ours.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from './certificates.ts';
import { PASSWORDS, type SecuredCluster, SESSION_MS } from './secured-client.ts';

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'];

const PROTOCOLS = {
  PLAINTEXT: 'PLAINTEXT',
  SSL: 'SSL',
  MTLS: 'SSL',
  ELSEWHERE: 'SSL',
  SASL_SSL: 'SASL_SSL',
  SASL_PLAINTEXT: 'SASL_PLAINTEXT',
  SHORT: 'SASL_SSL',
};

export type ListenerName = keyof typeof PROTOCOLS;

export interface SecuredListeners {
  /** Where keys and certificates are, and what else belongs to the broker. */
  readonly folder: string;
  readonly certificates: Certificates;
  readonly names: readonly ListenerName[];
  readonly settings: Readonly<Record<string, string>>;
}

export function securedListeners(): SecuredListeners {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'));
  const certificates = makeCertificates(folder);
  const pemStore = (name: string, hosts?: string): string => {
    const path = certificates.issue(name, hosts);
    writeFileSync(`${path}.pem`, readFileSync(`${path}.key`, 'utf8') + readFileSync(`${path}.crt`, 'utf8'));
    return `${path}.pem`;
  };
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const oauth = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';
  const logins = ['sasl_ssl', 'sasl_plaintext', 'short'].flatMap((name) => [
    [`listener.name.${name}.sasl.enabled.mechanisms`, MECHANISMS.join(',')],
    [`listener.name.${name}.plain.sasl.jaas.config`, `${plain} user_${PASSWORDS.username}="${PASSWORDS.password}";`],
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scram],
    [`listener.name.${name}.oauthbearer.sasl.jaas.config`, `${oauth} unsecuredLoginStringClaim_sub="broker";`],
  ]);
  const sessions = MECHANISMS.map((name) => [
    `listener.name.short.${name.toLowerCase()}.connections.max.reauth.ms`,
    String(SESSION_MS),
  ]);
  return {
    folder,
    certificates,
    names: Object.keys(PROTOCOLS) as ListenerName[],
    settings: {
      'listener.security.protocol.map': [...Object.entries(PROTOCOLS), ['CONTROLLER', 'PLAINTEXT']]
        .map((pair) => pair.join(':'))
        .join(','),
      'group.initial.rebalance.delay.ms': '0',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': pemStore('server'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificates.ca,
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.elsewhere.ssl.keystore.type': 'PEM',
      'listener.name.elsewhere.ssl.keystore.location': pemStore('elsewhere', 'DNS:kafka.example'),
      ...Object.fromEntries([...sessions, ...logins]),
    },
  };
}

/** `addressOf`: where each of them listens, as `host:port`. */
export function securedCluster(
  { folder, certificates }: SecuredListeners,
  addressOf: (name: ListenerName) => string,
  close: () => Promise<void>,
): SecuredCluster {
  return {
    certificates,
    folder,
    plaintext: addressOf('PLAINTEXT'),
    ssl: addressOf('SSL'),
    mtls: addressOf('MTLS'),
    elsewhere: addressOf('ELSEWHERE'),
    saslSsl: addressOf('SASL_SSL'),
    saslPlaintext: addressOf('SASL_PLAINTEXT'),
    shortSessions: addressOf('SHORT'),
    close,
  };
}
