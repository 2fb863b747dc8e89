// Where REST listens, and under which address other workers reach it.
import { networkInterfaces } from 'node:os';
import { ConfigError } from '../data/errors.ts';

/** `http://host:port`. */
export interface ConnectListener {
  readonly isTls: boolean;
  /** `0.0.0.0`: every address of the machine. */
  readonly host: string;
  readonly port: number;
}

/** `HTTP://:8083,HTTPS://host:8443`; an empty host is every address. Throws `ConfigError` for what is no listener. */
export function listenersOf(setting: string, text: string): ConnectListener[] {
  const all = text.split(',').map((each) => each.trim());
  return all
    .filter((each) => each !== '')
    .map((each) => {
      const [, protocol, host = '', port] = /^(https?):\/\/\[?([0-9a-z\-%._:]*?)\]?:(\d{1,5})$/i.exec(each) ?? [];
      if (protocol === undefined || Number(port) > 65_535)
        throw new ConfigError(
          `Invalid value ${each} for configuration ${setting}: Listener doesn't have the right format (protocol://hostname:port).`,
        );
      return { isTls: protocol.toLowerCase() === 'https', host: host === '' ? '0.0.0.0' : host, port: Number(port) };
    });
}

/** What a worker says of where it is. */
export interface Advertised {
  readonly 'rest.advertised.host.name': string;
  readonly 'rest.advertised.port': number;
  readonly 'rest.advertised.listener': string;
}

/** Where other workers reach a worker that listens there (with the ports that it really has). */
export function advertisedUrl(listening: readonly ConnectListener[], advertised: Advertised): string {
  const wanted = advertised['rest.advertised.listener'].toLowerCase();
  if (wanted !== '' && wanted !== 'http' && wanted !== 'https')
    throw new ConfigError(`Invalid value ${wanted} for configuration rest.advertised.listener: it is http or https`);
  const isTls = wanted === '' ? listening.every((listener) => listener.isTls) : wanted === 'https';
  const listener = listening.find((each) => each.isTls === isTls);
  if (listener === undefined) throw new ConfigError(`rest.advertised.listener is ${wanted}, and no listener is one`);
  const host = advertised['rest.advertised.host.name'] || hostOf(listener);
  const port = advertised['rest.advertised.port'] || listener.port;
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

/** A listener on every address is reached under one that others can see. */
function hostOf({ host }: ConnectListener): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
