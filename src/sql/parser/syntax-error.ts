import { MillraceError } from '../../util/index.ts';
import type { Location } from './ast.ts';

/** A text that is not SQL, or not a statement that the parser can accept. Keeps the place for a caret. */
export class SyntaxError extends MillraceError {
  override readonly name = 'SyntaxError';
  readonly location: Location;
  /** A line to be said behind what is wrong, unless ksqlDB's words are asked for. */
  readonly hint: string;

  constructor(message: string, location: Location, hint = '') {
    super('SQL_SYNTAX', message);
    this.location = location;
    this.hint = hint;
  }

  /** The same with its hint, in front of the statement that it repeats. */
  hinted(): SyntaxError {
    const [wrong, ...statement] = this.message.split('\nStatement: ');
    return new SyntaxError([`${wrong}${this.hint}`, ...statement].join('\nStatement: '), this.location);
  }
}

/** So much of a statement is repeated in an error. */
const SHOWN_MAX = 10_000;

/** `line N:M: Syntax Error`, what is wrong, and the statement it is in. */
export function syntaxErrorAt(location: Location, what: string, statement: string, hint = ''): SyntaxError {
  const all = statement.trim();
  const text = all.length > SHOWN_MAX ? `${all.slice(0, SHOWN_MAX)}…` : all;
  return new SyntaxError(
    `line ${location.line}:${location.column}: Syntax Error\n${what}\nStatement: ${text}`,
    location,
    hint,
  );
}

/** The same for a word that can't stand where it does. */
export function syntaxErrorNear(word: string, location: Location, statement: string): SyntaxError {
  const near = `Syntax error at or near '${word}' at line ${location.line}:${location.column}`;
  return syntaxErrorAt(location, near, statement);
}
