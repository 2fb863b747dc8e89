// Who asks: HTTP's Basic authentication against the file of users, or the users that the broker keeps.
import { createHmac, randomBytes } from 'node:crypto';
import { invalid } from '../security/index.ts';
import { FileBacked } from '../security/index.ts';
import { readUsers, type User } from './passwords.ts';
import { HttpRefusal } from './refusal.ts';
import type { RimSettings } from './settings.ts';

/** Who asks when nobody is asked who he is. */
export const ANONYMOUS = 'ANONYMOUS';
/** Logins that are remembered, so that scrypt's work is done once for each. */
const LOGINS_MAX = 1000;

export interface Authentication {
  /** What a client that did not log in is told, in `WWW-Authenticate`; undefined where nobody has to. */
  readonly challenge: string | undefined;
  /** The user's name; throws an `HttpRefusal` (401, 403) for who is not let in. */
  userOf(authorizationHeader: string | undefined): Promise<string>;
}

/** Whether a user of the broker has a password. */
export type CheckPassword = (name: string, password: string) => Promise<boolean>;

/** The users that the broker keeps, as a place. */
const BROKER = 'broker';

export function authenticationOf(
  { values, nameOf }: RimSettings,
  log: (message: string) => void,
  checkPassword?: CheckPassword,
): Authentication {
  if (values['authentication.method'] === 'NONE') {
    return { challenge: undefined, userOf: async () => ANONYMOUS };
  }
  const file = values['authentication.users.location'];
  if (file === '') {
    throw invalid(
      `With "${nameOf('authentication.method')}" BASIC there must be a file of passwords: set "${nameOf('authentication.users.location')}".`,
    );
  }
  const realm = values['authentication.realm'].replaceAll(/["\\\p{Cc}]/gu, '');
  const roles = values['authentication.roles'].split(',').map((role) => role.trim());
  if (file === BROKER) {
    if (checkPassword === undefined) {
      const where = `"${nameOf('authentication.users.location')}" broker`;
      throw invalid(`${where}: there is no broker here whose users could be asked for; name a file of passwords.`);
    }
    if (!roles.includes('*')) {
      throw invalid(`"${nameOf('authentication.roles')}" must be *: users of the broker have no roles.`);
    }
    return new BrokerAuthentication(checkPassword, challengeOf(realm));
  }
  return new BasicAuthentication(
    new FileBacked([file], () => readUsers(nameOf('authentication.users.location'), file), log),
    roles,
    challengeOf(realm),
  );
}

function challengeOf(realm: string): string {
  return `Basic realm="${realm}", charset="UTF-8"`;
}

/** Users whom the broker knows: one password is good for all services. */
class BrokerAuthentication implements Authentication {
  readonly challenge: string;
  readonly #checkPassword: CheckPassword;

  constructor(checkPassword: CheckPassword, challenge: string) {
    this.#checkPassword = checkPassword;
    this.challenge = challenge;
  }

  async userOf(header: string | undefined): Promise<string> {
    const credentials = header === undefined ? undefined : credentialsOf(header);
    if (credentials !== undefined && (await this.#checkPassword(...credentials))) return credentials[0];
    throw new HttpRefusal(401, 'Unauthorized');
  }
}

class BasicAuthentication implements Authentication {
  readonly challenge: string;
  readonly #users: FileBacked<ReadonlyMap<string, User>>;
  readonly #roles: readonly string[];
  /** By user and password, which are not kept themselves: only what a secret of this process makes of them. */
  readonly #logins = new Map<string, User>();
  readonly #secret = randomBytes(32);
  #loginsOf: ReadonlyMap<string, User> | undefined;

  constructor(users: FileBacked<ReadonlyMap<string, User>>, roles: readonly string[], challenge: string) {
    this.#users = users;
    this.#roles = roles;
    this.challenge = challenge;
  }

  async userOf(header: string | undefined): Promise<string> {
    const credentials = header === undefined ? undefined : credentialsOf(header);
    const user = credentials && (await this.#loggedIn(...credentials));
    if (user === undefined) throw new HttpRefusal(401, 'Unauthorized');
    if (!this.#roles.includes('*') && !user.roles.some((role) => this.#roles.includes(role))) {
      throw new HttpRefusal(403, 'Forbidden');
    }
    return user.name;
  }

  async #loggedIn(name: string, password: string): Promise<User | undefined> {
    const users = this.#users.current;
    if (this.#loginsOf !== users) {
      this.#logins.clear();
      this.#loginsOf = users;
    }
    const key = createHmac('sha256', this.#secret)
      .update(JSON.stringify([name, password]))
      .digest('base64');
    const known = this.#logins.get(key);
    if (known !== undefined) return known;
    const user = users.get(name);
    // Somebody who does not exist is refused as slowly as somebody who does.
    const [first] = users.values();
    const isRight = await (user ?? first)?.isPassword(password);
    if (user === undefined || isRight !== true) return undefined;
    if (this.#loginsOf === users) {
      this.#logins.set(key, user);
      const [oldest] = this.#logins.keys();
      if (this.#logins.size > LOGINS_MAX) this.#logins.delete(oldest!);
    }
    return user;
  }
}

function credentialsOf(header: string): [name: string, password: string] | undefined {
  const [, base64] = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(header) ?? [];
  if (base64 === undefined) return undefined;
  const text = Buffer.from(base64, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}
