// What can be said against a connector's config only where there is a cluster of workers: its group, and exactly-once.
import { messageOf } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import { withProblem } from './connector-facts.ts';
import type { ConfigInfos, ConnectorKind, PluginCatalogue } from './plugin-catalogue.ts';

const SINK_GROUP = 'consumer.override.group.id';
const EXACTLY_ONCE = 'exactly.once.support';
const BOUNDARY = 'transaction.boundary';

export interface ClusterFacts {
  readonly plugins: PluginCatalogue;
  /** Of the workers. */
  readonly groupId: string;
  readonly exactlyOnceSources: boolean;
}

/** What was said already, and what the cluster has to say. */
export async function checkedForCluster(
  infos: ConfigInfos,
  kind: ConnectorKind | 'unknown',
  config: RawConfig,
  facts: ClusterFacts,
): Promise<ConfigInfos> {
  if (kind === 'sink') return sinkGroup(infos, config, facts.groupId);
  if (kind === 'source') return boundaries(await exactlyOnce(infos, config, facts), config, facts);
  return infos;
}

function sinkGroup(infos: ConfigInfos, config: RawConfig, groupId: string): ConfigInfos {
  const group = config[SINK_GROUP];
  if (group !== undefined) {
    if (group !== groupId) return infos;
    const problem = `Consumer group ${group} conflicts with Connect worker group ${groupId}`;
    return withProblem(infos, SINK_GROUP, group, problem);
  }
  const name = config['name'] ?? '';
  if (groupId !== `connect-${name}`) return infos;
  const problem = `Consumer group for sink connector named ${name} conflicts with Connect worker group ${groupId}`;
  return withProblem(infos, 'name', name, problem);
}

/** Names that have been refused already are not looked at again. */
function isRight(infos: ConfigInfos, name: string): boolean {
  return infos.configs.every(({ value }) => value.name !== name || value.errors.length === 0);
}

async function exactlyOnce(infos: ConfigInfos, config: RawConfig, facts: ClusterFacts): Promise<ConfigInfos> {
  if (config[EXACTLY_ONCE]?.toLowerCase() !== 'required' || !isRight(infos, EXACTLY_ONCE)) return infos;
  const given = config[EXACTLY_ONCE];
  const checked = facts.exactlyOnceSources
    ? infos
    : withProblem(infos, EXACTLY_ONCE, given, 'This worker does not have exactly-once source support enabled.');
  const problem = await exactlyOnceProblem(config, facts.plugins);
  return problem === undefined ? checked : withProblem(checked, EXACTLY_ONCE, given, problem);
}

async function exactlyOnceProblem(config: RawConfig, plugins: PluginCatalogue): Promise<string | undefined> {
  try {
    switch (await plugins.exactlyOnce(config)) {
      case 'supported':
        return undefined;
      case 'unsupported':
        return 'The connector does not support exactly-once semantics with the provided configuration.';
      case undefined:
        return 'The connector does not implement the API required for preflight validation of exactly-once source support. Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then consider reconfiguring the connector to use the value "REQUESTED" for this property (which will disable this preflight check and allow the connector to be created).';
    }
  } catch (error) {
    return `An unexpected error occurred during validation: ${messageOf(error)}`;
  }
}

async function boundaries(infos: ConfigInfos, config: RawConfig, { plugins }: ClusterFacts): Promise<ConfigInfos> {
  const given = config[BOUNDARY];
  if (given?.toLowerCase() !== 'connector' || !isRight(infos, BOUNDARY)) return infos;
  try {
    if (await plugins.definesTransactions(config)) return infos;
    return withProblem(
      infos,
      BOUNDARY,
      given,
      'The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.',
    );
  } catch (error) {
    const problem = `An unexpected error occurred during validation: ${messageOf(error)}`;
    return withProblem(infos, BOUNDARY, given, problem);
  }
}
