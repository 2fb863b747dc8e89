// The command line. Commands are loaded when they are called, so that each starts as fast as what it needs.
import { Command, CommanderError } from 'commander';
import { codeOf, messageOf, MillraceError } from '../util/index.ts';
import { addCommands, COMMANDS } from './commands/index.ts';
import { KAFKA_TOOLS, runKafkaTool, SYNONYMS } from './kafka/index.ts';
import { addMigrationsCommand } from './migrations-command.ts';
import { addSchemasCommand } from './schemas-command.ts';
import { addStreamsCommand } from './streams-command.ts';
import type { DemoOptions, SqlOptions, SqlTestOptions, StartOptions } from './options.ts';

// An older Node that handed over to this one (bin/millrace) was killed: so is this one.
if (process.channel !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

const program = new Command('millrace')
  .description('A Kafka-protocol broker, a Schema Registry, Streams and SQL in one process')
  .exitOverride()
  .configureOutput({ outputError: () => {} })
  .showSuggestionAfterError()
  .enablePositionalOptions();

const collect = (value: string, previous: readonly string[]) => [...previous, value];

program
  .command('start')
  .description('start the broker, the Schema Registry, SQL and the REST proxy')
  .option('-d, --data-dir <dir>', 'where data lives (default: ./millrace-data)')
  .option('-c, --config <file>', 'a .properties file with Kafka, registry and ksqlDB property names')
  .option('-p, --property <key=value>', 'one property; may be repeated', collect, [])
  .option('--bootstrap-server <host:port>', 'run on this Apache Kafka cluster, without a broker of our own')
  .option('--port <port>', 'port of the broker (9092)')
  .option('--registry-port <port>', 'port of the Schema Registry (8081)')
  .option('--sql-port <port>', 'port of SQL over HTTP (8088)')
  .option('--rest-port <port>', 'port of the REST proxy (8082)')
  .option('--connect-port <port>', 'port of Connect (8083)')
  .option('--host <host>', 'address that all services listen on (127.0.0.1)')
  .action(async (options: StartOptions) => {
    const { start } = await import('./start.ts');
    await start(await withKafkaFile(options));
  });

const sqlCommand = program
  .command('sql')
  .enablePositionalOptions()
  .argument('[url]', 'the SQL service', 'http://127.0.0.1:8088')
  .description('run SQL: a prompt, or statements and scripts')
  .option('-e, --execute <sql>', 'run statements and leave; may be repeated', collect, [])
  .option('-f, --file <file>', 'run a script and leave')
  .option('--output <format>', 'tabular, vertical, json, jsonl, csv or markdown', 'tabular')
  .option('-u, --user <name:password>', 'for basic authentication')
  .option('--ca <file>', 'certificates (PEM) of the authorities to trust')
  .action(async (url: string, options: SqlOptions) => {
    const { sql } = await import('./sql.ts');
    await sql(url, options);
  });

sqlCommand
  .command('test')
  .description('try statements on records of files, with nothing running')
  .requiredOption('-s, --sql-file <file>', 'the statements')
  .option('-i, --input-file <file>', 'the records that go in: {"inputs": [{"topic", "key", "value", "timestamp"}]}')
  .requiredOption('-o, --output-file <file>', 'the records that are expected: {"outputs": […]}')
  .option('-e, --extension-dir <dir>', 'modules with functions in TypeScript')
  .action(async (options: SqlTestOptions) => {
    const { sqlTest } = await import('./sql-test.ts');
    await sqlTest(options);
  });

addMigrationsCommand(sqlCommand);
addSchemasCommand(program);
addStreamsCommand(program);
await addCommands(program, process.argv.slice(2));

program
  .command('demo')
  .description('SQL over three million real flights, which checks its own results')
  .option('-n, --records <n>', 'how many flights (3,000,000)')
  .option('-d, --data-dir <dir>', 'where data lives; the same directory continues where it was', './millrace-demo')
  .option('--fresh', 'start with an empty data directory')
  .option('--keep', 'stay up when done')
  .option('--port <port>', 'port of the broker (9092)')
  .option('--registry-port <port>', 'port of the Schema Registry (8081)')
  .option('--sql-port <port>', 'port of SQL over HTTP (8088)')
  .option('--rest-port <port>', 'a REST proxy on this port, too')
  .option('--connect-port <port>', 'Connect on this port, too')
  .action(async (options: DemoOptions) => {
    const { demo } = await import('./demo/demo.ts');
    await demo(options);
  });

try {
  const [name, ...words] = process.argv.slice(2);
  if (name !== undefined && Object.hasOwn(KAFKA_TOOLS, name)) process.exitCode = await runKafkaTool(name, words);
  else
    await program.parseAsync([...(SYNONYMS[name ?? ''] ?? (name === undefined ? [] : [name])), ...words], {
      from: 'user',
    });
} catch (error) {
  process.exitCode = report(error);
}

/**
 * One sentence for what a user can mend; everything about it for what only we can. Returns the exit code: Millrace's own
 * commands have 2 for what was typed wrong.
 */
function report(error: unknown): number {
  const mistyped = Object.hasOwn(COMMANDS, process.argv[2] ?? '') ? 2 : 1;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Its help is printed already, where a noun stood there without a verb.
    if (error.code !== 'commander.help') {
      console.error(`${error.message.replace(/^error: /, 'millrace: ')} (millrace --help lists what there is)`);
    }
    return mistyped;
  }
  if (error instanceof MillraceError || codeOf(error) !== undefined) console.error(`millrace: ${messageOf(error)}`);
  else console.error(error);
  return codeOf(error) === 'INVALID_OPTION' ? mistyped : 1;
}

/** A file of Apache Kafka's own is taken over as `kafka-server-start` does. */
async function withKafkaFile(options: StartOptions): Promise<StartOptions> {
  const { config, ...others } = options;
  if (config === undefined) return options;
  const { isKafkaFile, stockSettings } = await import('./kafka/stock-files.ts');
  if (!isKafkaFile(config)) return options;
  const { settings, notices } = await stockSettings('kafka', config, []);
  for (const notice of notices) console.error(notice);
  return { ...others, settings };
}
