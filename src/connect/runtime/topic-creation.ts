// Topics that source connectors write to (KIP-158): made before the first record, by the first group of
// `topic.creation.groups` whose patterns name them, with what the group does not say from the default group, and what that does not
// say as the broker makes topics.
import type { Admin, NewTopic } from '../../client/index.ts';
import { codeOf, JavaPattern } from '../../util/index.ts';
import { type RawConfig, withPrefix } from '../api/config-def.ts';
import { ConfigError, ConnectError } from '../data/errors.ts';

const PREFIX = 'topic.creation.';
const DEFAULT_GROUP = 'default';
const OWN_KEYS = new Set(['include', 'exclude', 'partitions', 'replication.factor']);

interface Group {
  readonly name: string;
  readonly include: readonly JavaPattern[];
  readonly exclude: readonly JavaPattern[];
  readonly settings: Readonly<Record<string, string>>;
}

export class TopicCreation {
  readonly #admin: Admin;
  readonly #groups: readonly Group[];
  readonly #defaults: Readonly<Record<string, string>> | undefined;
  /** Topics that are there. */
  readonly #known = new Set<string>();

  /** Throws `ConfigError` where the groups are not what they must be. */
  constructor(admin: Admin, config: RawConfig) {
    this.#admin = admin;
    const given = withPrefix(PREFIX, config);
    const defaults = withPrefix(`${DEFAULT_GROUP}.`, given);
    const names = (given['groups'] ?? '').split(',').map((name) => name.trim());
    this.#groups = names.filter((name) => name !== '' && name !== DEFAULT_GROUP).map((name) => groupOf(name, given));
    this.#defaults = Object.keys(defaults).length === 0 ? undefined : defaults;
    if (this.#defaults === undefined && this.#groups.length > 0)
      throw new ConfigError(
        `${PREFIX}groups needs ${PREFIX}default.partitions and ${PREFIX}default.replication.factor`,
      );
  }

  /** Resolves when the topic is there; undefined where it is known to be. */
  ensure(topic: string): Promise<void> | undefined {
    return this.#known.has(topic) ? undefined : this.#look(topic);
  }

  async #look(topic: string): Promise<void> {
    const isThere = (await this.#admin.describeTopics([topic])).has(topic);
    if (!isThere) await this.#create(topic);
    this.#known.add(topic);
  }

  async #create(topic: string): Promise<void> {
    const group = this.#groups.find(
      ({ include, exclude }) =>
        include.some((pattern) => pattern.exec(topic) !== undefined) &&
        !exclude.some((pattern) => pattern.exec(topic) !== undefined),
    );
    const settings = { ...this.#defaults, ...group?.settings };
    try {
      await this.#admin.createTopics([newTopic(topic, settings)]);
    } catch (error) {
      if (codeOf(error) === 'TOPIC_ALREADY_EXISTS') return;
      throw new ConnectError(`topic ${topic} cannot be made`, { cause: error });
    }
  }
}

function groupOf(name: string, given: RawConfig): Group {
  const settings = withPrefix(`${name}.`, given);
  const include = patterns(settings['include']);
  if (include.length === 0) throw new ConfigError(`${PREFIX}${name}.include: a group needs patterns of topics`);
  return { name, include, exclude: patterns(settings['exclude']), settings };
}

function patterns(list: string | undefined): JavaPattern[] {
  return (list ?? '')
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
    .map((pattern) => JavaPattern.whole(pattern));
}

function newTopic(name: string, settings: RawConfig): NewTopic {
  const partitions = countOf(settings, 'partitions');
  const replicationFactor = countOf(settings, 'replication.factor');
  const configs = Object.fromEntries(Object.entries(settings).filter(([key]) => !OWN_KEYS.has(key)));
  return {
    name,
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configs,
  };
}

/** Undefined: the broker's default, which is also what -1 says. */
function countOf(settings: RawConfig, key: string): number | undefined {
  const text = settings[key];
  if (text === undefined || text === '-1') return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new ConfigError(`${PREFIX}…${key} must be -1 or a number from 1 on, not ${text}`);
  return Number(text);
}
