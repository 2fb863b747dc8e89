// A member of a share group (KIP-932): heartbeats go on by themselves, in the broker's rhythm, and bring what the member reads. Nobody
// has to give anything up first, so that what comes counts at once.
import {
  create,
  ErrorCode,
  errorFor,
  isRetriable,
  MemberEpoch,
  type ResponseOf,
  shareGroupHeartbeat,
} from '../protocol/index.ts';
import { deferred, randomUuid } from '../util/index.ts';
import type { TopicPartition } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';

const METADATA_TIMEOUT_MS = 60_000;
/** Until the broker has said how often. */
const FIRST_RHYTHM_MS = 1000;

type Answer = ResponseOf<typeof shareGroupHeartbeat>;

export interface SharedPartition extends TopicPartition {
  readonly topicId: string;
}

export class ShareMembership {
  readonly memberId: string;
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #groupId: string;
  readonly #topics: readonly string[];
  #epoch: number = MemberEpoch.join;
  #isLeft = false;
  #assigned: readonly SharedPartition[] = [];
  /** Of topics whose names are not known yet, too. */
  #target: NonNullable<Answer['assignment']>['topicPartitions'] = [];
  #rhythmMs = FIRST_RHYTHM_MS;
  #failure: unknown;
  #stopBeats = () => {};
  #beating: Promise<void> | undefined;
  #changed = deferred();

  constructor(cluster: Cluster, purpose: Purpose, groupId: string, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#purpose = purpose;
    this.#groupId = groupId;
    this.#topics = topics;
    this.memberId = randomUuid(cluster.environment);
    this.#beat();
  }

  /** What it reads now. Throws what the group has refused: the next heartbeat tries again. */
  assigned(): readonly SharedPartition[] {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return this.#assigned;
  }

  /** Resolves when it may be that it reads something else, or that it was refused. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async leave(): Promise<void> {
    this.#isLeft = true;
    this.#stopBeats();
    await this.#beating;
    this.#stopBeats();
    if (this.#epoch === MemberEpoch.join) return;
    try {
      const transport = await this.#cluster.coordinator('group', this.#groupId, this.#purpose);
      const goodbye = { groupId: this.#groupId, memberId: this.memberId, memberEpoch: MemberEpoch.leave };
      await transport.request(shareGroupHeartbeat, create(shareGroupHeartbeat, goodbye));
    } catch {
      // The session will end without it.
    }
  }

  #beat(): void {
    this.#beating = this.#ask().finally(() => {
      this.#beating = undefined;
      if (this.#isLeft) return;
      this.#stopBeats = this.#cluster.environment.after(this.#rhythmMs, () => this.#beat());
    });
  }

  async #ask(): Promise<void> {
    const isJoining = this.#epoch === MemberEpoch.join;
    try {
      const transport = await this.#cluster.coordinator('group', this.#groupId, this.#purpose);
      const answer = await transport.request(
        shareGroupHeartbeat,
        create(shareGroupHeartbeat, {
          groupId: this.#groupId,
          memberId: this.memberId,
          memberEpoch: this.#epoch,
          subscribedTopicNames: isJoining ? this.#topics : null,
        }),
      );
      await this.#heard(answer);
    } catch {
      // The connection is gone, or metadata don't come; the next beat finds the coordinator again.
      this.#cluster.forgetCoordinator('group', this.#groupId);
    }
  }

  async #heard({ errorCode, errorMessage, memberEpoch, heartbeatIntervalMs, assignment }: Answer): Promise<void> {
    switch (errorCode) {
      case ErrorCode.NONE:
        this.#epoch = memberEpoch;
        this.#rhythmMs = heartbeatIntervalMs;
        if (assignment !== null) this.#target = assignment.topicPartitions;
        return this.#takeOver();
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.GROUP_ID_NOT_FOUND:
        if (this.#epoch !== MemberEpoch.join) {
          this.#epoch = MemberEpoch.join;
          this.#rhythmMs = 0;
          return;
        }
    }
    if (isRetriable(errorCode)) return this.#cluster.forgetCoordinator('group', this.#groupId);
    this.#rhythmMs = FIRST_RHYTHM_MS;
    this.#failure = errorFor(errorCode, `share group ${this.#groupId}`, errorMessage);
    this.#tell();
  }

  async #takeOver(): Promise<void> {
    const known = new Set(this.#assigned.map(({ topicId, partition }) => `${topicId}-${partition}`));
    const listed = this.#target.flatMap(({ topicId, partitions }) => partitions.map((each) => `${topicId}-${each}`));
    if (listed.length === known.size && listed.every((each) => known.has(each))) return;
    const found = await this.#cluster.retrying(METADATA_TIMEOUT_MS, () => this.#cluster.refresh(this.#topics));
    const names = new Map(found.map(({ topicId, name }) => [topicId, name]));
    this.#assigned = this.#target.flatMap(({ topicId, partitions }) => {
      const topic = names.get(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, topicId, partition }));
    });
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = deferred();
    resolve();
  }
}
