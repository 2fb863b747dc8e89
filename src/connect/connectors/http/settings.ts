// How HTTP is spoken: who we are, and how long is waited. Under the names of Confluent's HTTP connectors.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, oneOfTexts } from '../../api/index.ts';

const AUTH = 'Authentication';
const CONNECTION = 'Connection';

export const httpConfig = defineConfig({
  headers: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'Headers of each request, `name:value`, with header.separator between them.',
    group: CONNECTION,
  },
  'header.separator': {
    type: 'STRING',
    default: '|',
    importance: 'LOW',
    doc: 'What stands between headers.',
    group: CONNECTION,
  },
  'http.request.timeout.ms': {
    type: 'INT',
    default: 30_000,
    importance: 'LOW',
    doc: 'How long an answer is waited for.',
    group: CONNECTION,
    validator: atLeast(1),
  },
  'max.retries': {
    type: 'INT',
    default: 10,
    importance: 'MEDIUM',
    doc: 'How often a request is tried again.',
    group: CONNECTION,
    validator: atLeast(0),
  },
  'retry.backoff.ms': {
    type: 'INT',
    default: 3000,
    importance: 'MEDIUM',
    doc: 'How long is waited before the first time; each further one waits twice as long.',
    group: CONNECTION,
    validator: atLeast(0),
  },
  'retry.on.status.codes': {
    type: 'STRING',
    default: '408,425,429,500-',
    importance: 'MEDIUM',
    doc: 'The status codes of answers after which a request is tried again: 429,500-503,520-. All other errors are final.',
    group: CONNECTION,
    validator: (value) => codesProblem(value ?? ''),
  },
  'auth.type': {
    type: 'STRING',
    default: 'none',
    importance: 'HIGH',
    doc: 'How we say who we are: none, basic (connection.user, connection.password), bearer (bearer.token), oauth2 (client credentials), api-key (api.key.…).',
    group: AUTH,
    validator: oneOfTexts(
      'none',
      'basic',
      'bearer',
      'oauth2',
      'api-key',
      'NONE',
      'BASIC',
      'BEARER',
      'OAUTH2',
      'API-KEY',
    ),
  },
  'connection.user': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The user of basic authentication.',
    group: AUTH,
  },
  'connection.password': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: 'The password of basic authentication.',
    group: AUTH,
  },
  'bearer.token': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: 'The token of bearer authentication.',
    group: AUTH,
  },
  'api.key.name': {
    type: 'STRING',
    default: 'X-API-Key',
    importance: 'MEDIUM',
    doc: 'The header that the key is in.',
    group: AUTH,
  },
  'api.key.value': { type: 'PASSWORD', default: null, importance: 'MEDIUM', doc: 'The key.', group: AUTH },
  'oauth2.token.url': { type: 'STRING', default: '', importance: 'MEDIUM', doc: 'Where tokens are had.', group: AUTH },
  'oauth2.client.id': { type: 'STRING', default: '', importance: 'MEDIUM', doc: 'Our id there.', group: AUTH },
  'oauth2.client.secret': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: 'Our secret there.',
    group: AUTH,
  },
  'oauth2.client.scope': { type: 'STRING', default: '', importance: 'LOW', doc: 'What the token is for.', group: AUTH },
  'oauth2.client.auth.mode': {
    type: 'STRING',
    default: 'header',
    importance: 'LOW',
    doc: 'Whether id and secret are in the header of the request for a token, or in its body (url).',
    group: AUTH,
    validator: oneOfTexts('header', 'url'),
  },
  'oauth2.token.property': {
    type: 'STRING',
    default: 'access_token',
    importance: 'LOW',
    doc: "The token's name in the answer.",
    group: AUTH,
  },
});
export type HttpConfig = ConfigOf<typeof httpConfig>;

/** What is wrong between settings. */
export function httpProblems(config: HttpConfig): ConfigProblem[] {
  const needed: Readonly<Record<string, readonly (keyof HttpConfig)[]>> = {
    basic: ['connection.user', 'connection.password'],
    bearer: ['bearer.token'],
    'api-key': ['api.key.value'],
    oauth2: ['oauth2.token.url', 'oauth2.client.id', 'oauth2.client.secret'],
  };
  const type = config['auth.type'].toLowerCase();
  return (needed[type] ?? [])
    .filter((name) => config[name] === '' || config[name] === null)
    .map((name) => ({ name, message: `auth.type ${type} needs ${name}` }));
}

/** Completes "Invalid value …". */
export function urlProblem(url: string | null): string | undefined {
  return url !== null && /^https?:\/\//i.test(url) ? undefined : 'It must begin with http:// or https://';
}

function codesProblem(text: string): string | undefined {
  try {
    statusCodes(text);
    return undefined;
  } catch (error) {
    return error instanceof RangeError ? error.message : String(error);
  }
}

/** Whether a status is one of `429,500-503,520-`. Throws a `RangeError` for what is no such list. */
export function statusCodes(text: string): (status: number) => boolean {
  const ranges = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, from, dash, to] = /^(\d{3})(-)?(\d{3})?$/.exec(part) ?? [];
      if (from === undefined) throw new RangeError(`"${part}" is no status code and no range of them, such as 500-599`);
      return [Number(from), to === undefined ? (dash === undefined ? Number(from) : 599) : Number(to)] as const;
    });
  return (status) => ranges.some(([from, to]) => status >= from && status <= to);
}
