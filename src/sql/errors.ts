import { didYouMean, MillraceError } from '../util/index.ts';

interface StatementErrorOptions {
  readonly statementText?: string;
  readonly code?: string;
  readonly cause?: unknown;
  readonly hint?: string;
}

/** A statement that is well formed, but that the engine refuses. */
export class StatementError extends MillraceError {
  override readonly name: string = 'StatementError';
  /** The statement it is about, where known. */
  readonly statementText: string | undefined;
  /** A line to be said behind the message, unless ksqlDB's words are asked for; empty: it has been said. */
  readonly hint: string | undefined;

  constructor(message: string, { statementText, code = 'SQL_STATEMENT', cause, hint }: StatementErrorOptions = {}) {
    super(code, message, { cause });
    this.statementText = statementText;
    this.hint = hint;
  }
}

/** Refuses a name that is none of those that are known. */
export function refuseName(message: string, name: string, known: Iterable<string>): never {
  throw new StatementError(message, { hint: didYouMean(name, known) });
}

export function refuse(message: string): never {
  throw new StatementError(message);
}
