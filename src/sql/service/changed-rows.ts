// UPDATE and DELETE as requests. They are in no command log: what they have done is in the table's topic.
import type { DeleteRows, ParsedStatement, UpdateRows } from '../parser/ast.ts';
import { changeRows } from '../queries/change-rows.ts';
import type { KafkaExecutor } from '../queries/persistent.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { Entity } from '../statements/entities.ts';
import { type Environment, randomUuid } from '../../util/index.ts';
import { commandIdOf } from './command-id.ts';
import { asRefusal } from './refusals.ts';

export interface ChangingRows {
  readonly engine: EngineContext;
  readonly executor: KafkaExecutor;
  readonly environment: Environment;
  readonly setting: Settings;
}

export async function changedRows(
  parsed: ParsedStatement,
  statement: DeleteRows | UpdateRows,
  { engine, executor, environment, setting }: ChangingRows,
): Promise<Entity> {
  const queryId = `transient_${statement.target}_${randomUuid(environment).slice(0, 8)}`;
  try {
    const message = await changeRows(engine, statement, { executor, queryId, text: parsed.text, setting });
    return {
      '@type': 'currentStatus',
      commandId: commandIdOf(statement),
      commandStatus: { status: 'SUCCESS', message },
      commandSequenceNumber: -1,
    };
  } catch (error) {
    throw asRefusal(parsed, error, setting);
  }
}
