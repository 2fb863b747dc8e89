// SELECT … EMIT CHANGES: rows go to the client as they come. The query ends with the client, with LIMIT, or with an error,
// and leaves nothing behind.
import type { Client } from '../../client/index.ts';
import type { Query } from '../parser/ast.ts';
import { refuseEndings } from '../analysis/extensions.ts';
import { checkLimit } from '../analysis/limit.ts';
import { columnsIn } from '../analysis/walk.ts';
import { settingValues } from '../settings.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { ResultFormat, ResultRow, RunningQuery } from '../statements/entities.ts';
import { planTransient } from '../statements/transient-query.ts';
import { lateStart } from './late-start.ts';
import type { KafkaExecutor } from './persistent.ts';
import { columnsText } from './result-schema.ts';

/**
 * Whether ksqlDB would tap the query that writes the source, instead of running one more: from now on, rows of one source that
 * one query writes, filtered and projected. Here it reads what that query writes, as any other does; it passes over records
 * without a key.
 */
export function isScalablePush({ catalog, queries }: EngineContext, query: Query, setting: Settings): boolean {
  if (query.emit !== 'CHANGES' || setting('ksql.query.push.v2.enabled') !== 'true') return false;
  if (setting('auto.offset.reset') === 'earliest') return false;
  const { from, joins, groupBy, window, having, partitionBy } = query;
  if (
    from.queries !== undefined ||
    joins.length > 0 ||
    [groupBy, window, having, partitionBy].some((clause) => clause !== undefined)
  )
    return false;
  const used = [
    ...query.select.flatMap((item) => (item.kind === 'item' ? [item.expression] : [])),
    ...(query.where === undefined ? [] : [query.where]),
  ];
  const names = used.flatMap(columnsIn).map(({ name }) => name);
  if (names.includes('ROWPARTITION') || names.includes('ROWOFFSET')) return false;
  const source = catalog.source(query.from.name);
  const writers = [...queries.values()].filter(({ plan }) => plan.sink?.name === source?.name);
  return source?.createdBy !== undefined && writers.length === 1;
}

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
    readonly skipsNullKeys: boolean;
    readonly onEnd: () => void;
  },
): Promise<RunningQuery> {
  const { client, queryId, text, setting, format, skipsNullKeys, onEnd } = options;
  const { catalog, functions } = engine;
  refuseEndings(query, 'Push queries');
  checkLimit(query.limit, 'Push queries');
  const planned = planTransient({ catalog, functions, setting }, query, text);
  const { columns, identity, root } = planned;
  const warning = await lateStart(client, planned.sources, setting);
  const applicationId = executor.applicationId(queryId);
  const rows = await executor.open({
    queryId,
    from: { kind: 'push', applicationId, identity, skipsNullKeys },
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
