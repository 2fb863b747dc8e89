import { MillraceError } from '../util/index.ts';

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

export function refuse(message: string): never {
  throw new StatementError(message);
}
