import type { BrokerAddress, Dial } from '../protocol/index.ts';
import { type Environment, MillraceError, systemEnvironment } from '../util/index.ts';
import { accessOf } from './access.ts';
import { KafkaAdmin } from './admin.ts';
import type {
  Admin,
  Client,
  Consumer,
  ConsumerSettings,
  GroupMemberSettings,
  GroupMembership,
  GroupParticipant,
  Producer,
  ProducerSettings,
  ShareConsumer,
  ShareConsumerSettings,
} from './client.ts';
import { checkClientOptions } from './checks.ts';
import { Cluster } from './cluster.ts';
import { KafkaConsumer } from './consumer.ts';
import { dialTcp } from './dial.ts';
import { GroupMember } from './group-member.ts';
import type { SaslOptions } from './login.ts';
import { KafkaProducer } from './producer.ts';
import { type ClusterOptions, SECURITY_PROTOCOLS, type SecurityProtocol } from './settings.ts';
import { KafkaShareConsumer } from './share-consumer.ts';

/**
 * How a client finds its cluster, and gets in. Besides these, Kafka's settings of clients about security in camel case:
 * `securityProtocol`, `saslMechanism`, `saslJaasConfig`, `sslTruststoreLocation` and all others of
 * docs/reference/settings.md.
 */
export interface ClientOptions extends ClusterOptions {
  /** Whether brokers are spoken to over TLS: the short form of `securityProtocol`. */
  readonly ssl?: boolean;
  /** Who logs in: the short form of `saslMechanism` and `saslJaasConfig`, and the only one that takes a function. */
  readonly sasl?: SaslOptions;
  /** How connections are made: TCP, unless a broker in this process hands out its own. */
  readonly dial?: Dial;
  /** Where time, chance and ids come from. Default: the system. */
  readonly environment?: Environment;
}

/** A client of a cluster. Nothing is connected before the first request; stores of keys and certificates are read at once. */
export function createClient(options: ClientOptions = {}): Client {
  checkClientOptions(options);
  const { dial, clientId, environment = systemEnvironment } = options;
  const { bootstrap, scheme } = parseBootstrapServers(options.bootstrapServers ?? '127.0.0.1:9092');
  const access = accessOf(options, scheme, environment);
  const cluster = new Cluster({
    dial: dial ?? ((address) => dialTcp(address, { clientId, environment, ...access })),
    bootstrap,
    metadataMaxAgeMs: options.metadataMaxAgeMs,
    environment,
  });
  return new KafkaClient(cluster);
}

class KafkaClient implements Client {
  readonly #cluster: Cluster;
  readonly #open = new Set<Producer | Consumer | ShareConsumer | GroupMembership>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  producer(settings?: ProducerSettings): Producer {
    return this.#keep(new KafkaProducer(this.#cluster, settings));
  }

  consumer(settings?: ConsumerSettings): Consumer {
    return this.#keep(new KafkaConsumer(this.#cluster, settings));
  }

  shareConsumer(settings: ShareConsumerSettings): ShareConsumer {
    return this.#keep(new KafkaShareConsumer(this.#cluster, settings));
  }

  groupMember(settings: GroupMemberSettings, participant: GroupParticipant): GroupMembership {
    return this.#keep(new GroupMember(this.#cluster, settings, participant));
  }

  admin(): Admin {
    return new KafkaAdmin(this.#cluster);
  }

  async close(): Promise<void> {
    const results = await Promise.allSettled([...this.#open].map((part) => part.close()));
    await this.#cluster.close();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Remembers a part until it is closed, so that closing the client leaves nothing behind. */
  #keep<T extends Producer | Consumer | ShareConsumer | GroupMembership>(part: T): T {
    this.#open.add(part);
    const close = part.close.bind(part);
    part.close = async (options?: { readonly timeoutMs?: number }) => {
      this.#open.delete(part);
      await close(options);
    };
    return part;
  }
}

/** The addresses, and the security protocol that stands before them where one does. */
function parseBootstrapServers(text: string): {
  readonly bootstrap: BrokerAddress[];
  readonly scheme: SecurityProtocol | undefined;
} {
  const schemes = new Set<SecurityProtocol>();
  const bootstrap = text.split(',').map((entry) => {
    const match = /^(?:([A-Z_]+):\/\/)?(\[[0-9a-fA-F:]+\]|[^\s:]+):(\d{1,5})$/.exec(entry.trim());
    if (match === null || Number(match[3]) > 65535) {
      throw new MillraceError('INVALID_CONFIG', `bootstrap.servers: "${entry.trim()}" is not host:port`);
    }
    // Others are names of listeners, which say nothing of how they are spoken to.
    const scheme = SECURITY_PROTOCOLS.find((protocol) => protocol === match[1]);
    if (scheme !== undefined) schemes.add(scheme);
    return { host: match[2]!.replace(/^\[|\]$/g, ''), port: Number(match[3]) };
  });
  if (schemes.size > 1) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `bootstrap.servers: all must be of one kind, not of ${[...schemes].join(' and ')}`,
    );
  }
  return { bootstrap, scheme: [...schemes][0] };
}
