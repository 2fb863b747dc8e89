// What can be said against a sink's config only where there is a cluster of workers: its tasks are members of a group, too, and the
// workers' own is none for them.
import type { RawConfig } from '../api/config-def.ts';
import { withProblem } from './connector-facts.ts';
import type { ConfigInfos } from './plugin-catalogue.ts';

const SINK_GROUP = 'consumer.override.group.id';

/** What was said already of a sink's config, and what there is to be said of its group. */
export function checkedSinkGroup(infos: ConfigInfos, config: RawConfig, workers: string): ConfigInfos {
  const group = config[SINK_GROUP];
  if (group !== undefined) {
    if (group !== workers) return infos;
    const problem = `Consumer group ${group} conflicts with Connect worker group ${workers}`;
    return withProblem(infos, SINK_GROUP, group, problem);
  }
  const name = config['name'] ?? '';
  if (workers !== `connect-${name}`) return infos;
  const problem = `Consumer group for sink connector named ${name} conflicts with Connect worker group ${workers}`;
  return withProblem(infos, 'name', name, problem);
}
