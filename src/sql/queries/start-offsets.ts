// Where a query begins to read sources that say so themselves (START), in the partitions in which it has committed nothing.
import type { Client } from '../../client/index.ts';
import type { SourceStep } from '../plan/plan.ts';

const EARLIEST = -2;
const LATEST = -1;

/** The offset to begin with in a partition; undefined where it is not known: the partition is newer than the question. */
export type StartOffsets = (topic: string, partition: number) => number | undefined;

/** Finds the offsets of all sources that say a time or an offset; one that a partition does not have is the nearest that it has. */
export async function startOffsets(client: Client, sources: readonly SourceStep[]): Promise<StartOffsets> {
  const found = new Map<string, number>();
  for (const { topic, start } of sources) {
    if (start?.at !== 'time' && start?.at !== 'offset') continue;
    const described = (await client.admin().describeTopics([topic])).get(topic);
    const partitions = (described?.partitions ?? []).map(({ partition }) => ({ topic, partition }));
    const ask = (timestamp: number) => client.admin().listOffsets(partitions.map((each) => ({ ...each, timestamp })));
    const [first, end] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
    const wantedOf =
      start.at === 'time' ? (await ask(start.ms)).map(({ offset }) => offset) : partitions.map(() => start.offset);
    partitions.forEach(({ partition }, i) => {
      const wanted = wantedOf[i]!;
      // No record is as late as that.
      const offset = wanted < 0 ? end[i]!.offset : Math.min(Math.max(wanted, first[i]!.offset), end[i]!.offset);
      found.set(`${topic} ${partition}`, offset);
    });
  }
  return (topic, partition) => found.get(`${topic} ${partition}`);
}
