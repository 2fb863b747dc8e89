// The first users of a broker that nobody gets into without a password: they are written while it does not run.
import { join } from 'node:path';
import { Broker } from '../broker/index.ts';
import { alterUserScramCredentials, create, ScramMechanismType } from '../protocol/index.ts';
import { MIN_SCRAM_ITERATIONS, saltedPassword, type ScramMechanism } from '../security/index.ts';
import { type Environment, type GivenSettings, MillraceError, systemEnvironment } from '../util/index.ts';
import { splitSettings } from './settings.ts';

export interface NewScramUser {
  readonly mechanism: ScramMechanism;
  readonly name: string;
  readonly password: string;
  /** Default: 4096. */
  readonly iterations?: number | undefined;
}

/**
 * Sets passwords in the data directory that the settings name. Throws `DATA_DIRECTORY_LOCKED` while a broker runs there, and what
 * a broker says of users that can't be.
 */
export async function addScramUsers(given: GivenSettings, users: readonly NewScramUser[]): Promise<void> {
  const { platform, broker: settings } = splitSettings(given);
  const broker = await Broker.open({ dataDir: join(platform['log.dirs'], 'kafka'), settings });
  try {
    for (const user of users) await addUser(broker, user, systemEnvironment);
  } finally {
    await broker.close();
  }
}

/** One at a time: a user may have a password for each mechanism. */
async function addUser(broker: Broker, user: NewScramUser, environment: Environment): Promise<void> {
  const { mechanism, name, password, iterations = MIN_SCRAM_ITERATIONS } = user;
  const salt = environment.randomBytes(16);
  const number = mechanism === 'SCRAM-SHA-256' ? ScramMechanismType.SCRAM_SHA_256 : ScramMechanismType.SCRAM_SHA_512;
  const salted = await saltedPassword(mechanism, password, salt, iterations);
  const upsertions = [{ name, mechanism: number, iterations, salt, saltedPassword: salted }];
  const transport = broker.connect();
  const { results } = await transport.request(
    alterUserScramCredentials,
    create(alterUserScramCredentials, { upsertions }),
  );
  transport.close();
  const [{ errorCode, errorMessage } = { errorCode: 0, errorMessage: null }] = results;
  if (errorCode !== 0) throw new MillraceError('INVALID_OPTION', `The user ${name} can't be: ${errorMessage}.`);
}
