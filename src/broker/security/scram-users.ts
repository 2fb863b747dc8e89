// The users whose passwords the broker keeps, in the form of SCRAM: what is stored checks a login and is good for nothing else.
import { isScramPassword, SCRAM_MECHANISMS, type ScramCredential, type ScramMechanism } from '../../security/index.ts';
import type { ClusterMetadata, StoredScramCredential } from '../metadata/cluster-metadata.ts';

export class ScramUsers {
  readonly #metadata: ClusterMetadata;
  #byUser: ReadonlyMap<string, ReadonlyMap<string, ScramCredential>> = new Map();

  constructor(metadata: ClusterMetadata) {
    this.#metadata = metadata;
    metadata.onChange(({ scramCredentials }) => {
      const byUser = Map.groupBy(scramCredentials, ({ user }) => user);
      this.#byUser = new Map(
        [...byUser].map(([user, stored]) => [
          user,
          new Map(stored.map((each) => [each.mechanism, credentialOf(each)])),
        ]),
      );
    });
  }

  users(): readonly string[] {
    return [...this.#byUser.keys()];
  }

  credential(mechanism: ScramMechanism, user: string): ScramCredential | undefined {
    return this.#byUser.get(user)?.get(mechanism);
  }

  /** The mechanisms for which a user has a password. */
  mechanismsOf(user: string): readonly ScramMechanism[] {
    return SCRAM_MECHANISMS.filter((mechanism) => this.credential(mechanism, user) !== undefined);
  }

  /** Sets and removes credentials with one write. When it returns they are in force. */
  change(
    changes: readonly { user: string; mechanism: ScramMechanism; credential: ScramCredential | undefined }[],
  ): void {
    const keyOf = ({ user, mechanism }: { user: string; mechanism: string }): string => `${mechanism}/${user}`;
    const byKey = new Map(this.#metadata.current.scramCredentials.map((stored) => [keyOf(stored), stored]));
    for (const change of changes) {
      if (change.credential === undefined) byKey.delete(keyOf(change));
      else byKey.set(keyOf(change), storedOf(change.user, change.mechanism, change.credential));
    }
    this.#metadata.change({ scramCredentials: [...byKey.values()] });
  }

  /** Whether a user who is here in clear text has the right password, for whatever mechanism it was set. */
  async isPassword(user: string, password: string): Promise<boolean> {
    const [mechanism] = this.mechanismsOf(user);
    if (mechanism === undefined) return false;
    return isScramPassword(mechanism, this.credential(mechanism, user)!, password);
  }
}

function credentialOf(stored: StoredScramCredential): ScramCredential {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return {
    salt: bytes(stored.salt),
    storedKey: bytes(stored.storedKey),
    serverKey: bytes(stored.serverKey),
    iterations: stored.iterations,
  };
}

function storedOf(user: string, mechanism: string, credential: ScramCredential): StoredScramCredential {
  const { salt, storedKey, serverKey, iterations } = credential;
  const text = (bytes: Buffer): string => bytes.toString('base64');
  return { user, mechanism, iterations, salt: text(salt), storedKey: text(storedKey), serverKey: text(serverKey) };
}
