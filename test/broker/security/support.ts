// What the tests of a secured broker share: listeners, users, certificates made by openssl, and clients of kafkajs.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { Broker } from '../../../src/broker/index.ts';
import { alterUserScramCredentials, create, ScramMechanismType } from '../../../src/protocol/index.ts';
import { saltedPassword } from '../../../src/security/index.ts';

/** Opens all that a text in Kafka's form lists; returns the addresses by the listeners' names. */
export async function listen(broker: Broker, listeners: string): Promise<Record<string, string>> {
  const addresses: Record<string, string> = {};
  for (const config of broker.listenersIn(listeners)) {
    const { host, port } = await broker.listenOn(config);
    addresses[config.name] = `${host}:${port}`;
  }
  return addresses;
}

/** A user who may log in with SCRAM. */
export async function addScramUser(broker: Broker, name: string, password: string): Promise<void> {
  const salt = Buffer.from(`salt of ${name}`);
  const upsertions = await Promise.all(
    (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).map(async (mechanism) => ({
      name,
      mechanism: mechanism === 'SCRAM-SHA-256' ? ScramMechanismType.SCRAM_SHA_256 : ScramMechanismType.SCRAM_SHA_512,
      iterations: 4096,
      salt,
      saltedPassword: await saltedPassword(mechanism, password, salt, 4096),
    })),
  );
  for (const upsertion of upsertions) {
    const request = create(alterUserScramCredentials, { upsertions: [upsertion] });
    const { results } = await broker.connect().request(alterUserScramCredentials, request);
    if (results[0]?.errorCode !== 0) throw new Error(results[0]?.errorMessage ?? 'no answer');
  }
}

export function kafkaJs(broker: string, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...config,
  });
}

export interface Certificates {
  readonly ca: string;
  /** PEM files with key and certificate, by name. */
  readonly fileOf: (name: string) => string;
  readonly pemOf: (name: string) => { readonly key: string; readonly cert: string };
  /** Makes one more, or one anew. */
  make(name: string, subject: string): void;
}

/** An authority of its own in a directory, and certificates that it signed. */
export function certificates(directory: string): Certificates {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA');
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  return {
    ca: join(directory, 'ca.pem'),
    fileOf: (name) => join(directory, `${name}.both.pem`),
    pemOf: (name) => ({ key: read(`${name}.key`), cert: read(`${name}.pem`) }),
    make(name, subject) {
      openssl('req', ...EC, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
      writeFileSync(join(directory, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed);
      writeFileSync(join(directory, `${name}.both.pem`), read(`${name}.key`) + read(`${name}.pem`));
    },
  };
}
