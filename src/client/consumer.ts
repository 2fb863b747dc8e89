// A consumer: the fetcher reads, the membership (with a group) says what. `poll` drives both.
import { codeOf, MillraceError } from '../util/index.ts';
import type {
  CommittedOffset,
  Consumer,
  ConsumerSettings,
  FetchedPartition,
  GroupMetadata,
  OffsetToCommit,
  RebalanceListener,
  SubscriptionPattern,
  TopicPartition,
} from './client.ts';
import { BrokerMembership } from './broker-membership.ts';
import { checkConsumerSettings, checkPartitions, checkPollTimeout, checkSeek, checkSubscription } from './checks.ts';
import type { Cluster } from './cluster.ts';
import { BY_POLICY, Fetcher } from './fetcher.ts';
import { Membership } from './membership.ts';
import { commitOffsets, fetchCommitted } from './offsets.ts';

let consumers = 0;

export class KafkaConsumer implements Consumer {
  readonly #cluster: Cluster;
  readonly #settings: ConsumerSettings;
  readonly #fetcher: Fetcher;
  /** Connections of its own: a parked JoinGroup or Fetch must hold up nobody else. */
  readonly #groupPurpose: string;
  #membership: Membership | BrokerMembership | undefined;
  #woken = false;
  #closed = false;

  constructor(cluster: Cluster, settings: ConsumerSettings = {}) {
    checkConsumerSettings(settings);
    const id = consumers++;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#groupPurpose = `group-${id}`;
    this.#fetcher = new Fetcher(cluster, `fetch-${id}`, settings);
  }

  subscribe(topics: readonly string[] | SubscriptionPattern, listener: RebalanceListener = {}): void {
    checkSubscription(topics, this.#settings);
    const { groupId } = this.#settings;
    if (groupId === undefined) throw invalid('subscribe needs a groupId');
    if (this.#membership !== undefined) throw invalid('the consumer is subscribed already');
    const settings = { ...this.#settings, groupId };
    const subscribed = {
      listener,
      assign: (partitions: readonly TopicPartition[]) => this.#startAtCommitted(partitions),
      wake: () => this.#fetcher.wake(),
    };
    this.#membership =
      settings.groupProtocol === 'consumer'
        ? new BrokerMembership(this.#cluster, this.#groupPurpose, settings, { topics, ...subscribed })
        : new Membership(this.#cluster, this.#groupPurpose, settings, {
            topics: topics as readonly string[],
            ...subscribed,
          });
  }

  assign(partitions: readonly (TopicPartition & { readonly offset?: number })[]): void {
    checkPartitions('assign', partitions, 'assign');
    if (this.#membership !== undefined) throw invalid('a subscribed consumer gets its partitions from the group');
    this.#fetcher.assign(
      partitions.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset ?? BY_POLICY })),
    );
  }

  assignment(): readonly TopicPartition[] {
    return this.#fetcher.assignment();
  }

  seek(partition: TopicPartition, offset: number): void {
    checkPartitions('seek', [partition]);
    checkSeek(offset);
    this.#fetcher.seek(partition, offset);
  }

  position(partition: TopicPartition): number {
    checkPartitions('position', [partition]);
    return this.#fetcher.position(partition);
  }

  pause(partitions: readonly TopicPartition[]): void {
    checkPartitions('pause', partitions);
    this.#fetcher.setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    checkPartitions('resume', partitions);
    this.#fetcher.setPaused(partitions, false);
  }

  async poll(timeoutMs: number): Promise<FetchedPartition[]> {
    checkPollTimeout(timeoutMs);
    if (this.#closed) throw new MillraceError('CLIENT_CLOSED', 'the consumer has been closed');
    let timedOut = false;
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => {
      const done = () => {
        timedOut = true;
        resolve();
      };
      if (timeoutMs <= 0) this.#cluster.environment.soon(done);
      else cancel = this.#cluster.environment.after(timeoutMs, done);
    });
    try {
      for (;;) {
        const arrival = this.#fetcher.arrival;
        const round = this.#membership?.advance();
        if (round === undefined || this.#membership!.readsOn) {
          const fetched = this.#fetcher.take();
          this.#fetcher.fetchMore();
          if (fetched.length > 0) return fetched;
        }
        if (timedOut || this.#woken) return [];
        await Promise.race(round === undefined ? [arrival, timeout] : [round, arrival, timeout]);
      }
    } finally {
      this.#woken = false;
      cancel();
    }
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    checkPartitions('commit', offsets, 'commit', ['offset']);
    if (offsets.length === 0) return;
    const { generationId } = this.groupMetadata();
    try {
      await commitOffsets(this.#cluster, this.groupMetadata(), offsets);
    } catch (error) {
      const code = codeOf(error);
      // The member's epoch rose meanwhile: what it still has it commits in the new one.
      if (code === 'STALE_MEMBER_EPOCH' && (await this.rejoined(generationId))) {
        return commitOffsets(this.#cluster, this.groupMetadata(), offsets);
      }
      if (code === 'UNKNOWN_MEMBER_ID' || code === 'ILLEGAL_GENERATION') this.#membership?.lost();
      throw error;
    }
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    checkPartitions('committed', partitions);
    return partitions.length === 0 ? [] : fetchCommitted(this.#cluster, this.groupMetadata().groupId, partitions, true);
  }

  groupMetadata(): GroupMetadata {
    if (this.#membership !== undefined) return this.#membership.metadata;
    const { groupId, groupInstanceId } = this.#settings;
    if (groupId === undefined) throw invalid('offsets are committed to a group: the consumer needs a groupId');
    return { groupId, generationId: -1, memberId: '', groupInstanceId: groupInstanceId ?? null };
  }

  rejoined(generationId: number): Promise<boolean> {
    return this.#membership?.rejoined(generationId) ?? Promise.resolve(false);
  }

  enforceRebalance(): void {
    this.#membership?.enforce();
  }

  wakeup(): void {
    this.#woken = true;
    this.#fetcher.wake();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#membership?.leave();
    } finally {
      await this.#fetcher.close();
      await this.#cluster.release(this.#groupPurpose);
    }
  }

  /** Reads these partitions: those that it reads already from where it is, others from where the group has come. */
  async #startAtCommitted(partitions: readonly TopicPartition[]): Promise<void> {
    const read = new Set(this.#fetcher.assignment().map(nameOf));
    const added = await this.committed(partitions.filter((each) => !read.has(nameOf(each))));
    const offsets = new Map(added.map((each) => [nameOf(each), each.offset]));
    this.#fetcher.assign(
      partitions.map(({ topic, partition }) => {
        const offset = offsets.get(nameOf({ topic, partition })) ?? -1;
        return { topic, partition, offset: offset < 0 ? BY_POLICY : offset };
      }),
    );
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_STATE', why);
}
