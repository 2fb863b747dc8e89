// Producer ids and transactions, from their beginning to what administrators see of them.
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  fetch,
  initProducerId,
  listOffsets,
  listTransactions,
  produce,
  RecordBatchBuilder,
  txnOffsetCommit,
  writeTxnMarkers,
} from '../../../src/protocol/index.ts';
import type { Scenario, Session } from '../scenario.ts';

/** Older ones would begin new segments. */
const NOW = Date.now() - 60_000;

/** Groups and transactional ids. */
const IDS = ['limits', 'x', 'known', 'first-0', 'first-1', 'first-2', 'first-3', 'second', 'nobody', 'g', 'g2', ''];

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

function batch({ producerId, producerEpoch }: Producer, baseSequence: number): Buffer {
  const builder = new RecordBatchBuilder(256);
  builder.append(null, Buffer.from('in a transaction'), NOW);
  return builder.finish({ producerId, producerEpoch, baseSequence, transactional: true });
}

/** A producer of the id. What its coordinator is still busy with ends before. */
async function begun(session: Session, transactionalId: string, version = 5): Promise<Producer> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await session.unnoted(initProducerId, { transactionalId, transactionTimeoutMs: 60_000 }, version);
    if (answer?.errorCode === 0) return answer;
  }
  return { producerId: -1, producerEpoch: -1 };
}

/** Waits until all that is in a partition is decided, as a reader sees it. */
async function decided(session: Session, name: string): Promise<void> {
  const end = async (isolationLevel: number): Promise<number> => {
    const asked = { isolationLevel, topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }] };
    return (await session.unnoted(listOffsets, asked))!.topics[0]!.partitions[0]!.offset;
  };
  for (let tries = 0; tries < 500 && (await end(0)) !== (await end(1)); tries++);
}

/** How a transaction stands once it is ended: markers take a moment. */
async function settled(session: Session, transactionalId: string): Promise<void> {
  for (let tries = 0; tries < 5000; tries++) {
    const answer = await session.unnoted(describeTransactions, { transactionalIds: [transactionalId] });
    if (!answer?.transactionStates[0]?.transactionState.startsWith('Prepare')) return;
  }
}

/** What is decided in a partition. */
function read(session: Session, topicId: string) {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 }];
  return session.ask(fetch, { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics: [{ topicId, partitions }] });
}

/** A transaction whose partitions and groups are announced, as before KIP-890. */
async function announced(session: Session, topicId: string, version: number): Promise<void> {
  const transactionalId = `first-${version}`;
  const producer = await begun(session, transactionalId, version);
  const { producerId, producerEpoch } = producer;
  const adding = (partitions: number[], more: object = {}, name = 'written') =>
    session.ask(
      addPartitionsToTxn,
      {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name, partitions }],
        ...more,
      },
      version,
    );
  const ending = (committed: boolean, more: object = {}) =>
    session.ask(endTxn, { transactionalId, producerId, producerEpoch, committed, ...more }, version);
  await ending(true);
  await adding([9]);
  await adding([0, 9]);
  await adding([0], {}, 'nowhere');
  await adding([0], { v3AndBelowTransactionalId: 'nobody' });
  await adding([0], { v3AndBelowProducerId: producerId + 1 });
  await adding([0], { v3AndBelowProducerEpoch: producerEpoch + 1 });
  await adding([0]);
  await adding([0]);
  await session.ask(
    produce,
    {
      acks: -1,
      transactionalId,
      topicData: [{ name: 'written', partitionData: [{ index: 0, records: batch(producer, 0) }] }],
    },
    9,
  );
  await session.ask(
    produce,
    {
      acks: -1,
      transactionalId,
      topicData: [{ name: 'written', partitionData: [{ index: 1, records: batch(producer, 0) }] }],
    },
    9,
  );
  await session.ask(addOffsetsToTxn, { transactionalId, producerId, producerEpoch, groupId: 'g' }, version);
  await session.ask(
    addOffsetsToTxn,
    { transactionalId, producerId, producerEpoch: producerEpoch + 1, groupId: 'g' },
    version,
  );
  await session.ask(addOffsetsToTxn, { transactionalId: 'nobody', producerId, producerEpoch, groupId: 'g' }, version);
  const offsets = [
    { name: 'written', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'm' }] },
  ];
  await session.ask(
    txnOffsetCommit,
    { transactionalId, groupId: 'g', producerId, producerEpoch, topics: offsets },
    version,
  );
  await session.ask(describeTransactions, { transactionalIds: [transactionalId] });
  await session.ask(listTransactions, { stateFilters: ['Ongoing'] });
  await session.ask(describeProducers, { topics: [{ name: 'written', partitionIndexes: [0] }] });
  await read(session, topicId);
  await ending(true, { producerEpoch: producerEpoch + 1 });
  await ending(version % 2 === 0);
  await settled(session, transactionalId);
  await decided(session, 'written');
  await ending(version % 2 === 0);
  await ending(version % 2 !== 0);
  await session.ask(describeTransactions, { transactionalIds: [transactionalId] });
  await read(session, topicId);
}

