import type { LinkedQuery } from './host.ts';

/** The applications of queries that write a topic, but for those that wait for what `reader` writes. */
export function writersOf(queries: readonly LinkedQuery[], topic: string, reader: string): string[] {
  const downstream = new Set(queries.filter(({ applicationId }) => applicationId === reader));
  for (const { sink } of downstream) {
    for (const each of queries) {
      if (sink !== undefined && each.sources.includes(sink)) downstream.add(each);
    }
  }
  return queries.filter((each) => each.sink === topic && !downstream.has(each)).map((each) => each.applicationId);
}
