import { codeOf, MillraceError } from '../util/index.ts';

/** A statement that is well formed, but that the engine refuses. */
export class StatementError extends MillraceError {
  override readonly name: string = 'StatementError';
  /** The statement it is about, where known. */
  readonly statementText: string | undefined;

  constructor(message: string, options: { statementText?: string; cause?: unknown } = {}) {
    super('SQL_STATEMENT', message, { cause: options.cause });
    this.statementText = options.statementText;
  }
}

/**
 * Of what an expression throws, most concerns its row: it is told, and the rest goes on. Not so a regular expression that
 * holds up all others: it would do so with the next row again.
 */
export function isFatal(error: unknown): boolean {
  return codeOf(error) === 'REGEX_TAKES_TOO_LONG';
}

export function throwIfFatal(error: unknown): void {
  if (isFatal(error)) throw error;
}

export function refuse(message: string): never {
  throw new StatementError(message);
}
