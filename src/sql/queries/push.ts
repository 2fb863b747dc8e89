// SELECT … EMIT CHANGES: a Streams application of its own, whose end is the client. It ends with the client, with LIMIT,
// or with an error, and leaves nothing behind.
import type { Client } from '../../client/index.ts';
import { compileFlow } from '../compile/topology.ts';
import type { RunningQuery } from '../statements/entities.ts';
import type { Query } from '../parser/ast.ts';
import { columnsText } from './result-schema.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import { lateStart } from './late-start.ts';
import type { KafkaExecutor } from './persistent.ts';
import { RowChannel } from './row-channel.ts';
import { rowWriter } from './row-json.ts';
import { planTransient } from '../statements/transient-query.ts';
import type { Row, SqlValue } from '../values/value.ts';

export async function startPush(
  engine: EngineContext,
  executor: KafkaExecutor,
  query: Query,
  options: {
    readonly client: Client;
    readonly queryId: string;
    readonly text: string;
    readonly setting: Settings;
    readonly onEnd: () => void;
  },
): Promise<RunningQuery> {
  const { client, queryId, text, setting, onEnd } = options;
  const { catalog, functions, schemas, log } = engine;
  const planned = planTransient({ catalog, functions, setting }, query, text);
  const { columns, identity } = planned;
  const write = rowWriter(columns.map((column) => column.type));
  const channel = new RowChannel();
  const limit = query.limit ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  let limitReached = limit === 0;

  const emit = (row: Row, tombstone: boolean): void => {
    if (limitReached) return;
    channel.push({ json: write(row), tombstone });
    limitReached = ++sent >= limit;
    if (limitReached) channel.end();
  };
  const env = { catalog, functions, schemas, log, setting };
  const topology = compileFlow(env, planned.root, queryId, (flow) => {
    if ('stream' in flow) {
      flow.stream.foreach((_key, row) => {
        if (row !== null) emit(row, false);
      });
      return;
    }
    const identityOf = identityReader(
      planned.root.key.map((column) => column.name),
      planned,
      identity,
    );
    flow.table.toStream().foreach((key, row) => {
      if (row === null) emit(identityOf(key), true);
      else emit(row, false);
    });
  });
  const warning = await lateStart(client, planned.sources, setting);
  const applicationId = executor.applicationId(queryId);
  const streams = executor.streams(topology, applicationId, setting, (error) => channel.fail(error), {
    processingGuarantee: 'at_least_once',
    isHeldBack: () => channel.isFull,
    commitIntervalMs: 100,
  });
  if (limitReached) channel.end();
  else await streams.start();

  let closing: Promise<void> | undefined;
  return {
    queryId,
    columns,
    schemaText: columnsText(columns, false),
    batches: channel,
    live: true,
    warning,
    finalMessage: () => (limitReached ? 'Limit Reached' : 'Query Completed'),
    close() {
      closing ??= (async () => {
        channel.end();
        await streams.close();
        await executor.forget(streams, applicationId);
        onEnd();
      })();
      return closing;
    },
  };
}

/** The row of a deletion: the key's and the window's columns, null elsewhere. */
function identityReader(
  keyNames: readonly string[],
  planned: ReturnType<typeof planTransient>,
  identity: readonly boolean[],
): (key: unknown) => Row {
  const items = planned.root.kind === 'project' ? planned.root.items : [];
  return (key) => {
    const windowed =
      key !== null && !Array.isArray(key) ? (key as { key: Row; start: number; end: number }) : undefined;
    const parts = windowed?.key ?? (key as Row | null) ?? [];
    return items.map(({ expression }, i): SqlValue => {
      if (!identity[i] || expression.kind !== 'column') return null;
      if (expression.name === 'WINDOWSTART') return windowed?.start ?? null;
      if (expression.name === 'WINDOWEND') return windowed?.end ?? null;
      return parts[keyNames.indexOf(expression.name)] ?? null;
    });
  };
}
