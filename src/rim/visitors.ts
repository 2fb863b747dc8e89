/**
 * Which requests a service on this machine answers. A page of the web can make its reader's browser send requests to
 * loopback addresses: directly (the browser then says the page's `Origin`), or under a name of the page's own that it has
 * made to mean 127.0.0.1 (DNS rebinding; the browser then says that name as `Host`). Neither is one of ours.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { HttpRefusal } from './refusal.ts';
import type { RimSettings } from './settings.ts';

export interface Visit {
  readonly headers: IncomingHttpHeaders;
  /** The address of ours that the client is connected to. */
  readonly localAddress: string | undefined;
}

/** Throws `HttpRefusal` for visits that are not ours; returns the origin of a page that was named as one that may ask. */
export function visitorsOf({ values, nameOf }: RimSettings): (visit: Visit) => string | undefined {
  const origins = listOf(values['access.control.allow.origin']);
  const hosts = listOf(values['allowed.hosts']).map((name) => name.toLowerCase());
  return ({ headers, localAddress }) => {
    const { origin } = headers;
    // HTTP/2's name for it.
    const host = headers.host ?? String(headers[':authority'] ?? '');
    const name = hostname(host);
    if (isLoopback(localAddress) && !hosts.includes('*') && !isOfThisMachine(name) && !hosts.includes(name)) {
      throw new HttpRefusal(
        403,
        `The host ${JSON.stringify(host)} is not this service's: ask localhost, or name it in "${nameOf('allowed.hosts')}".`,
      );
    }
    if (origin === undefined || URL.parse(origin)?.host === host.toLowerCase()) return undefined;
    if (origins.includes('*') || origins.includes(origin)) return origin;
    throw new HttpRefusal(
      403,
      `Requests of the page ${JSON.stringify(origin)} are not answered: name it in "${nameOf('access.control.allow.origin')}" if it is yours.`,
    );
  };
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Without the port, without the brackets of an IPv6 address. */
function hostname(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** A name that nobody can make mean another machine's page. */
function isOfThisMachine(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));
}
