import { afterAll, beforeAll, describe } from 'vitest';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';
import { jdbcSuite } from './suite.ts';

describe.skipIf(mariadbMissing !== undefined)('MariaDB', () => {
  let server: Mariadb;
  beforeAll(async () => {
    server = await startMariadb();
  }, 120_000);
  afterAll(() => server?.stop());

  jdbcSuite(
    'MariaDB',
    async () => {
      const name = await server.createDatabase();
      return {
        settings: {
          'connection.url': `jdbc:mariadb://127.0.0.1:${server.port}/${name}`,
          'connection.user': server.user,
          'connection.password': server.password,
        },
        sql: (text) =>
          server
            .rows(`USE ${name}; ${text}`)
            .then((found) => (found.at(-1) as unknown as Record<string, unknown>[]) ?? []),
      };
    },
    {
      counter: 'INT NOT NULL AUTO_INCREMENT PRIMARY KEY',
      moment: 'DATETIME(3)',
      bytes: 'LONGBLOB',
      halt: () => server.halt(),
      resume: () => server.resume(),
    },
  );
});
