// What is refused, in ksqlDB's words: a body with the HTTP status times 100, and a number.
import type { FastifyReply } from 'fastify';
import { codeOf, isOutOfStack, messageOf, MillraceError } from '../../../util/index.ts';
import { StatementError } from '../../errors.ts';
import { SyntaxError } from '../../parser/syntax-error.ts';
import type { Entity } from '../../statements/entities.ts';
import { JSON_TYPE, V1 } from './media-types.ts';

const UNSUPPORTED = `A request says what its body is: Content-Type: ${JSON_TYPE}, or ${V1}.`;

/** ksqlDB's error codes: the HTTP status times 100, and a number. */
export const BAD_REQUEST = 40000;
const BAD_STATEMENT = 40001;
export const NOT_FOUND = 40400;
const SERVER_ERROR = 50000;
/** Those of errors that have one of their own. */
const ERROR_CODES: Readonly<Record<string, number>> = {
  INVALID_CONFIG: BAD_REQUEST,
  SQL_QUERY_ENDPOINT: 40002,
  SQL_ASSERTION: 41700,
  SQL_COMMAND_PENDING: 50301,
};

/** A request that means nothing, whatever its statements are. */
export class RequestError extends MillraceError {
  readonly errorCode: number;
  constructor(errorCode: number, message: string) {
    super('BAD_REQUEST', message);
    this.errorCode = errorCode;
  }
}

export interface ErrorBody {
  readonly '@type': string;
  readonly error_code: number;
  readonly message: string;
}

/** `done`: what the statements ahead of the one that failed have answered. */
export function fail(reply: FastifyReply, error: unknown, done: readonly Entity[] = []): FastifyReply {
  const body = errorBody(error, done);
  const status = Math.floor(body.error_code / 100);
  return reply.code(status).type(V1).send(JSON.stringify(body));
}

export function errorBody(error: unknown, entities: readonly Entity[] = []): ErrorBody {
  const message = messageOf(error);
  const known = ERROR_CODES[codeOf(error) ?? ''];
  if (error instanceof RequestError) return { '@type': 'generic_error', error_code: error.errorCode, message };
  if (error instanceof StatementError || error instanceof SyntaxError) {
    const statementText = error instanceof StatementError ? (error.statementText ?? '') : statementIn(message);
    return { '@type': 'statement_error', error_code: known ?? BAD_STATEMENT, message, ...{ statementText, entities } };
  }
  if (known !== undefined) return { '@type': 'generic_error', error_code: known, message };
  if (isOutOfStack(error))
    return { '@type': 'generic_error', error_code: BAD_REQUEST, message: 'The statement nests too deeply.' };
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return { '@type': 'generic_error', error_code: 41500, message: UNSUPPORTED };
  if (status < 500) return { '@type': 'generic_error', error_code: status * 100, message };
  const code = codeOf(error);
  return {
    '@type': 'generic_error',
    error_code: SERVER_ERROR,
    message: code === undefined ? message : `${message} (${code})`,
  };
}

/** Syntax errors end with the statement they are in. */
function statementIn(message: string): string {
  return /\nStatement: ([^]*)$/.exec(message)?.[1] ?? '';
}
