import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';

/** The parts of a URI by RFC 3986; throws for what is none. */
function partsOf(text: string): {
  scheme?: string;
  host?: string;
  port?: string;
  path?: string;
  query?: string;
  fragment?: string;
} {
  if (/[\s<>"{}|\\^`]/.test(text)) throw new RangeError(`'${text}' is not a valid URI`);
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (match === null) throw new RangeError(`'${text}' is not a valid URI`);
  const [, scheme, authority, path = '', query, fragment] = match;
  // What has a scheme and no slash behind it has nothing but a fragment more: no path, and no query.
  const opaque = scheme !== undefined && authority === undefined && !path.startsWith('/');
  const server = authority === undefined ? null : /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority);
  return {
    ...(opaque ? {} : { path }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(server?.[1] === undefined || server[1] === '' ? {} : { host: server[1] }),
    ...(server?.[2] === undefined || server[2] === '' ? {} : { port: server[2] }),
    ...(query === undefined || opaque ? {} : { query }),
    ...(fragment === undefined ? {} : { fragment }),
  };
}

/** Bytes that are no UTF-8 become U+FFFD; a percent sign without two digits is an error. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+|%/g, (run) => {
    if (run === '%') throw new RangeError(`'${text}' has a percent sign without two hexadecimal digits`);
    return Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
  });
}

function decodeForm(text: string): string {
  return decode(text.replaceAll('+', ' '));
}

function encodeForm(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

function parameter(text: string, wanted: string): SqlValue {
  const { query } = partsOf(text);
  if (query === undefined) return null;
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    if (decodeForm(name) === wanted) return at < 0 ? '' : decodeForm(pair.slice(at + 1));
  }
  return null;
}

function part(
  name: string,
  description: string,
  read: (parts: ReturnType<typeof partsOf>) => SqlValue,
  type = 'STRING',
): ScalarFunction {
  return scalar(name, 'URL', description, [pure(`STRING -> ${type}`, (text: string) => read(partsOf(text)))]);
}

const decoded = (text: string | undefined): SqlValue => (text === undefined ? null : decode(text));

export const urlFunctions: readonly ScalarFunction[] = [
  scalar('URL_DECODE_PARAM', 'URL', 'A form-encoded text decoded.', [pure('STRING -> STRING', decodeForm)]),
  scalar('URL_ENCODE_PARAM', 'URL', 'A text form-encoded.', [pure('STRING -> STRING', encodeForm)]),
  part('URL_EXTRACT_FRAGMENT', 'The fragment of a URL.', ({ fragment }) => decoded(fragment)),
  part('URL_EXTRACT_HOST', 'The host of a URL.', ({ host }) => host ?? null),
  scalar('URL_EXTRACT_PARAMETER', 'URL', 'The value of a parameter of a URL.', [
    pure('STRING, STRING -> STRING', parameter),
  ]),
  part('URL_EXTRACT_PATH', 'The path of a URL.', ({ path }) => decoded(path)),
  part('URL_EXTRACT_PORT', 'The port of a URL.', ({ port }) => (port === undefined ? null : Number(port)), 'INT'),
  part('URL_EXTRACT_PROTOCOL', 'The protocol of a URL.', ({ scheme }) => scheme ?? null),
  part('URL_EXTRACT_QUERY', 'The query string of a URL.', ({ query }) => decoded(query)),
];
