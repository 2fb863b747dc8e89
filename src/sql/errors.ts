import { MillraceError } from '../util/index.ts';

/** A statement that is well formed, but that the engine refuses. */
export class StatementError extends MillraceError {
  override readonly name: string = 'StatementError';
  /** The statement it is about, where known. */
  readonly statementText: string | undefined;

  constructor(
    message: string,
    { statementText, code = 'SQL_STATEMENT', cause }: { statementText?: string; code?: string; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    this.statementText = statementText;
  }
}

export function refuse(message: string): never {
  throw new StatementError(message);
}
