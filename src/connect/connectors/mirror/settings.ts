// The settings of mirroring, under MirrorMaker 2's names, and the clusters that they name.
import {
  type Client,
  createClient,
  type SecurityOptions,
  securityOptionsOf,
  securitySettings,
} from '../../../client/index.ts';
import { type Environment, JavaPattern, messageOf } from '../../../util/index.ts';
import {
  atLeast,
  type ConfigDef,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmpty,
  oneOfTexts,
  Password,
} from '../../api/index.ts';

const CLUSTERS = 'Clusters';
const DEFAULT_POLICY = 'org.apache.kafka.connect.mirror.DefaultReplicationPolicy';
const IDENTITY_POLICY = 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy';

export const mirrorConfig = defineConfig({
  'source.cluster.alias': {
    type: 'STRING',
    default: 'source',
    importance: 'HIGH',
    doc: 'What the cluster is called that is read.',
    group: CLUSTERS,
    validator: nonEmpty,
  },
  'target.cluster.alias': {
    type: 'STRING',
    default: 'target',
    importance: 'HIGH',
    doc: 'What the cluster is called that is written to.',
    group: CLUSTERS,
    validator: nonEmpty,
  },
  'source.cluster.bootstrap.servers': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Brokers of the cluster that is read.',
    group: CLUSTERS,
    validator: nonEmpty,
  },
  'target.cluster.bootstrap.servers': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Brokers of the cluster that is written to: the one that the worker is on.',
    group: CLUSTERS,
    validator: nonEmpty,
  },
  'replication.policy.class': {
    type: 'STRING',
    default: DEFAULT_POLICY,
    importance: 'LOW',
    doc: 'How topics are called there: with the alias before them, or the same (IdentityReplicationPolicy).',
    group: CLUSTERS,
    validator: oneOfTexts(DEFAULT_POLICY, IDENTITY_POLICY),
  },
  'replication.policy.separator': {
    type: 'STRING',
    default: '.',
    importance: 'LOW',
    doc: 'What stands between alias and topic.',
    group: CLUSTERS,
  },
  enabled: { type: 'BOOLEAN', default: true, importance: 'LOW', doc: 'Whether anything is done.', group: CLUSTERS },
  'offset-syncs.topic.location': {
    type: 'STRING',
    default: 'source',
    importance: 'LOW',
    doc: 'Which cluster has the topic that says which offset became which: source or target.',
    group: CLUSTERS,
    validator: oneOfTexts('source', 'target'),
  },
  'offset-syncs.topic.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    doc: 'Of that topic; fewer, where there are fewer brokers.',
    group: CLUSTERS,
    validator: atLeast(1),
  },
});
/** How a cluster is got in to, under the names of Kafka's clients with `source.cluster.` or `target.cluster.` before them. */
export const mirrorAccess: ConfigDef = Object.fromEntries(
  (['source.cluster.', 'target.cluster.'] as const).flatMap((prefix) =>
    Object.entries(securitySettings).map(([name, { doc, isSecret }]) => [
      `${prefix}${name}`,
      { type: isSecret === true ? 'PASSWORD' : 'STRING', default: null, importance: 'MEDIUM', doc, group: 'Security' },
    ]),
  ),
);

function accessTo(config: MirrorConfig, prefix: 'source.cluster.' | 'target.cluster.'): SecurityOptions {
  const values: Readonly<Record<string, unknown>> = config;
  const given = Object.keys(securitySettings).flatMap((name) => {
    const value = values[`${prefix}${name}`];
    if (value === null || value === undefined) return [];
    return [[name, value instanceof Password ? value.reveal() : String(value)]] as const;
  });
  return securityOptionsOf(Object.fromEntries(given), prefix);
}

export type MirrorConfig = ConfigOf<typeof mirrorConfig>;

/** A list of patterns, each for whole names. */
export class Patterns {
  readonly #include: readonly JavaPattern[];
  readonly #exclude: readonly JavaPattern[];

