/**
 * Who of an application's instances has what: the leader tells every member with its assignment, by the `applicationServer`s
 * that members have said when they joined. Instances without one take part in the work, and are not told of.
 */
import type { TopicPartition } from '../../client/index.ts';
import { serialize } from '../../serde/index.ts';
import { MillraceError, partitionForKey } from '../../util/index.ts';
import { checkPartition } from '../api/checks.ts';
import type { HostInfo, KeyQueryMetadata, StreamsMetadata } from '../api/queries.ts';
import type { StoreSpec } from '../state/store.ts';
import { prepareSerdes, type SubTopology, type Topology } from '../graph/topology.ts';
import { taskCount } from './internal-topics.ts';

/** Tasks by the addresses of the instances that run, or follow, them. */
export type HostTasks = Readonly<
  Record<string, { readonly active: readonly string[]; readonly standby: readonly string[] }>
>;

export interface InstancesOptions {
  readonly topology: Topology;
  readonly applicationId: string;
  /** This one's address. */
  readonly applicationServer: string | undefined;
  readonly hosts: () => HostTasks;
  /** Partitions per topic, by the topology's own names. */
  readonly counts: () => ReadonlyMap<string, number>;
}

export class Instances {
  readonly #options: InstancesOptions;

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  all(): StreamsMetadata[] {
    return Object.entries(this.#options.hosts()).map(([address, { active, standby }]) => ({
      hostInfo: hostInfoOf(address),
      stateStoreNames: [...this.#storesOf(active), ...this.#options.topology.globalStores.map(({ name }) => name)],
      topicPartitions: this.#partitionsOf(active),
      standbyStateStoreNames: this.#storesOf(standby),
      standbyTopicPartitions: this.#partitionsOf(standby),
    }));
  }

  withStore(store: string): StreamsMetadata[] {
    this.specOf(store);
    return this.all().filter(
      ({ stateStoreNames, standbyStateStoreNames }) =>
        stateStoreNames.includes(store) || standbyStateStoreNames.includes(store),
    );
  }

  /** Undefined before it is known how many partitions there are. */
  async withKey<K>(
    store: string,
    key: K,
    partitioner?: (key: K, partitions: number) => number,
  ): Promise<KeyQueryMetadata | undefined> {
    const { applicationServer } = this.#options;
    const spec = this.specOf(store);
    const sub = this.subTopologyOf(store);
    if (sub === undefined) {
      const activeHost = applicationServer === undefined ? undefined : hostInfoOf(applicationServer);
      return { activeHost, standbyHosts: [], partition: 0 };
    }
    const partitions = this.partitionCount(store);
    if (partitions === 0) return undefined;
    await prepareSerdes([], [spec]);
    const partition = partitioner?.(key, partitions) ?? partitionForKey(serialize(spec.key, key)!, partitions);
    checkPartition(`the partition of a key of ${store}`, partition, partitions);
    return this.withPartition(sub, partition);
  }

  withPartition({ id }: SubTopology, partition: number): KeyQueryMetadata {
    const task = `${id}_${partition}`;
    const hosts = Object.entries(this.#options.hosts());
    const active = hosts.find(([, tasks]) => tasks.active.includes(task));
    return {
      activeHost: active === undefined ? undefined : hostInfoOf(active[0]),
      standbyHosts: hosts.filter(([, { standby }]) => standby.includes(task)).map(([address]) => hostInfoOf(address)),
      partition,
    };
  }

  /** Whether an address is this instance's. */
  isThis({ host, port }: HostInfo): boolean {
    const { applicationServer } = this.#options;
    if (applicationServer === undefined) return false;
    const own = hostInfoOf(applicationServer);
    return own.host === host && own.port === port;
  }

  /** How many partitions a store has, here and elsewhere; 0 before that is known. */
  partitionCount(store: string): number {
    const sub = this.subTopologyOf(store);
    return sub === undefined ? 0 : taskCount(sub, this.#options.counts());
  }

  /** Undefined for a global store. */
  subTopologyOf(store: string): SubTopology | undefined {
    return this.#options.topology.subTopologies.find(({ stores }) => stores.some(({ name }) => name === store));
  }

  /** Throws `UNKNOWN_STORE`. */
  specOf(store: string): StoreSpec {
    const { stores, globalStores } = this.#options.topology;
    const spec = stores.get(store) ?? globalStores.find(({ name }) => name === store);
    if (spec === undefined) throw new MillraceError('UNKNOWN_STORE', `the topology has no state store ${store}`);
    return spec;
  }

  #tasks(ids: readonly string[]): { readonly sub: SubTopology; readonly partition: number }[] {
    return ids.flatMap((task) => {
      const [id, partition] = task.split('_').map(Number);
      // Members of another version may have other sub-topologies.
      const sub = this.#options.topology.subTopologies.find((each) => each.id === id);
      return sub === undefined ? [] : [{ sub, partition: partition! }];
    });
  }

  #storesOf(tasks: readonly string[]): string[] {
    return [...new Set(this.#tasks(tasks).flatMap(({ sub }) => sub.stores.map(({ name }) => name)))];
  }

  #partitionsOf(tasks: readonly string[]): TopicPartition[] {
    const { topology, applicationId } = this.#options;
    const counts = this.#options.counts();
    return this.#tasks(tasks).flatMap(({ sub, partition }) =>
      sub.sources
        .flatMap((node) => node.source!.topics)
        .filter((topic) => partition < (counts.get(topic) ?? 0))
        .map((topic) => ({
          topic: topology.internalTopics.has(topic) ? `${applicationId}-${topic}` : topic,
          partition,
        })),
    );
  }
}

/** `host:port`; an IPv6 address stands in brackets. */
export function hostInfoOf(address: string): HostInfo {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}