export const transactions: readonly Scenario[] = [
  {
    name: 'transactions: producer ids',
    async run(session) {
      await session.coordinated(...IDS);
      for (let tries = 0; tries < 500; tries++) {
        const answer = await session.unnoted(initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 });
        if (answer?.errorCode === 0) break;
      }
      await session.every(initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 });
      for (const transactionTimeoutMs of [0, -1, 900_001, 900_000]) {
        await session.ask(initProducerId, { transactionalId: 'limits', transactionTimeoutMs });
      }
      await session.ask(initProducerId, { transactionalId: '', transactionTimeoutMs: 60_000 });
      await session.ask(initProducerId, {
        transactionalId: 'x',
        transactionTimeoutMs: 60_000,
        producerId: 5,
        producerEpoch: -1,
      });
      await session.ask(initProducerId, {
        transactionalId: 'x',
        transactionTimeoutMs: 60_000,
        producerId: -1,
        producerEpoch: 5,
      });
      await session.ask(initProducerId, {
        transactionalId: 'x',
        transactionTimeoutMs: 60_000,
        producerId: 5,
        producerEpoch: 5,
      });
      await session.ask(initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerId: 5,
        producerEpoch: 5,
      });
      const first = await begun(session, 'known');
      await session.ask(initProducerId, { transactionalId: 'known', transactionTimeoutMs: 60_000, ...first });
      await session.ask(initProducerId, {
        transactionalId: 'known',
        transactionTimeoutMs: 60_000,
        producerId: first.producerId,
        producerEpoch: 99,
      });
      for (const version of [3, 4]) {
        await session.ask(
          initProducerId,
          {
            transactionalId: 'known',
            transactionTimeoutMs: 60_000,
            producerId: first.producerId + 1,
            producerEpoch: 0,
          },
          version,
        );
      }
    },
  },
  {
    name: 'transactions: of the first version',
    async run(session) {
      await session.coordinated(...IDS);
      const topicId = await session.topic('written');
      for (let version = 0; version <= 3; version++) await announced(session, topicId, version);
    },
  },
  {
    name: 'transactions: of the second version',
    async run(session) {
      await session.coordinated(...IDS);
      const topicId = await session.topic('written2');
      const transactionalId = 'second';
      let producer = await begun(session, transactionalId);
      const write = (who: Producer, sequence: number, index = 0) =>
        session.ask(produce, {
          acks: -1,
          transactionalId,
          topicData: [{ topicId, partitionData: [{ index, records: batch(who, sequence) }] }],
        });
      const ending = (committed: boolean, who: Producer) => session.ask(endTxn, { transactionalId, ...who, committed });
      await ending(true, producer);
      await write(producer, 0);
      await write(producer, 1);
      await write(producer, 0, 1);
      await session.ask(describeTransactions, { transactionalIds: [transactionalId] });
      const offsets = [
        { name: 'written2', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'm' }] },
      ];
      await session.ask(txnOffsetCommit, { transactionalId, groupId: 'g2', ...producer, topics: offsets });
      const ended = await ending(true, producer);
      await settled(session, transactionalId);
      await ending(true, producer);
      await ending(false, producer);
      producer = ended!;
      await write(producer, 0);
      await ending(false, producer);
      await settled(session, transactionalId);
      await decided(session, 'written2');
      await write(producer, 1);
      await read(session, topicId);
      await session.ask(describeTransactions, { transactionalIds: [transactionalId, 'nobody', ''] });
      for (const stateFilters of [[], ['CompleteCommit'], ['Nonsense']])
        await session.ask(listTransactions, { stateFilters });
      await session.ask(listTransactions, { durationFilter: 1_000_000 });
      await session.ask(listTransactions, { transactionalIdPattern: 'sec.*' });
      await session.ask(listTransactions, { transactionalIdPattern: '[' });
      for (const name of ['written2', 'nowhere'])
        await session.ask(describeProducers, { topics: [{ name, partitionIndexes: [0, 1, 9] }] });
    },
  },
  {
    name: 'transactions: markers',
    async run(session) {
      await session.topic('marked');
      const mark = (producerEpoch: number, coordinatorEpoch: number, more: object = {}, version = 2) =>
        session.ask(
          writeTxnMarkers,
          {
            markers: [
              {
                producerId: 770,
                producerEpoch,
                transactionResult: false,
                topics: [{ name: 'marked', partitionIndexes: [0, 9] }],
                coordinatorEpoch,
                ...more,
              },
            ],
          },
          version,
        );
      await mark(1, 0, {}, 1);
      await mark(0, 0);
      await mark(1, 0, { transactionVersion: 2 });
      await mark(2, -1);
      await mark(2, 0, { transactionResult: true });
      await mark(2, 0, { topics: [{ name: 'nowhere', partitionIndexes: [0] }] });
    },
  },
];
