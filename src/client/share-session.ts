// What a member of a share group has with one broker: a session in which it fetches and acknowledges, one request after the other.
import {
  AcknowledgeType,
  create,
  ErrorCode,
  errorFor,
  type RequestOf,
  type ResponseOf,
  shareAcknowledge,
  ShareAcquireMode,
  shareFetch,
} from '../protocol/index.ts';
import { MillraceError } from '../util/index.ts';
import type { ShareCommit, TopicPartition } from './client.ts';
import type { Cluster, Purpose } from './cluster.ts';
import type { SharedPartition } from './share-membership.ts';

const OPEN = 0;
const CLOSE = -1;
const LAST_EPOCH = 0x7fffffff;

export interface ShareFetchLimits {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
  readonly isExact: boolean;
}

export type SharedAnswer = ResponseOf<typeof shareFetch>['responses'][number]['partitions'][number];
type Batches = RequestOf<typeof shareAcknowledge>['topics'][number]['partitions'][number]['acknowledgementBatches'];

/** What is to be said of records of a partition, by offset. */
export interface Acknowledgements {
  readonly partition: SharedPartition;
  readonly types: Map<number, number>;
}

export class ShareSession {
  readonly nodeId: number;
  readonly #cluster: Cluster;
  readonly #purpose: Purpose;
  readonly #groupId: string;
  readonly #memberId: string;
  readonly #told: (commits: readonly ShareCommit[]) => void;
  #epoch = OPEN;
  /** What the broker knows that the member reads. */
  #followed = new Map<string, SharedPartition>();
  #pending = new Map<string, Acknowledgements>();
  /** The request that is under way. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    nodeId: number,
    member: {
      readonly cluster: Cluster;
      readonly purpose: Purpose;
      readonly groupId: string;
      readonly memberId: string;
    },
    told: (commits: readonly ShareCommit[]) => void,
  ) {
    this.nodeId = nodeId;
    this.#cluster = member.cluster;
    this.#purpose = member.purpose;
    this.#groupId = member.groupId;
    this.#memberId = member.memberId;
    this.#told = told;
  }

  /** Takes note of what has become of a record; it is said with the next request. */
  acknowledge(partition: SharedPartition, offset: number, type: number): void {
    const key = nameOf(partition);
    const entry = this.#pending.get(key) ?? { partition, types: new Map<number, number>() };
    entry.types.set(offset, type);
    this.#pending.set(key, entry);
  }

