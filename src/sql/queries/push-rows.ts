// The rows of SELECT … EMIT CHANGES: a Streams application of its own, whose end is a channel to the client.
import type { KafkaStreams, StreamsSettings, Topology } from '../../streams/index.ts';
import type { TopologyEnvironment } from '../compile/flow.ts';
import { compileFlow } from '../compile/topology.ts';
import type { ResultRow } from '../statements/entities.ts';
import type { Step } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { OpenRows, PushRequest, RowsRequest } from './host.ts';
import { RowChannel } from './row-channel.ts';
import { resultWriter } from './result-rows.ts';

export async function pushRows(
  { queryId, from, root, columns, format, limit = Number.POSITIVE_INFINITY }: RowsRequest<PushRequest>,
  compiling: TopologyEnvironment,
  streamsOf: (topology: Topology, overrides: Partial<StreamsSettings>) => KafkaStreams,
): Promise<OpenRows<ResultRow>> {
  const write = resultWriter({ columns, format });
  const channel = new RowChannel();
  let left = limit;
  const emit = (row: Row, tombstone: boolean): void => {
    if (left <= 0) return;
    channel.push({ json: write(row), tombstone });
    if (--left === 0) channel.end();
  };
  const topology = compileFlow(compiling, root, queryId, (flow) => {
    if ('stream' in flow) {
      flow.stream.foreach((key, row) => {
        if (row !== null && !(from.skipsNullKeys && key === null)) emit(row, false);
      });
      return;
    }
    const identityOf = identityReader(root, from.identity);
    flow.table.toStream().foreach((key, row) => {
      if (row === null) emit(identityOf(key), true);
      else emit(row, false);
    });
  });
  const streams = streamsOf(topology, {
    processingGuarantee: 'at_least_once',
    isHeldBack: () => channel.isFull,
    commitIntervalMs: 100,
    onError: (error, fatal) => {
      if (fatal) channel.fail(error);
    },
  });
  if (left === 0) channel.end();
  else await streams.start();
  return {
    share: undefined,
    batches: channel,
    async close() {
      channel.end();
      await streams.close();
    },
  };
}

/** The row of a deletion: the key's and the window's columns, null elsewhere. */
function identityReader(root: Step, identity: readonly boolean[]): (key: unknown) => Row {
  const keyNames = root.key.map((column) => column.name);
  const items = root.kind === 'project' ? root.items : [];
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
