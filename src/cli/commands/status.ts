// `millrace status` and `logs`: which services answer, and where they say what they do.
import type { Command } from 'commander';
import { MillraceError } from '../../util/index.ts';
import type { CommandIo } from './io.ts';
import { onCluster, type OutputOptions, withOutput, withRegistry } from './options.ts';
import { column, printRows } from './output.ts';
import { type Service, type ServiceOptions, servicesOf } from './services.ts';

/** Where the services are. */
export function onServices(command: Command): Command {
  return withRegistry(onCluster(command))
    .option('--sql <url>', 'the SQL service', 'http://127.0.0.1:8088')
    .option('--rest <url>', 'the REST proxy', 'http://127.0.0.1:8082')
    .option('--connect <url>', 'Kafka Connect', 'http://127.0.0.1:8083');
}

export function status(command: Command, io: CommandIo): void {
  withOutput(onServices(command)).action(async (options: ServiceOptions & OutputOptions) => {
    const services = await servicesOf(options);
    printRows(
      io,
      options.output,
      [
        column<Service>('service'),
        column('address'),
        column('state'),
        column('version'),
        column('ms'),
        column('detail'),
      ],
      services,
    );
    const wrong = services.filter(({ state }) => state !== 'up');
    if (wrong.length > 0) {
      throw new MillraceError('CHECKS_FAILED', `not up: ${wrong.map(({ service }) => service).join(', ')}.`);
    }
  });
}

export function logs(command: Command, io: CommandIo): void {
  command.action(() => {
    io.out(
      'The platform keeps no log file: millrace start writes what it has to say to standard error, for a shell (millrace start 2>> millrace.log) or a service manager (journalctl -u millrace) to keep.\n' +
        'What became of records that queries could not process is in the stream KSQL_PROCESSING_LOG.\n',
    );
  });
}
