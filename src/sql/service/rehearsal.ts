// A request's statements are all checked before the first is carried out, each on an engine that has what those before it
// would bring about: what is refused in the end has done nothing in the beginning. What comes behind an ASSERT may need what
// that waits for, and is checked when it has been found; the values of rows are looked at when they are inserted.
import type { ScriptStatement } from '../parser/parse.ts';
import type { ParsedStatement } from '../parser/ast.ts';
import type { Variables } from '../parser/variables.ts';
import { StatementError } from '../errors.ts';
import { normalizeSettings } from '../settings.ts';
import type { EngineContext, PreparedStatement } from '../statements/context.ts';
import { trialOf } from '../statements/trial.ts';
import type { Session } from './session.ts';

export interface Rehearsing {
  readonly engine: EngineContext;
  readonly nextQueryNumber: number;
  /** A session of its own, as the request's is now. */
  readonly session: Session;
  readonly variables: () => Variables;
  /** Refuses what can't be said. */
  readonly check: (parsed: ParsedStatement) => void;
  readonly look: (parsed: ParsedStatement, engine: EngineContext) => Promise<unknown>;
  readonly prepare: (
    parsed: ParsedStatement,
    overrides: Readonly<Record<string, string>>,
    engine: EngineContext,
  ) => Promise<PreparedStatement>;
}

/** Throws what the first statement is refused with that would be. Resolves with how many have been checked. */
export async function rehearse(statements: readonly ScriptStatement[], rehearsing: Rehearsing): Promise<number> {
  const { session, variables, check, look, prepare } = rehearsing;
  const engine = trialOf(rehearsing.engine, rehearsing.nextQueryNumber);
  /** As ALTER SYSTEM would leave them. */
  const altered: Record<string, string> = {};
  let checked = 0;
  for (const each of statements) {
    checked++;
    const parsed = each.parse(variables());
    if (session.apply(parsed)) continue;
    check(parsed);
    const { statement } = parsed;
    switch (statement.kind) {
      case 'query':
      case 'print':
        throw notForStatements(parsed);
      case 'show':
      case 'describeAll':
        break;
      // What rows they are about is known when they are read.
      case 'deleteRows':
      case 'updateRows':
        break;
      case 'assertTopic':
      case 'assertSchema':
        return checked;
      case 'describe':
      case 'describeFunction':
      case 'explain':
      case 'createConnector':
      case 'dropConnector':
      case 'describeConnector':
        await look(parsed, engine);
        break;
      case 'insertValues':
        if (engine.catalog.source(statement.target) === undefined) await prepare(parsed, session.overrides, engine);
        break;
      default: {
        const { carryOut } = await prepare(parsed, { ...altered, ...session.overrides }, engine);
        if (statement.kind === 'alterSystem') {
          Object.assign(altered, normalizeSettings({ [statement.name]: statement.value }));
        } else if (statement.kind !== 'pause' && statement.kind !== 'resume') await carryOut();
      }
    }
  }
  return checked;
}

/** SELECT and PRINT have an endpoint of their own. */
export function notForStatements({ text }: ParsedStatement): StatementError {
  return new StatementError(
    "The following statement types should be issued to the websocket endpoint '/query':\n\t* PRINT\n\t* SELECT",
    { statementText: text, code: 'SQL_QUERY_ENDPOINT' },
  );
}
