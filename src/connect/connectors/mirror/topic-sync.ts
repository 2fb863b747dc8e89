// Topics of the target kept as those of the source are: there, with as many partitions, with the same settings and access rules.
import type { AccessRule, TopicDescription } from '../../../client/index.ts';
import { codeOf } from '../../../util/index.ts';
import type { Log } from '../../api/index.ts';
import type { Clusters, Patterns, ReplicationPolicy } from './settings.ts';

interface TopicSyncOptions {
  readonly replicationFactor: number;
  readonly excludedConfigs: Patterns;
  readonly log: Log;
}

export class TopicSync {
  readonly #clusters: Clusters;
  readonly #policy: ReplicationPolicy;
  readonly #options: TopicSyncOptions;

  constructor(clusters: Clusters, policy: ReplicationPolicy, options: TopicSyncOptions) {
    this.#clusters = clusters;
    this.#policy = policy;
    this.#options = options;
  }

  /** Makes what is missing. */
  async topics(described: readonly TopicDescription[]): Promise<void> {
    const admin = this.#clusters.target.admin();
    const names = described.map(({ name }) => this.#policy.remoteTopic(name));
    const there = await admin.describeTopics(names);
    const brokers = (await admin.brokers()).length;
    const { replicationFactor } = this.#options;
    for (const { name, partitions } of described) {
      const remote = this.#policy.remoteTopic(name);
      const known = there.get(remote);
      if (known === undefined) {
        const replication = replicationFactor < 0 ? {} : { replicationFactor: Math.min(replicationFactor, brokers) };
        const configs = await this.#configsOf(name);
        try {
          await admin.createTopics([{ name: remote, partitions: partitions.length, ...replication, configs }]);
        } catch (error) {
          if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
        }
      } else if (known.partitions.length < partitions.length) await admin.createPartitions(remote, partitions.length);
    }
  }

  /** Gives topics the settings that are set on the other side. */
  async configs(topics: readonly string[]): Promise<void> {
    const admin = this.#clusters.target.admin();
    for (const topic of topics) {
      const wanted = await this.#configsOf(topic);
      const remote = this.#policy.remoteTopic(topic);
      const has = new Map(
        (await admin.topicConfigs(remote)).map(({ name, value, isDefault }) => [name, isDefault ? undefined : value]),
      );
      const changed = Object.entries(wanted).filter(([name, value]) => has.get(name) !== value);
      const gone = [...has].filter(
        ([name, value]) => value !== undefined && !(name in wanted) && !this.#options.excludedConfigs.has(name),
      );
      const set = Object.fromEntries([...changed, ...gone.map(([name]) => [name, null] as const)]);
      if (Object.keys(set).length > 0) await admin.alterTopicConfigs(remote, set);
    }
  }

  /** Gives topics the rules that say who may read them: nobody but mirroring writes there. */
  async acls(topics: readonly string[]): Promise<void> {
    const { source, target } = this.#clusters;
    const wanted = new Set(topics);
    try {
      const rules = await source.admin().describeAcls({ resourceType: 'TOPIC', patternType: 'ANY' });
      const mirrored = rules
        .filter(({ resourceName, patternType }) => patternType === 'LITERAL' && wanted.has(resourceName))
        .flatMap((rule) => readOnly(rule))
        .map((rule) => ({ ...rule, resourceName: this.#policy.remoteTopic(rule.resourceName) }));
      if (mirrored.length > 0) await target.admin().createAcls(mirrored);
    } catch (error) {
      if (codeOf(error) !== 'SECURITY_DISABLED' && codeOf(error) !== 'UNSUPPORTED_VERSION') throw error;
      this.#options.log.info('access rules are not mirrored: one of the clusters has none');
    }
  }

  async #configsOf(topic: string): Promise<Record<string, string>> {
    const configs = await this.#clusters.source.admin().topicConfigs(topic);
    return Object.fromEntries(
      configs.flatMap(({ name, value, isDefault }) =>
        isDefault || value === null || this.#options.excludedConfigs.has(name) ? [] : [[name, value]],
      ),
    );
  }
}

/** What a rule allows beside writing. */
function readOnly(rule: AccessRule): AccessRule[] {
  if (rule.permission === 'ALLOW' && rule.operation === 'WRITE') return [];
  return [rule.permission === 'ALLOW' && rule.operation === 'ALL' ? { ...rule, operation: 'READ' } : rule];
}
