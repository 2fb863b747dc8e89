// `millrace sql migrations` against a real service: a project from its first file to its end.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { Millrace } from './support.ts';

describe('millrace sql migrations', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-migrations-'));
  const root = join(directory, 'project');
  const config = join(root, 'ksql-migrations.properties');
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': join(directory, 'data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const run = (...args: string[]) => new Millrace(['sql', 'migrations', ...args]).ended;
  const succeeded = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('-c', config, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await run('-c', config, ...args);
    expect(code).toBe(1);
    return stderr;
  };
  const fileOf = (version: number): string =>
    join(
      root,
      'migrations',
      readdirSync(join(root, 'migrations')).find((name) => name.startsWith(`V00000${version}__`))!,
    );
  const streams = async (): Promise<string[]> => {
    const [shown] = (await platform.sql.execute('SHOW STREAMS;')) as unknown as [{ streams: { name: string }[] }];
    return shown.streams.map(({ name }) => name).filter((name) => name !== 'KSQL_PROCESSING_LOG');
  };
  const states = async (): Promise<string[]> => {
    const rows = (await succeeded('info')).split('\n').filter((line) => /^ \d/.test(line));
    return rows.map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(0, 4)
        .join(' '),
    );
  };

  test('a project is made, and is not made twice', async () => {
    const { code, stdout } = await run('new-project', root, platform.url('sql'));
    expect(code).toBe(0);
    expect(stdout).toContain(`Creating directory: ${join(root, 'migrations')}\n`);
    expect(stdout).toMatch(/Migrations project directory created successfully\nExecution time: [\d.]+ seconds\n$/);
    expect(readFileSync(config, 'utf8')).toContain(`ksql.server.url=${platform.url('sql')}\n`);
    expect((await run('new', root, 'http://x')).stderr).toContain('There is a project in');
    expect((await run('info')).stderr).toContain('--config-file');
    expect(await refused('apply', '--all')).toContain(
      'There is no MIGRATION_EVENTS and no MIGRATION_SCHEMA_VERSIONS: run initialize-metadata first.',
    );
  });

  test('the service knows of migrations', async () => {
    expect(await succeeded('initialize-metadata')).toContain(
      'Creating stream: MIGRATION_EVENTS\nCreating table: MIGRATION_SCHEMA_VERSIONS\n',
    );
    expect(await succeeded('info')).toContain('Current migration version: None\nNo migrations files found');
  });

  test('files have the next version, or the one that is given', async () => {
    expect(await succeeded('create', 'Make users')).toContain('V000001__Make_users.sql');
    await succeeded('create', '-v', '3', 'third');
    await succeeded('create', '--version', '2', 'second');
    expect(readdirSync(join(root, 'migrations'))).toEqual([
      'V000001__Make_users.sql',
      'V000002__second.sql',
      'V000003__third.sql',
    ]);
    expect(await refused('create', '-v', '2', 'again')).toContain('There is a migration with version 2 already.');
    expect(await refused('create', '-v', '0', 'none')).toContain('"0" is no version');
    expect(await refused('create', '../x')).toContain("can't be a part of a file's name");
  });

  test('nothing is run in a dry run; then one, with variables that end with it', async () => {
    writeFileSync(
      fileOf(1),
      "-- users; first\nDEFINE topic='users';\nSET 'auto.offset.reset'='earliest';\nCREATE STREAM ${name} (id INT KEY, n STRING) WITH (kafka_topic='${topic}', partitions=1, value_format='JSON');\nINSERT INTO users VALUES (1, 'it''s; ${name}');\n",
    );
    writeFileSync(fileOf(2), 'CREATE STREAM ${name}_2 AS SELECT * FROM users;\nDROP TYPE IF EXISTS none;');
    writeFileSync(fileOf(3), 'CREATE STREAM three AS SELECT * FROM users;\nDROP STREAM nothing;');
    const dry = await succeeded('apply', '--next', '--dry-run', '-d', 'name=users');
    expect(dry).toContain('This is a dry run. No ksqlDB statements will be submitted to the ksqlDB server.');
    expect(dry).toContain(`Applying migration version 1: Make users\n${fileOf(1)} contents:\n-- users; first\n`);
    expect(dry).toContain('Dry run complete. No migrations were actually applied.');
    expect(await states()).toEqual(['1 Make users PENDING N/A', '2 second PENDING N/A', '3 third PENDING N/A']);
    expect(await succeeded('apply', '--next', '-d', 'name=users')).toContain('1 migration file(s) loaded.');
    expect(await states()).toEqual(['1 Make users MIGRATED <none>', '2 second PENDING N/A', '3 third PENDING N/A']);
    expect(await Array.fromAsync(platform.sql.query('SELECT n FROM users;'))).toEqual([{ N: "it's; users" }]);
  });

  test('what fails is ERROR with its reason, and may be applied again', async () => {
    expect(await refused('apply', '--until', '2', '-d', 'other=users')).toContain('${name}_2');
    expect(await states()).toEqual(['1 Make users MIGRATED <none>', '2 second ERROR 1', '3 third PENDING N/A']);
    await succeeded('apply', '--until', '2', '-d', 'name=users');
    expect(await states()).toEqual(['1 Make users MIGRATED <none>', '2 second MIGRATED 1', '3 third PENDING N/A']);
    expect(await refused('apply', '-a')).toContain('Stream NOTHING does not exist');
    expect(await succeeded('info')).toMatch(
      /3 +\| third +\| ERROR +\| 2 +\| .* UTC \| .* UTC \| .*NOTHING does not exist/,
    );
    writeFileSync(fileOf(3), 'CREATE STREAM three_more AS SELECT * FROM users;');
    await succeeded('apply', '-v', '3');
    expect(await succeeded('apply', '--all')).toContain('No eligible migrations found.');
    expect(await succeeded('info')).toContain('Current migration version: 3\n');
    expect(await streams()).toEqual(
      expect.arrayContaining(['USERS', 'USERS_2', 'THREE', 'THREE_MORE', 'MIGRATION_EVENTS']),
    );
  });

  test('what was applied is compared with its file', async () => {
    expect(await succeeded('validate')).toContain(
      'Successfully validated checksums for migrations that have already been applied',
    );
    const before = readFileSync(fileOf(2), 'utf8');
    writeFileSync(fileOf(2), `${before}\n`);
    expect(await refused('validate')).toContain(
      'The migration with version 2 is not what was applied: its file has been changed since',
    );
    await succeeded('create', 'fourth');
    expect(await refused('apply', '--all')).toContain('version 2 is not what was applied');
    writeFileSync(fileOf(2), before);
    await succeeded('validate');
  });

  test('what is no migration is refused before anything is run', async () => {
    writeFileSync(fileOf(4), 'CREATE STREAM four AS SELECT * FROM users;\n/* look */ SELECT * FROM users;');
    expect(await refused('apply', '--next')).toContain(
      'a migration has statements that change something, not SELECT * FROM users;',
    );
    expect(await refused('apply', '--next', '--all')).toContain('Say which migrations');
    expect(await refused('apply', '--until', '2')).toContain(
      'Version 2 is not behind the last one that was applied, which is 3.',
    );
    expect(await refused('apply', '--version', '9')).toContain('There is no migration with version 9.');
    expect(await streams()).not.toContain('FOUR');
    writeFileSync(join(root, 'migrations', 'V5__short.sql'), '');
    expect(await refused('info')).toContain('is not named as a migration is');
    rmSync(join(root, 'migrations', 'V5__short.sql'));
    writeFileSync(config, `${readFileSync(config, 'utf8')}\nksql.migrations.steam.name=x\n`);
    expect(await refused('info')).toContain('ksql.migrations.stream.name');
    writeFileSync(config, readFileSync(config, 'utf8').replace('ksql.migrations.steam.name=x\n', ''));
  });

  test('rows of tables may be changed, too', async () => {
    const made =
      "CREATE TABLE settings (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='settings', FORMAT='JSON', PARTITIONS=1);";
    const rows =
      "INSERT INTO settings VALUES ('a', 1); UPDATE settings SET v = 2 WHERE v = 1; DELETE FROM settings WHERE v = 2;";
    writeFileSync(fileOf(4), `${made}\n${rows}`);
    await succeeded('apply', '--next');
    expect(await succeeded('info')).toContain('MIGRATED');
  });

  test('is forgotten, and what it did stays', async () => {
    expect(await succeeded('destroy-metadata')).toContain('Migrations metadata cleaned successfully');
    expect(await streams()).toEqual(expect.not.arrayContaining(['MIGRATION_EVENTS']));
    expect(await streams()).toContain('THREE_MORE');
    expect(await refused('info')).toContain('run initialize-metadata first');
    expect(existsSync(fileOf(1))).toBe(true);
  });
});
