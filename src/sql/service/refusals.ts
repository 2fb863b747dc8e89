// Refusals say which statement of a request they are about.
import { hintOf } from '../analysis/extensions.ts';
import { StatementError } from '../errors.ts';
import type { ParsedStatement } from '../parser/ast.ts';
import type { Settings } from '../statements/context.ts';
import { codeOf, messageOf } from '../../util/index.ts';

/** What is wrong with a query although other parts of the house say so. */
const REFUSALS: ReadonlySet<string> = new Set(['SQL_STATEMENT', 'SQL_FUNCTION', 'INVALID_WINDOW', 'INVALID_TOPOLOGY']);

export function refuseIn(parsed: ParsedStatement, message: string): never {
  throw new StatementError(message, { statementText: parsed.text });
}

export function asRefusal(parsed: ParsedStatement, error: unknown, setting: Settings): unknown {
  const isRefusal = error instanceof StatementError || REFUSALS.has(codeOf(error) ?? '');
  if (!isRefusal || (error instanceof StatementError && error.statementText !== undefined)) return error;
  const message = `${messageOf(error)}${hintOf(error, setting)}`;
  return new StatementError(message, { statementText: parsed.text, cause: error, hint: '' });
}
