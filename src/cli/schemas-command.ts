// The commands `millrace schemas …`: their words and options. What they do is loaded when one is called.
import type { Command } from 'commander';
import type { DeleteOptions, FileOptions, GetOptions, ListOptions, RegisterOptions } from './options.ts';

const collect = (value: string, previous: readonly string[]) => [...previous, value];

export function addSchemasCommand(program: Command): void {
  const schemas = program
    .command('schemas')
    .description('look into a Schema Registry, check schemas, and register them');
  const command = (usage: string, description: string) =>
    schemas
      .command(usage)
      .description(description)
      .option(
        '--registry <url>',
        'the registry; also from SCHEMA_REGISTRY_URL',
        process.env['SCHEMA_REGISTRY_URL'] ?? 'http://127.0.0.1:8081',
      )
      .option('--user <name:password>', 'for basic authentication')
      .option('--ca <file>', 'certificates (PEM) of the authorities to trust')
      .option('--output <format>', 'table or json', 'table');
  const fileCommand = (usage: string, description: string) =>
    command(usage, description)
      .option('--type <type>', 'AVRO, PROTOBUF or JSON (guessed from the file)')
      .option('--reference <name=subject:version>', 'a schema that this one refers to; may be repeated', collect, [])
      .option('--normalize', 'in the normalized form');

  command('list [prefix]', 'subjects with their types, versions and compatibility')
    .option('--deleted', 'those that are deleted, too')
    .action(async (prefix: string | undefined, options: ListOptions) => {
      await (await import('./schemas.ts')).list(prefix, options);
    });
  command('get [subject] [version]', 'print a schema (the latest version)')
    .option('--id <id>', 'by its id instead')
    .option('--references', 'and those that it refers to')
    .action(async (subject: string | undefined, version: string | undefined, options: GetOptions) => {
      await (await import('./schemas.ts')).get(subject, version, options);
    });
  fileCommand('register <subject> <file>', 'register the schema in a file')
    .option('--dry-run', 'only tell what would happen')
    .action(async (subject: string, file: string, options: RegisterOptions) => {
      await (await import('./schemas.ts')).register(subject, file, options);
    });
  fileCommand(
    'check <subject> <file>',
    'tell whether the schema in a file could be registered, why not, and what it would break (exit code 1 when it could not)',
  ).action(async (subject: string, file: string, options: FileOptions) => {
    await (await import('./schemas.ts')).check(subject, file, options);
  });
  fileCommand('diff <subject> [from] [to]', 'what changed between two versions, or from the latest to a file').action(
    async (subject: string, from: string | undefined, to: string | undefined, options: FileOptions) => {
      await (await import('./schemas.ts')).diff(subject, from, to, options);
    },
  );
  command('delete <subject> [version]', 'delete a version, or the subject with all of them')
    .option('--permanent', 'for good')
    .action(async (subject: string, version: string | undefined, options: DeleteOptions) => {
      await (await import('./schemas.ts')).remove(subject, version, options);
    });
}
