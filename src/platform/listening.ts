// Where services listen, and what is said when they can't.
import { codeOf, MillraceError } from '../util/index.ts';
import { parseListener, type PlatformSettings } from './settings.ts';

export type ListenersName = Extract<keyof PlatformSettings, `${string}listeners`>;

/** Listens where a setting says, which has one address. */
export async function listening<T>(
  name: ListenersName,
  settings: PlatformSettings,
  listen: (address: { host: string; port: number }) => Promise<T>,
): Promise<T> {
  const address = parseListener(name, settings[name]);
  return listeningAt(name, address, () => listen(address));
}

/** Listens at an address, and says in one sentence which port is taken by whom it was meant for. */
export async function listeningAt<T>(
  name: ListenersName,
  address: { host: string; port: number },
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const cause = error instanceof MillraceError ? error.cause : error;
    if (codeOf(cause) !== 'EADDRINUSE') throw error;
    throw new MillraceError(
      'PORT_TAKEN',
      `Port ${address.port} on ${address.host} is taken by another process: stop it, or set ${name} to another port.`,
      { cause: error },
    );
  }
}
