// The services that commands speak to, as the command line names them.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HttpConnectionOptions } from '../http-client/index.ts';
import { messageOf, MillraceError } from '../util/index.ts';
import type { LoginOptions } from './options.ts';

/** `user` as `name:password`; it may also stand in the URL. `ca`: a file with the certificate of the service's authority. */
export function addressOf(url: string, { user, ca }: LoginOptions): HttpConnectionOptions {
  const [username, ...password] = user?.split(':') ?? [];
  return {
    url,
    ...(username === undefined ? {} : { username, password: password.join(':') }),
    ...(ca === undefined ? {} : { ca: certificateIn(ca) }),
  };
}

function certificateIn(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    void new X509Certificate(text);
    return text;
  } catch (error) {
    throw new MillraceError('INVALID_OPTION', `--ca ${file} can't be used: ${messageOf(error)}`, { cause: error });
  }
}