  /** Fetches from these partitions; what was acknowledged goes along. Resolves with partitions that have something to say. */
  fetch(
    wanted: readonly SharedPartition[],
    limits: ShareFetchLimits,
  ): Promise<{ readonly lockMs: number; readonly answers: [SharedPartition, SharedAnswer][] }> {
    return this.#inTurn(async () => {
      // Renewals go by themselves, and in a new session there is nothing to be acknowledged yet.
      if (this.#renews || this.#epoch === OPEN) await this.#sendPending();
      const acknowledgements = this.#takePending();
      try {
        const transport = await this.#cluster.node(this.nodeId, this.#purpose);
        const request = this.#fetchRequest(wanted, limits, acknowledgements);
        const response = await transport.request(shareFetch, request);
        if (response.errorCode !== ErrorCode.NONE)
          throw errorFor(response.errorCode, 'ShareFetch', response.errorMessage);
        this.#counted(wanted);
        const answers = response.responses.flatMap(({ topicId, partitions }) =>
          partitions.flatMap((answer): [SharedPartition, SharedAnswer][] => {
            const partition = wanted.find(
              (each) => each.topicId === topicId && each.partition === answer.partitionIndex,
            );
            return partition === undefined ? [] : [[partition, answer]];
          }),
        );
        const errors = new Map(
          response.responses.flatMap(({ topicId, partitions }) =>
            partitions.map((each) => [
              `${topicId}-${each.partitionIndex}`,
              { errorCode: each.acknowledgeErrorCode, errorMessage: each.acknowledgeErrorMessage },
            ]),
          ),
        );
        this.#tell(acknowledgements, errors);
        return { lockMs: response.acquisitionLockTimeoutMs, answers };
      } catch (error) {
        this.#lost(acknowledgements, error);
        throw error;
      }
    });
  }

  /** Says what was acknowledged so far; resolves when the broker has stored it. */
  commit(): Promise<void> {
    return this.#inTurn(() => this.#sendPending());
  }

  /** Says what was acknowledged, and gives back everything else. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#sendPending(true));
  }

  get #renews(): boolean {
    return [...this.#pending.values()].some(({ types }) => [...types.values()].includes(AcknowledgeType.renew));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #takePending(): Acknowledgements[] {
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    return pending;
  }

  async #sendPending(isLast = false): Promise<void> {
    const isRenewAck = this.#renews;
    const pending = this.#takePending();
    if (this.#epoch === OPEN) {
      const gone = new MillraceError('SHARE_SESSION_NOT_FOUND', 'The broker has given these records to others.');
      return this.#lost(pending, gone);
    }
    if (pending.length === 0 && !isLast) return;
    try {
      const transport = await this.#cluster.node(this.nodeId, this.#purpose);
      const isRenewalKnown = (transport.versionOf(shareAcknowledge) ?? 0) >= 2;
      const response = await transport.request(
        shareAcknowledge,
        create(shareAcknowledge, {
          groupId: this.#groupId,
          memberId: this.#memberId,
          shareSessionEpoch: isLast ? CLOSE : this.#epoch,
          isRenewAck: isRenewAck && isRenewalKnown,
          topics: topicsOf(pending),
        }),
      );
      if (response.errorCode !== ErrorCode.NONE) {
        throw errorFor(response.errorCode, 'ShareAcknowledge', response.errorMessage);
      }
      this.#counted(undefined);
      const errors = new Map(
        response.responses.flatMap(({ topicId, partitions }) =>
          partitions.map((each) => [`${topicId}-${each.partitionIndex}`, each]),
        ),
      );
      this.#tell(pending, errors);
    } catch (error) {
      this.#lost(pending, error);
      if (pending.length === 0 && !isLast) throw error;
    }
  }

  #fetchRequest(
    wanted: readonly SharedPartition[],
    { maxWaitMs, maxBytes, maxRecords, isExact }: ShareFetchLimits,
    acknowledgements: readonly Acknowledgements[],
  ): RequestOf<typeof shareFetch> {
    const acknowledged = new Set(acknowledgements.map(({ partition }) => nameOf(partition)));
    const isKnown = (each: SharedPartition): boolean =>
      this.#followed.has(nameOf(each)) || acknowledged.has(nameOf(each));
    const added = wanted.filter((each) => !isKnown(each)).map((partition) => ({ partition, types: new Map() }));
    const names = new Set(wanted.map(nameOf));
    const forgotten = [...this.#followed.values()].filter((each) => !names.has(nameOf(each)));
    return create(shareFetch, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      shareSessionEpoch: this.#epoch,
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      maxRecords,
      batchSize: maxRecords,
      shareAcquireMode: isExact ? ShareAcquireMode.recordLimit : ShareAcquireMode.batchOptimized,
      topics: topicsOf([...acknowledgements, ...added]),
      forgottenTopicsData: [...Map.groupBy(forgotten, ({ topicId }) => topicId)].map(([topicId, parts]) => ({
        topicId,
        partitions: parts.map(({ partition }) => partition),
      })),
    });
  }

  #counted(wanted: readonly SharedPartition[] | undefined): void {
    this.#epoch = this.#epoch === LAST_EPOCH ? 1 : this.#epoch + 1;
    if (wanted !== undefined) this.#followed = new Map(wanted.map((each) => [nameOf(each), each]));
  }

  /** The session is another one from here on: what was to be acknowledged in it can't be any more. */
  #lost(acknowledgements: readonly Acknowledgements[], error: unknown): void {
    this.#epoch = OPEN;
    this.#followed = new Map();
    if (acknowledgements.length > 0)
      this.#told(acknowledgements.map(({ partition }) => ({ ...plain(partition), error })));
  }

  #tell(
    acknowledgements: readonly Acknowledgements[],
    errors: ReadonlyMap<string, { readonly errorCode: number; readonly errorMessage: string | null }>,
  ): void {
    if (acknowledgements.length === 0) return;
    const commits = acknowledgements.map(({ partition }): ShareCommit => {
      const { errorCode = ErrorCode.NONE, errorMessage = null } = errors.get(nameOf(partition)) ?? {};
      if (errorCode === ErrorCode.NONE) return plain(partition);
      const what = `acknowledging records of ${partition.topic}-${partition.partition}`;
      return { ...plain(partition), error: errorFor(errorCode, what, errorMessage) };
    });
    this.#told(commits);
  }
}

function plain({ topic, partition }: SharedPartition): TopicPartition {
  return { topic, partition };
}

function nameOf({ topicId, partition }: SharedPartition): string {
  return `${topicId}-${partition}`;
}

function topicsOf(entries: readonly Acknowledgements[]) {
  return [...Map.groupBy(entries, ({ partition }) => partition.topicId)].map(([topicId, parts]) => ({
    topicId,
    partitions: parts.map(({ partition, types }) => ({
      partitionIndex: partition.partition,
      acknowledgementBatches: batchesOf(types),
    })),
  }));
}

/** Neighbours of the same type together. */
function batchesOf(types: ReadonlyMap<number, number>): Batches {
  const batches: { firstOffset: number; lastOffset: number; acknowledgeTypes: number[] }[] = [];
  for (const [offset, type] of [...types].sort(([a], [b]) => a - b)) {
    const last = batches.at(-1);
    if (last !== undefined && last.lastOffset === offset - 1 && last.acknowledgeTypes[0] === type)
      last.lastOffset = offset;
    else batches.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] });
  }
  return batches;
}
