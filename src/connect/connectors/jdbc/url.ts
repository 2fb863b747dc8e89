// `connection.url`, as JDBC has it: `jdbc:postgresql://host:5432/db?user=me`, `jdbc:mysql://…`, `jdbc:mariadb://…`,
// `jdbc:sqlite:/path/to.db`. Settings of JDBC drivers that ours do not have are told by name.
import { ConfigError } from '../../data/errors.ts';

/** Where a database is. */
export type DatabaseUrl =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgresql' | 'mysql';
      readonly host: string;
      readonly port: number;
      readonly database: string;
      /** What stands behind the question mark. */
      readonly properties: Readonly<Record<string, string>>;
    };

const KINDS: Readonly<Record<string, { readonly kind: 'postgresql' | 'mysql'; readonly port: number }>> = {
  postgresql: { kind: 'postgresql', port: 5432 },
  mysql: { kind: 'mysql', port: 3306 },
  mariadb: { kind: 'mysql', port: 3306 },
};

/** Throws `ConfigError` where the URL is none, or of a database that there is no driver for. */
export function parseUrl(url: string): DatabaseUrl {
  const [, subprotocol, rest] = /^jdbc:([a-z0-9]+):(.*)$/i.exec(url.trim()) ?? [];
  if (subprotocol === undefined || rest === undefined)
    throw new ConfigError(
      `connection.url: "${url}" is no URL of JDBC, such as jdbc:postgresql://localhost:5432/orders`,
    );
  if (subprotocol === 'sqlite') return { kind: 'sqlite', path: rest.replace(/^file:/, '').replace(/\?.*$/, '') };
  const known = KINDS[subprotocol];
  if (known === undefined)
    throw new ConfigError(
      `connection.url: there is no driver for ${subprotocol}; there are those for postgresql, mysql, mariadb and sqlite`,
    );
  if (!rest.startsWith('//'))
    throw new ConfigError(`connection.url: "${url}" names no host (jdbc:${subprotocol}://host/…)`);
  const parsed = URL.parse(`http:${rest}`);
  if (parsed === null) throw new ConfigError(`connection.url: "${url}" cannot be read`);
  return {
    ...known,
    host: parsed.hostname === '' ? 'localhost' : parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? known.port : Number(parsed.port),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    properties: Object.fromEntries(parsed.searchParams),
  };
}
