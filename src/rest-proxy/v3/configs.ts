// v3: configs of topics, of single brokers, and of all brokers. The three differ in whose they are and where they are found.
import type { ConfigDetails, ConfigResource } from '../../client/index.ts';
import type { Routes } from '../call.ts';
import { listOf, membersOf, optionalFlag, optionalText, textOf } from '../entities.ts';
import { notFound, unprocessable } from '../errors.ts';
import { brokerOf } from './clusters.ts';
import { bodyOf, type ClusterCall, type ClusterRoutes, listOfResources, type Path, resource } from './resources.ts';
import { allTopics, configText, topicOf } from './topics.ts';

/** Whose configs a request is about. */
interface Owner {
  readonly kind: 'TopicConfig' | 'BrokerConfig' | 'ClusterConfig';
  readonly resource: ConfigResource;
  readonly members: object;
  /** Where its list is: the last part is that of the configs. */
  readonly path: Path;
  readonly collection: string;
}

const topicOwner = (name: string): Owner => ({
  kind: 'TopicConfig',
  resource: { type: 'topic', name },
  members: { topic_name: name },
  path: [['topics', name]],
  collection: 'configs',
});

const brokerOwner = (id: number): Owner => ({
  kind: 'BrokerConfig',
  resource: { type: 'broker', name: String(id) },
  members: { broker_id: id },
  path: [['brokers', id]],
  collection: 'configs',
});

/** Of all brokers there are only those that somebody has set. */
const clusterOwner: Owner = {
  kind: 'ClusterConfig',
  resource: { type: 'broker', name: '' },
  members: { config_type: 'BROKER' },
  path: [],
  collection: 'broker-configs',
};

const CONFIG = ['value'];
const ALTERATION = ['data', 'validate_only'];

export function configRoutes(cluster: ClusterRoutes): Routes {
  const ofTopic = async (at: ClusterCall) => topicOwner((await topicOf(at)).name);
  const ofBroker = async (at: ClusterCall) => brokerOwner((await brokerOf(at)).id);
  return {
    ...cluster.declare({
      'GET /topics/-/configs': {
        summary: 'The configs of all topics.',
        answer: async (at) => {
          const topics = await allTopics(at);
          return ofAll(
            at,
            [['topics', '-'], ['configs']],
            topics.map(({ name }) => topicOwner(name)),
          );
        },
      },
      'GET /brokers/-/configs': {
        summary: 'The configs of all brokers.',
        answer: async (at) => {
          const brokers = await at.admin.brokers();
          return ofAll(
            at,
            [['brokers', '-'], ['configs']],
            brokers.map(({ id }) => brokerOwner(id)),
          );
        },
      },
    }),
    ...routesOf(cluster, '/topics/:topic/configs', 'a topic', ofTopic),
    ...routesOf(cluster, '/brokers/:broker/configs', 'a broker', ofBroker),
    ...routesOf(cluster, '/broker-configs', 'all brokers', async () => clusterOwner),
  };
}

/** `whose`: how people are told of the owner. */
function routesOf(
  cluster: ClusterRoutes,
  path: string,
  whose: string,
  ownerOf: (at: ClusterCall) => Promise<Owner>,
): Routes {
  return cluster.declare({
    [`GET ${path}`]: {
      summary: `The configs of ${whose}.`,
      answer: async (at) => {
        const owner = await ownerOf(at);
        const configs = await at.admin.describeConfigs(owner.resource);
        const list: Path = [...owner.path, [owner.collection]];
        return listOfResources(
          at,
          owner.kind,
          list,
          configs.map((config) => configEntity(at, owner, config)),
        );
      },
    },
    // Two colons are one that names no parameter.
    [`POST ${path}::alter`]: {
      summary: `Sets or resets configs of ${whose}.`,
      body: ALTERATION,
      status: 204,
      answer: async (at) => alter(at, await ownerOf(at)),
    },
    [`GET ${path}/:name`]: {
      summary: `A config of ${whose}.`,
      answer: async (at) => {
        const owner = await ownerOf(at);
        return configEntity(at, owner, await configOf(at, owner));
      },
    },
    [`PUT ${path}/:name`]: {
      summary: `Sets a config of ${whose}.`,
      body: CONFIG,
      status: 204,
      answer: async (at) => {
        const owner = await ownerOf(at);
        const value = configText(bodyOf(at, CONFIG));
        if (owner !== clusterOwner) await configOf(at, owner);
        await at.admin.alterConfigs(owner.resource, { [at.call.params['name']!]: value ?? null });
      },
    },
    [`DELETE ${path}/:name`]: {
      summary: `Resets a config of ${whose} to its default.`,
      status: 204,
      answer: async (at) => {
        const owner = await ownerOf(at);
        await configOf(at, owner);
        await at.admin.alterConfigs(owner.resource, { [at.call.params['name']!]: null });
      },
    },
  });
}

async function ofAll(at: ClusterCall, path: Path, owners: readonly Owner[]): Promise<object> {
  const entities: object[] = [];
  for (const owner of owners) {
    const configs = await at.admin.describeConfigs(owner.resource);
    entities.push(...configs.map((config) => configEntity(at, owner, config)));
  }
  return listOfResources(at, owners[0]?.kind ?? 'TopicConfig', path, entities);
}

async function configOf({ admin, call }: ClusterCall, { resource: of }: Owner): Promise<ConfigDetails> {
  const found = (await admin.describeConfigs(of)).find(({ name }) => name === call.params['name']);
  if (found === undefined) throw notFound(`Config ${call.params['name']} cannot be found.`);
  return found;
}

async function alter(at: ClusterCall, owner: Owner): Promise<void> {
  const members = bodyOf(at, ALTERATION);
  const set: Record<string, string | null> = {};
  for (const each of listOf(members, 'data')) {
    const change = membersOf(each, ['name', 'value', 'operation'], 'A change');
    const operation = optionalText(change, 'operation') ?? 'SET';
    if (operation !== 'SET' && operation !== 'DELETE') {
      throw unprocessable(`operation is ${operation}: it is SET or DELETE`);
    }
    set[textOf(change, 'name')] = operation === 'DELETE' ? null : (configText(change) ?? null);
  }
  const validateOnly = optionalFlag(members, 'validate_only') ?? false;
  await at.admin.alterConfigs(owner.resource, set, { validateOnly });
}

function configEntity(at: ClusterCall, owner: Owner, config: ConfigDetails): object {
  const { name, value, source, isReadOnly, isSensitive, synonyms } = config;
  return resource(at, owner.kind, [...owner.path, [owner.collection, name]], {
    ...owner.members,
    name,
    value,
    is_default: source === 'DEFAULT_CONFIG',
    is_read_only: isReadOnly,
    is_sensitive: isSensitive,
    source,
    synonyms: synonyms.map((each) => ({ name: each.name, value: each.value, source: each.source })),
  });
}
