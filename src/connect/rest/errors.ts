// What is refused, in the form of Kafka Connect: `{error_code, message}`, where the code is the status.
import { messageOf } from '../../util/index.ts';
import { ConnectError } from '../data/errors.ts';
import { HerderRefusal, type RefusalKind } from '../herder/refusals.ts';

/** An answer that is an error: CONNECT_REST. */
export class RestError extends ConnectError {
  /** The name of the class. */
  override readonly name = 'RestError';
  readonly status: number;
  constructor(status: number, message: string, cause?: unknown) {
    super(message, { code: 'CONNECT_REST', cause });
    this.status = status;
  }
}

const STATUSES: Readonly<Record<RefusalKind, number>> = {
  invalid: 400,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  conflict: 409,
  elsewhere: 409,
  starting: 503,
  timeout: 500,
  internal: 500,
};

/** What the original says of a status, where nothing else is to be said. */
const SAID: Readonly<Record<number, string>> = {
  404: 'HTTP 404 Not Found',
  405: 'HTTP 405 Method Not Allowed',
  406: 'HTTP 406 Not Acceptable',
  415: 'HTTP 415 Unsupported Media Type',
};

/** An error whose message is the status's own. */
export const plainError = (status: number) => new RestError(status, SAID[status]!);

/** Anything thrown as an answer. What is to be tried again has `Retry`. */
export function asRestError(error: unknown): RestError {
  if (error instanceof RestError) return error;
  if (error instanceof HerderRefusal) return new RestError(STATUSES[error.kind], error.message, error);
  // What was refused before it came to a route: a login, a host, a body of another media type.
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  return new RestError(status, SAID[status] ?? messageOf(error), error);
}

/** Whether the same request may be carried out in a moment. */
export function isForLater(error: unknown): boolean {
  return error instanceof HerderRefusal && ['conflict', 'elsewhere', 'starting'].includes(error.kind);
}
