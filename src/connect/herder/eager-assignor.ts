// How the leader shares everything out anew, to workers that have given up all they had: connectors and then their tasks, one
// worker after the other.
import { type Allotment, allotment, namesOf, ordered } from './allotment.ts';
import type { ConfigSnapshot } from '../storage/config-state.ts';

/** What each worker gets, by its id. */
export function assignEagerly(configs: ConfigSnapshot, members: readonly string[]): Map<string, Allotment> {
  const workers = [...members].sort();
  const assigned = new Map(workers.map((worker) => [worker, allotment()]));
  let turn = 0;
  const next = (): Allotment => assigned.get(workers[turn++ % workers.length]!)!;
  const connectors = ordered(configs.connectors);
  for (const connector of connectors) next().connectors.add(connector);
  for (const connector of connectors) {
    for (const task of ordered(namesOf(configs.tasks(connector)))) next().tasks.add(task);
  }
  return assigned;
}
