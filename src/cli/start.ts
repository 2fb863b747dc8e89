// `millrace start`: all services in this process until a signal ends it.
import { Platform, readPropertiesFile, settingsFromEnvironment, version } from '../platform/index.ts';
import { MillraceError } from '../util/index.ts';
import { onHangup } from './hangup.ts';
import type { ServiceOptions, StartOptions } from './options.ts';

const NAMES = {
  broker: 'Broker',
  'schema-registry': 'Schema Registry',
  sql: 'SQL',
  'rest-proxy': 'REST proxy',
  connect: 'Connect',
} as const;

export async function start(options: StartOptions): Promise<void> {
  const startedAt = performance.now();
  const stopping = signalled();
  const settings = settingsOf(options);
  const log = (message: string): void => console.error(message);
  onHangup(() => settingsOf(options), settings, log);
  const platform = await Platform.start({ settings, log });
  for (const { name, url } of platform.services) console.log(`${`${NAMES[name]} ready`.padEnd(24)} ${url}`);
  console.log(`Millrace ${version} is up after ${Math.round(performance.now() - startedAt)} ms. Ctrl-C stops it.`);
  await stopping;
  await platform.stop();
  console.log('Stopped.');
}

/** From the weakest to the strongest: what `start` is for, the file, the environment, the command line. */
function settingsOf(options: StartOptions): Record<string, string | boolean> {
  return {
    'service.threads': true,
    'kafka.rest.listeners': 'http://127.0.0.1:8082',
    'connect.listeners': 'http://127.0.0.1:8083',
    ...(options.config === undefined ? {} : readPropertiesFile(options.config)),
    ...options.settings,
    ...settingsFromEnvironment(process.env),
    ...Object.fromEntries(options.property.map(parseProperty)),
    ...(options.bootstrapServer === undefined ? {} : { 'bootstrap.servers': options.bootstrapServer }),
    ...(options.insecure === true ? { insecure: true } : {}),
    ...serviceSettings(options),
  };
}

/** The flags that are short for settings. */
export function serviceSettings({
  dataDir,
  host,
  port,
  registryPort,
  sqlPort,
  restPort,
  connectPort,
  bootstrapServer,
}: ServiceOptions & Pick<StartOptions, 'bootstrapServer'>): Record<string, string> {
  const settings: Record<string, string> = {};
  if (dataDir !== undefined) settings['log.dirs'] = dataDir;
  const address = host ?? '127.0.0.1';
  if (port !== undefined || (host !== undefined && bootstrapServer === undefined))
    settings['listeners'] = `PLAINTEXT://${address}:${parsePort(port ?? '9092')}`;
  if (registryPort !== undefined || host !== undefined) {
    settings['schema.registry.listeners'] = `http://${address}:${parsePort(registryPort ?? '8081')}`;
  }
  if (sqlPort !== undefined || host !== undefined) {
    settings['ksql.listeners'] = `http://${address}:${parsePort(sqlPort ?? '8088')}`;
  }
  if (restPort !== undefined || host !== undefined) {
    settings['kafka.rest.listeners'] = `http://${address}:${parsePort(restPort ?? '8082')}`;
  }
  if (connectPort !== undefined || host !== undefined) {
    settings['connect.listeners'] = `http://${address}:${parsePort(connectPort ?? '8083')}`;
  }
  return settings;
}

/** Resolves at the first SIGINT or SIGTERM; a second one does not wait for the end. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function parseProperty(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new MillraceError('INVALID_OPTION', `"${text}" is not a property: write key=value.`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new MillraceError('INVALID_OPTION', `"${text}" is not a port: use a number from 0 to 65535.`);
  }
  return port;
}
