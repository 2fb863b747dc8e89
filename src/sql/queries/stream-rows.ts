// The rows of a stream as they are in its topic now: from the first record to the last that was there when the query began.
import { type Client, recordsOf } from '../../client/index.ts';
import { SynchronousTopology } from '../../streams/index.ts';
import { type Environment, yieldToEventLoop } from '../../util/index.ts';
import type { TopologyEnvironment } from '../compile/flow.ts';
import { compileFlow } from '../compile/topology.ts';
import { isFatal } from '../expressions/evaluation/evaluate.ts';
import type { Row } from '../values/value.ts';
import type { OpenRows, RowsRequest, StreamRequest } from './host.ts';

/** So many records are processed in one go. */
const RECORDS_PER_SLICE = 500;
const POLL_MS = 1000;

export interface StreamRowsOptions {
  readonly compiling: TopologyEnvironment;
  readonly client: Client;
  readonly environment: Environment;
}

export function streamRows(
  { queryId, from, root, limit = Number.POSITIVE_INFINITY }: RowsRequest<StreamRequest>,
  { compiling, client, environment }: StreamRowsOptions,
): OpenRows<Row> {
  const found: Row[] = [];
  const topology = compileFlow(compiling, root, queryId, (flow) => {
    if ('stream' in flow) {
      flow.stream.foreach((_key, row) => {
        if (row !== null) found.push(row);
      });
    }
  });
  const running = new SynchronousTopology(topology, {
    onDecodeError: () => 'continue',
    onProcessingError: (error) => (isFatal(error) ? 'fail' : 'continue'),
  });

  async function* batches(): AsyncGenerator<Row[]> {
    let left = limit;
    for await (const records of recordsUntilNow(client, from.topic)) {
      for (let at = 0; at < records.length; at += RECORDS_PER_SLICE) {
        await running.pipeAll(records.slice(at, at + RECORDS_PER_SLICE));
        const rows = found.splice(0).slice(0, left);
        left -= rows.length;
        yield rows;
        if (left <= 0) return;
        await yieldToEventLoop(environment);
      }
    }
  }
  const reading = batches();
  return {
    share: undefined,
    batches: reading,
    close: async () => {
      await reading.return(undefined);
    },
  };
}

/** What the topic holds now, in the pieces that come. */
export async function* recordsUntilNow(client: Client, topic: string) {
  const description = (await client.admin().describeTopics([topic])).get(topic);
  const partitions = (description?.partitions ?? []).map(({ partition }) => ({ topic, partition }));
  const ends = await client.admin().listOffsets(
    partitions.map((at) => ({ ...at, timestamp: -1 })),
    'read_committed',
  );
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
  consumer.assign(partitions);
  const endOf = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  try {
    let waiting = ends.filter(({ offset }) => offset > 0);
    while (waiting.length > 0) {
      const fetched = [...recordsOf(await consumer.poll(POLL_MS))];
      yield fetched.filter(({ partition, offset }) => offset < endOf.get(partition)!);
      waiting = waiting.filter((end) => {
        const position = consumer.position(end);
        return position < 0 || position < end.offset;
      });
    }
  } finally {
    await consumer.close();
  }
}
