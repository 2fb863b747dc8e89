// SELECT … EMIT CHANGES: rows go to the client as they come. The query ends with the client, with LIMIT, or with an error,
// and leaves nothing behind.
import type { Client } from '../../client/index.ts';
import type { Query } from '../parser/ast.ts';
import { settingValues } from '../settings.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { ResultFormat, ResultRow, RunningQuery } from '../statements/entities.ts';
import { planTransient } from '../statements/transient-query.ts';
import { lateStart } from './late-start.ts';
import type { KafkaExecutor } from './persistent.ts';
import { columnsText } from './result-schema.ts';

export async function startPush(
  engine: EngineContext,
  executor: KafkaExecutor,
  query: Query,
  options: {
    readonly client: Client;
    readonly queryId: string;
    readonly text: string;
    readonly setting: Settings;
    readonly format: ResultFormat;
    readonly onEnd: () => void;
  },
): Promise<RunningQuery> {
  const { client, queryId, text, setting, format, onEnd } = options;
  const { catalog, functions } = engine;
  const planned = planTransient({ catalog, functions, setting }, query, text);
  const { columns, identity, root } = planned;
  const warning = await lateStart(client, planned.sources, setting);
  const applicationId = executor.applicationId(queryId);
  const rows = await executor.open({
    queryId,
    from: { kind: 'push', applicationId, identity },
    root,
    columns: columns.map(({ name, type }) => ({ name, type })),
    format,
    limit: query.limit,
    settings: settingValues(setting),
  });
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  async function* counted(): AsyncGenerator<readonly ResultRow[]> {
    for await (const batch of rows.batches) {
      left -= batch.length;
      yield batch;
    }
  }
  let closing: Promise<void> | undefined;
  return {
    queryId,
    columns,
    schemaText: columnsText(columns, false),
    batches: counted(),
    live: true,
    warning,
    finalMessage: () => (left <= 0 ? 'Limit Reached' : 'Query Completed'),
    close() {
      closing ??= (async () => {
        await rows.close();
        await executor.forget(applicationId);
        onEnd();
      })();
      return closing;
    },
  };
}
