// The commands `millrace sql migrations …`: their words and options, which are those of ksql-migrations.
import type { Command } from 'commander';
import type { ApplyOptions, MigrationsOptions } from './options.ts';

export function addMigrationsCommand(sql: Command): void {
  const migrations = sql
    .command('migrations')
    .enablePositionalOptions()
    .description('apply numbered files of statements, each once, and know which have been')
    .option('-c, --config-file <file>', "the project's ksql-migrations.properties");
  const commands = () => import('./migrations/commands.ts');
  const project = () => migrations.opts<MigrationsOptions>();
  migrations
    .command('new-project <path> <url>')
    .alias('new')
    .description('make a project: a file of properties, and a directory for migrations')
    .action(async (path: string, url: string) => (await commands()).create(path, url));
  migrations
    .command('initialize-metadata')
    .alias('initialize')
    .description('have the service know of migrations: make the stream and the table that it is written in')
    .action(async () => (await commands()).initialize(project()));
  migrations
    .command('create <description>')
    .description('make the file of a new migration')
    .option('-v, --version <version>', 'its version; default: the next one')
    .action(async (description: string, { version }: { version?: string }) =>
      (await commands()).createMigration(description, version, project()),
    );
  migrations
    .command('apply')
    .description('run the statements of migrations that have not been applied')
    .option('-a, --all', 'all of them')
    .option('-n, --next', 'the next one')
    .option('-u, --until <version>', 'those up to a version')
    .option('-v, --version <version>', 'one of them')
    .option(
      '-d, --define <name=value>',
      'a variable; may be repeated',
      (value: string, list: readonly string[]) => [...list, value],
      [],
    )
    .option('--dry-run', 'only tell what would be run')
    .action(async (options: ApplyOptions) => (await commands()).apply(options, project()));
  migrations
    .command('info')
    .description('list migrations with their states')
    .action(async () => (await commands()).info(project()));
  migrations
    .command('validate')
    .description('compare the files with what was applied')
    .action(async () => (await commands()).validate(project()));
  migrations
    .command('destroy-metadata')
    .alias('destroy')
    .description('have the service forget about migrations; what they did stays')
    .action(async () => (await commands()).destroy(project()));
}
