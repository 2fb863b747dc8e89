// Drivers are packages that only those install who use what needs them.
import { codeOf } from '../../util/index.ts';
import { ConnectError } from '../data/errors.ts';

/** Loads a driver: `driver('redis', () => import('redis'))`. Rejects with a `ConnectError` that says what to install where it is absent. */
export async function driver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ConnectError(`This connector needs the package ${name}, which is not installed: npm install ${name}`, {
      cause: error,
    });
  }
}
