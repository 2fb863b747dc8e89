// What commands are told in the same words: where the cluster is, which form results have, numbers and pairs.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Admin, type Client, clientOptionsOf, createClient } from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { RE2JS } from 're2js';
import type { HttpConnectionOptions } from '../../http-client/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { addressOf } from '../connect.ts';
import { type Output, OUTPUTS } from './output.ts';

export interface ClusterOptions {
  readonly bootstrapServer: string;
  /** A file of a client's settings, as Kafka's tools take by `--command-config`. */
  readonly clientConfig?: string;
  /** Settings in force before those of the file. */
  readonly clientProperty?: readonly string[];
}

export interface OutputOptions {
  readonly output: Output;
}

export interface RegistryOptions {
  readonly registry: string;
  readonly user?: string;
  readonly ca?: string;
}

/** `-b`: also from MILLRACE_BOOTSTRAP_SERVER; how a secured cluster is got into: also from MILLRACE_CLIENT_CONFIG. */
export function onCluster(command: Command): Command {
  return command
    .addOption(
      new Option('-b, --bootstrap-server <host:port>', 'the brokers to ask first, separated by commas')
        .env('MILLRACE_BOOTSTRAP_SERVER')
        .default('localhost:9092'),
    )
    .addOption(
      new Option(
        '--client-config <file>',
        'a file of settings of the client, under Kafka’s names (security.protocol, …)',
      ).env('MILLRACE_CLIENT_CONFIG'),
    )
    .option('-X, --client-property <key=value>', 'one setting of the client; may be repeated', collect);
}

export function withOutput(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'the form of the results').choices(OUTPUTS).default('table'),
  );
}

/** Where schemas are: as `millrace schemas` has it. */
export function withRegistry(command: Command): Command {
  return command
    .addOption(
      new Option('--registry <url>', 'the Schema Registry').env('SCHEMA_REGISTRY_URL').default('http://127.0.0.1:8081'),
    )
    .option('--user <name:password>', 'for basic authentication at the registry')
    .option('--ca <file>', 'certificates (PEM) of the authorities to trust');
}

/** How the registry is spoken to; the login is also that of services beside it. */
export function registryAddress({ registry, user, ca }: RegistryOptions, url = registry): HttpConnectionOptions {
  return addressOf(url, { ...(user === undefined ? {} : { user }), ...(ca === undefined ? {} : { ca }) });
}

/** What `onCluster` was told. */
export function clusterClient({ bootstrapServer, clientConfig, clientProperty }: ClusterOptions): Client {
  const file = clientConfig === undefined ? {} : readPropertiesFile(clientConfig);
  const options = clientOptionsOf({ 'client.id': 'millrace', ...file, ...pairs(clientProperty) });
  return createClient({ ...options, bootstrapServers: bootstrapServer });
}

export async function withClient<T>(options: ClusterOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const client = clusterClient(options);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

export function withAdmin<T>(options: ClusterOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  return withClient(options, (client) => work(client.admin()));
}

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** A whole number of at least so much. */
export function whole(least: number): (text: string) => number {
  return (text) => {
    if (/^-?\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It is to be a whole number from ${least} on.`);
  };
}

/** How long something is watched. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.1 && value <= 86_400) return value;
  throw new InvalidArgumentError('It is to be a number of seconds from 0.1 on.');
}

/** `0,2,5-7`. */
export function partitionList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim());
    const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || to < from || to - from > 100_000) {
      throw new InvalidArgumentError('Partitions are written like 0,2,5-7.');
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/** `name=value`, several of them. */
export function pairs(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usage(`"${text}" is not name=value.`);
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}

/** A regular expression that somebody typed, found in linear time. */
export function patternOf(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    throw usage(`"${text}" is not a regular expression: ${messageOf(error)}.`);
  }
}

/** What was typed can't be done: exit code 2, as for options that there are not. */
export function usage(why: string): MillraceError {
  return new MillraceError('INVALID_OPTION', why);
}