  constructor(include: readonly string[], exclude: readonly string[]) {
    this.#include = include.map((pattern) => JavaPattern.whole(pattern));
    this.#exclude = exclude.map((pattern) => JavaPattern.whole(pattern));
  }

  has(name: string): boolean {
    return (
      this.#include.some((pattern) => pattern.exec(name) !== undefined) &&
      !this.#exclude.some((pattern) => pattern.exec(name) !== undefined)
    );
  }
}

/** How topics are called on the other side. */
export class ReplicationPolicy {
  readonly #source: string;
  readonly #separator: string;
  readonly #isIdentity: boolean;

  constructor(config: MirrorConfig) {
    this.#source = config['source.cluster.alias'];
    this.#separator = config['replication.policy.separator'];
    this.#isIdentity = config['replication.policy.class'] === IDENTITY_POLICY;
  }

  remoteTopic(topic: string): string {
    return this.#isIdentity ? topic : `${this.#source}${this.#separator}${topic}`;
  }

  /** Whether a topic of the source came from the target: mirroring it would go round for ever. */
  isCycle(topic: string, target: string): boolean {
    return !this.#isIdentity && topic.split(this.#separator)[0] === target && topic.includes(this.#separator);
  }

  /** Whether it is a topic of the clusters' own. */
  isInternal(topic: string): boolean {
    const isOfMirroring = topic.startsWith('mm2') && topic.endsWith(`${this.#separator}internal`);
    const isCheckpoints = topic.endsWith(`${this.#separator}checkpoints${this.#separator}internal`);
    return (
      topic.startsWith('__') || topic.startsWith('.') || topic.endsWith('-internal') || isOfMirroring || isCheckpoints
    );
  }

  offsetSyncsTopic(other: string): string {
    return `mm2-offset-syncs${this.#separator}${other}${this.#separator}internal`;
  }

  checkpointsTopic(): string {
    return `${this.#source}${this.#separator}checkpoints${this.#separator}internal`;
  }
}

/** Clients of both clusters; whoever makes them closes them. */
export interface Clusters {
  readonly source: Client;
  readonly target: Client;
  close(): Promise<void>;
}

export function clustersOf(config: MirrorConfig, environment: Environment): Clusters {
  const source = createClient({
    bootstrapServers: config['source.cluster.bootstrap.servers'],
    ...accessTo(config, 'source.cluster.'),
    clientId: 'mirror',
    environment,
  });
  const target = createClient({
    bootstrapServers: config['target.cluster.bootstrap.servers'],
    ...accessTo(config, 'target.cluster.'),
    clientId: 'mirror',
    environment,
  });
  return { source, target, close: async () => void (await Promise.all([source.close(), target.close()])) };
}

/** Where the topic of offset syncs is. */
export function syncsPlace(
  config: MirrorConfig,
  { source, target }: Clusters,
): { readonly client: Client; readonly topic: string } {
  const policy = new ReplicationPolicy(config);
  return config['offset-syncs.topic.location'] === 'source'
    ? { client: source, topic: policy.offsetSyncsTopic(config['target.cluster.alias']) }
    : { client: target, topic: policy.offsetSyncsTopic(config['source.cluster.alias']) };
}

/** What a client would refuse, which connects to nothing when it is made. */
function accessProblems(config: MirrorConfig, prefix: 'source.cluster.' | 'target.cluster.'): ConfigProblem[] {
  try {
    void createClient(accessTo(config, prefix)).close();
    return [];
  } catch (error) {
    return [{ name: `${prefix}security.protocol`, message: messageOf(error) }];
  }
}

/** What is wrong between settings. */
export function mirrorProblems(config: MirrorConfig): ConfigProblem[] {
  const problems = (['source.cluster.', 'target.cluster.'] as const).flatMap((prefix) =>
    accessProblems(config, prefix),
  );
  if (config['source.cluster.alias'] === config['target.cluster.alias']) {
    problems.push({
      name: 'target.cluster.alias',
      message: 'source.cluster.alias and target.cluster.alias must differ: topics are called by them',
    });
  }
  return problems;
}
