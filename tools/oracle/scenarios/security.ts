// What there is of logins and rules on a listener without any.
import {
  alterUserScramCredentials,
  createAcls,
  deleteAcls,
  describeAcls,
  describeUserScramCredentials,
  saslAuthenticate,
  saslHandshake,
} from '../../../src/protocol/index.ts';
import type { Scenario } from '../scenario.ts';

export const security: readonly Scenario[] = [
  {
    name: 'security: logins without any',
    async run(session) {
      await session.every(saslHandshake, { mechanism: 'PLAIN' });
      session.reconnect();
      await session.every(saslAuthenticate, { authBytes: Buffer.from('\0a\0b') });
    },
  },
  {
    name: 'security: credentials',
    async run(session) {
      await session.ask(describeUserScramCredentials, { users: null });
      await session.ask(describeUserScramCredentials, { users: [{ name: 'nobody' }] });
      await session.ask(describeUserScramCredentials, { users: [{ name: '' }] });
      const upserting = (
        name: string,
        mechanism: number,
        iterations: number,
        salt = 'salt',
        password = 'p'.repeat(32),
      ) =>
        session.ask(alterUserScramCredentials, {
          upsertions: [{ name, mechanism, iterations, salt: Buffer.from(salt), saltedPassword: Buffer.from(password) }],
        });
      await upserting('ann', 1, 4096);
      await upserting('ann', 2, 8192);
      await upserting('ann', 1, 100);
      await upserting('ann', 1, 20_000);
      await upserting('', 1, 4096);
      await upserting('ann', 7, 4096);
      await session.ask(describeUserScramCredentials, { users: [{ name: 'ann' }] });
      await session.ask(describeUserScramCredentials, { users: [{ name: 'ann' }, { name: 'ann' }] });
      const deleting = (name: string, mechanism: number) =>
        session.ask(alterUserScramCredentials, { deletions: [{ name, mechanism }] });
      await deleting('nobody', 1);
      await deleting('ann', 7);
      await deleting('ann', 1);
      await deleting('ann', 1);
      await session.ask(alterUserScramCredentials, {
        deletions: [
          { name: 'ann', mechanism: 2 },
          { name: 'ann', mechanism: 2 },
        ],
      });
      await session.ask(describeUserScramCredentials, { users: [{ name: 'ann' }] });
    },
  },
  {
    name: 'security: rules without an authorizer',
    async run(session) {
      const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
      await session.every(describeAcls, filter);
      const rule = {
        resourceType: 2,
        resourceName: 'a',
        principal: 'User:a',
        host: '*',
        operation: 3,
        permissionType: 3,
      };
      await session.every(createAcls, { creations: [rule] });
      await session.every(deleteAcls, { filters: [filter] });
    },
  },
];
