// The commands `millrace streams …`: their words and options. What they do is loaded when one is called.
import type { Command } from 'commander';
import type { DescribeOptions, ResetOptions } from './options.ts';

export function addStreamsCommand(program: Command): void {
  const streams = program
    .command('streams')
    .description('look into Streams topologies, and reset Streams applications');
  streams
    .command('describe <module>')
    .description(
      'print the topology that a module exports: its default export, or `topology`; one, a builder, or a function that answers one',
    )
    .option('--format <format>', 'text, mermaid or dot', 'text')
    .action(async (module: string, options: DescribeOptions) => {
      await (await import('./streams.ts')).describe(module, options);
    });
  streams
    .command('reset')
    .description(
      'have an application begin anew: set the offsets of its input topics, and delete its internal topics (changelogs, repartition topics)',
    )
    .requiredOption('--application-id <id>', "the application's id")
    .option(
      '--bootstrap-server, --bootstrap-servers <host:port>',
      'the brokers to ask first, separated by commas (default: those of --config-file, or 127.0.0.1:9092)',
    )
    .option('--config-file <file>', 'a .properties file with bootstrap.servers, client.id, metadata.max.age.ms')
    .option('--input-topics <list>', 'topics whose offsets are set, separated by commas')
    .option(
      '--intermediate-topics <list>',
      'topics that the application writes and reads: their offsets are set to the end',
    )
    .option('--internal-topics <list>', 'delete only these internal topics')
    .option('--to-earliest', 'to the first records (the default)')
    .option('--to-latest', 'behind the last records')
    .option('--to-offset <offset>', 'to this offset')
    .option(
      '--to-datetime <YYYY-MM-DDTHH:mm:ss.sss>',
      'to the first records at or after a time (UTC, unless it has a zone)',
    )
    .option('--by-duration <PnDTnHnMnS>', 'to the first records of the last so many days, hours, minutes, seconds')
    .option('--shift-by <n>', 'by so many records from where it is now, forward or (-n) back')
    .option('--from-file <file>', 'to the offsets in a file of lines `topic,partition,offset`')
    .option('--force', 'remove members of the group that are still there; stop the application first')
    .option('--dry-run', 'only tell what would be done')
    .action(async (options: ResetOptions) => {
      await (await import('./streams.ts')).reset(options);
    });
}
