// What a herder does not do, and why. REST makes statuses of the kinds; what must be asked elsewhere it forwards.
import { ConnectError } from '../data/errors.ts';

/**
 * `invalid`: the request cannot be carried out as it is; `conflict`: not now; `timeout`: it may still be carried out;
 * `elsewhere`: another worker has to be asked; `internal`: something went wrong.
 */
export type RefusalKind =
  | 'invalid'
  | 'forbidden'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'starting'
  | 'timeout'
  | 'internal'
  | 'elsewhere';

/** CONNECT_REFUSED. */
export class HerderRefusal extends ConnectError {
  /** The name of the class. */
  override readonly name = 'HerderRefusal';
  readonly kind: RefusalKind;
  /** Of `elsewhere`: the other worker's URL; null where nobody knows at the moment. */
  readonly url: string | null;

  constructor(
    kind: RefusalKind,
    message: string,
    options: { readonly url?: string | null; readonly cause?: unknown } = {},
  ) {
    super(message, { code: 'CONNECT_REFUSED', cause: options.cause });
    this.kind = kind;
    this.url = options.url ?? null;
  }
}

export const invalid = (message: string) => new HerderRefusal('invalid', message);
export const notFound = (message: string) => new HerderRefusal('not-found', message);
export const connectorNotFound = (connector: string) => notFound(`Connector ${connector} not found`);
export const connectorExists = (connector: string) =>
  new HerderRefusal('exists', `Connector ${connector} already exists`);
export const elsewhere = (message: string, url: string | null) => new HerderRefusal('elsewhere', message, { url });
export const rebalanceExpected = () =>
  new HerderRefusal(
    'conflict',
    'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)',
  );
