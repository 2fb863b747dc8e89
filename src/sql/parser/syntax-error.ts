import { MillraceError } from '../../util/index.ts';
import type { Location } from './ast.ts';

/** A text that is not SQL, or not a statement that the parser can accept. Keeps the place for a caret. */
export class SyntaxError extends MillraceError {
  override readonly name = 'SyntaxError';
  readonly location: Location;

  constructor(message: string, location: Location) {
    super('SQL_SYNTAX', message);
    this.location = location;
  }
}

/** `line N:M: Syntax Error`, what is wrong, and the statement it is in. */
export function syntaxErrorAt(location: Location, what: string, statement: string): SyntaxError {
  const text = statement.trim();
  return new SyntaxError(
    `line ${location.line}:${location.column}: Syntax Error\n${what}\nStatement: ${text}`,
    location,
  );
}
