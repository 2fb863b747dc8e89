import { afterAll, beforeAll, describe } from 'vitest';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { jdbcSuite } from './suite.ts';

describe.skipIf(postgresMissing !== undefined)('PostgreSQL', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(() => server?.stop());

  jdbcSuite(
    'PostgreSQL',
    async () => {
      const name = await server.createDatabase();
      return {
        settings: {
          'connection.url': `jdbc:postgresql://127.0.0.1:${server.port}/${name}`,
          'connection.user': server.user,
          'connection.password': server.password,
        },
        async sql(text) {
          const client = await server.connect(name);
          try {
            return (await client.query(text)).rows;
          } finally {
            await client.end();
          }
        },
      };
    },
    {
      counter: 'SERIAL PRIMARY KEY',
      moment: 'TIMESTAMP',
      bytes: 'BYTEA',
      halt: () => server.halt('fast'),
      resume: () => server.resume(),
    },
  );
});
