// The broker that outsiders are tried against: a new one for each suite, in this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/index.ts';
import { alterUserScramCredentials, create, ScramMechanismType } from '../../src/protocol/index.ts';
import { saltedPassword } from '../../src/security/index.ts';
import type { Target } from './suite.ts';

const USER = { username: 'interop', password: 'interop-secret' };
const LISTENERS = 'PLAINTEXT://127.0.0.1:0,LOGIN://127.0.0.1:0';
const SETTINGS = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'listener.name.login.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`,
};

export interface RunningTarget extends Target {
  close(): Promise<void>;
}

/** `more`: settings beside the usual ones. */
export async function openTarget(more: Readonly<Record<string, string | number>> = {}): Promise<RunningTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-interop-'));
  const broker = await Broker.open({ dataDir, settings: { ...SETTINGS, ...more } });
  const [address, login] = await Promise.all(
    broker.listenersIn(LISTENERS).map(async (config) => {
      const { host, port } = await broker.listenOn(config);
      return `${host}:${port}`;
    }),
  );
  const salt = Buffer.from('interop');
  for (const name of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const upsertion = {
      name: USER.username,
      mechanism: name === 'SCRAM-SHA-256' ? ScramMechanismType.SCRAM_SHA_256 : ScramMechanismType.SCRAM_SHA_512,
      iterations: 4096,
      salt,
      saltedPassword: await saltedPassword(name, USER.password, salt, 4096),
    };
    const request = create(alterUserScramCredentials, { upsertions: [upsertion] });
    await broker.connect().request(alterUserScramCredentials, request);
  }
  return {
    address: address!,
    login: login!,
    ...USER,
    async close() {
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
