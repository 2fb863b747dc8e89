// v3: the cluster and its brokers.
import type { BrokerDescription } from '../../client/index.ts';
import type { Routes } from '../call.ts';
import { pathNumber } from '../entities.ts';
import { notFound } from '../errors.ts';
import { V3_TYPES } from '../media-types.ts';
import { type ClusterCall, type ClusterRoutes, clustersUrl, linkTo, listOfResources, resource } from './resources.ts';
import { allTopics, replicaEntity } from './topics.ts';

export function clusterRoutes(cluster: ClusterRoutes): Routes {
  return {
    'GET /v3/clusters': {
      summary: 'The cluster, as a list of one.',
      consumes: V3_TYPES,
      produces: V3_TYPES,
      answer: async (call) => {
        const params = { ...call.params, cluster: await cluster.clusterId() };
        const at = await cluster.at({ ...call, params });
        const metadata = { self: clustersUrl(call), next: null };
        return { kind: 'KafkaClusterList', metadata, data: [await clusterEntity(at)] };
      },
    },
    ...cluster.declare({
      'GET ': { summary: 'The cluster.', answer: clusterEntity },
      'GET /brokers': {
        summary: 'The brokers.',
        answer: async (at) => {
          const brokers = await at.admin.brokers();
          const entities = brokers.map((broker) => brokerEntity(at, broker));
          return listOfResources(at, 'Broker', [['brokers']], entities);
        },
      },
      'GET /brokers/:broker': { summary: 'A broker.', answer: async (at) => brokerEntity(at, await brokerOf(at)) },
      'GET /brokers/:broker/partition-replicas': {
        summary: 'The replicas that a broker has.',
        answer: async (at) => {
          const { id } = await brokerOf(at);
          const replicas = (await allTopics(at)).flatMap((topic) =>
            topic.partitions
              .filter((partition) => partition.replicas.includes(id))
              .map((partition) => replicaEntity(at, topic.name, partition, id)),
          );
          return listOfResources(at, 'Replica', [['brokers', id], ['partition-replicas']], replicas);
        },
      },
    }),
  };
}

async function clusterEntity(at: ClusterCall): Promise<object> {
  const controller = await at.admin.controllerId();
  return resource(at, 'Cluster', [], {
    ...(controller === undefined ? {} : { controller: linkTo(at, [['brokers', controller]]) }),
    acls: linkTo(at, [['acls']]),
    brokers: linkTo(at, [['brokers']]),
    broker_configs: linkTo(at, [['broker-configs']]),
    consumer_groups: linkTo(at, [['consumer-groups']]),
    topics: linkTo(at, [['topics']]),
    partition_reassignments: linkTo(at, [['topics', '-'], ['partitions', '-'], ['reassignment']]),
  });
}

export async function brokerOf({ admin, call }: ClusterCall): Promise<BrokerDescription> {
  const asked = call.params['broker']!;
  const found = (await admin.brokers()).find(({ id }) => id === pathNumber(asked));
  if (found === undefined) throw notFound(`Broker ${asked} cannot be found.`);
  return found;
}

function brokerEntity(at: ClusterCall, { id, host, port, rack }: BrokerDescription): object {
  return resource(at, 'Broker', [['brokers', id]], {
    broker_id: id,
    host,
    port,
    ...(rack === null ? {} : { rack }),
    configs: linkTo(at, [['brokers', id], ['configs']]),
    partition_replicas: linkTo(at, [['brokers', id], ['partition-replicas']]),
  });
}
