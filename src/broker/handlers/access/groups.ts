// Access to groups and to transactional ids, and to the topics that their members read and write.
import {
  AclOperation,
  AclResourceType,
  addOffsetsToTxn,
  type Api,
  CoordinatorType,
  deleteGroups,
  describeGroups,
  describeTransactions,
  endTxn,
  ErrorCode,
  findCoordinator,
  heartbeat,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listTransactions,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  OPERATIONS_NOT_ASKED,
  type RequestOf,
  respond,
  type ResponseOf,
  syncGroup,
  txnOffsetCommit,
  ZERO_UUID,
} from '../../../protocol/index.ts';
import type { Steps } from '../../../util/index.ts';
import { type Access, accessRule, type AccessRule, ofOne } from './access.ts';

const { READ, WRITE, DELETE, DESCRIBE, IDEMPOTENT_WRITE, CLUSTER_ACTION } = AclOperation;
const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceType;
const NO_GROUP: number = ErrorCode.GROUP_AUTHORIZATION_FAILED;
const NO_TRANSACTION: number = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
const NO_TOPIC: number = ErrorCode.TOPIC_AUTHORIZATION_FAILED;

// ── Members ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who reads in a group asks for this; the answer of those who may not is an error and nothing else. */
function ofReaders<Req extends { readonly groupId: string }, Res extends { readonly errorCode: number }>(
  api: Api<Req, Res>,
  refused: () => Res,
): AccessRule {
  return ofOne(api, READ, { type: GROUP, name: ({ groupId }) => groupId, refused });
}

const members: readonly AccessRule[] = [
  ofReaders(joinGroup, () => respond(joinGroup, { errorCode: NO_GROUP, protocolName: '' })),
  ofReaders(syncGroup, () => respond(syncGroup, { errorCode: NO_GROUP })),
  ofReaders(heartbeat, () => respond(heartbeat, { errorCode: NO_GROUP })),
  ofReaders(leaveGroup, () => respond(leaveGroup, { errorCode: NO_GROUP })),
];

// ── Progress ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface CommittedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

function notCommitted({ name, topicId, partitions }: CommittedTopic, errorCode: number) {
  return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
}

/** An id that nothing has is for the handler to say. */
function mayTopic(access: Access, operation: number, name: string, id: string): boolean {
  const known = id === ZERO_UUID ? name : access.context.core.topics.byId(id)?.name;
  return known === undefined || access.may(operation, TOPIC, known);
}

const toCommit = accessRule(offsetCommit, function* (request, access) {
  if (!access.may(READ, GROUP, request.groupId)) {
    const topics = request.topics.map((topic) => notCommitted(topic, NO_GROUP));
    return { answer: respond(offsetCommit, { topics }) };
  }
  const { allowed, denied } = yield* access.split(request.topics, ({ name, topicId }) =>
    mayTopic(access, READ, name, topicId),
  );
  if (denied.length === 0) return { request };
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...denied.map((topic) => notCommitted(topic, NO_TOPIC))] };
    },
  };
});

type FetchedGroup = ResponseOf<typeof offsetFetch>['groups'][number];
type WantedGroup = Pick<RequestOf<typeof offsetFetch>['groups'][number], 'groupId' | 'topics'>;

const toFetchOffsets = accessRule(offsetFetch, function* (request, access) {
  if (access.context.version >= 8) {
    const { allowed, denied } = yield* access.split(request.groups, ({ groupId }) =>
      access.may(DESCRIBE, GROUP, groupId),
    );
    const split = yield* splitGroups(access, allowed);
    return {
      request: { ...request, groups: split.map(({ group }) => group) },
      *finish(response) {
        const groups = yield* access.each(response.groups, (group) => group);
        const visible: FetchedGroup[] = [];
        for (const [i, group] of groups.entries()) visible.push(yield* withoutHidden(access, group, split[i]!.refused));
        const refused = denied.map(({ groupId }) => ({ groupId, topics: [], errorCode: NO_GROUP }));
        return { ...response, groups: [...visible, ...refused] };
      },
    };
  }
  const { groupId } = request;
  if (!access.may(DESCRIBE, GROUP, groupId)) {
    // The first versions have no place for an error of the group.
    const wanted = access.context.version < 2 ? (request.topics ?? []) : [];
    const topics = wanted.map(({ name, partitionIndexes }) => ({
      name,
      partitions: notFetched(partitionIndexes, NO_GROUP),
    }));
    return { answer: respond(offsetFetch, { errorCode: NO_GROUP, topics }) };
  }
  const named = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  const [only] = yield* splitGroups(access, [{ groupId, topics: named }]);
  return {
    request: { ...request, topics: only!.group.topics },
    *finish(response) {
      const group = {
        groupId,
        errorCode: 0,
        topics: response.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
      };
      return { ...response, topics: (yield* withoutHidden(access, group, only!.refused)).topics };
    },
  };
});

/** What of each group may be asked for, and the answer to the rest. */
function* splitGroups<G extends WantedGroup>(
  access: Access,
  groups: readonly G[],
): Steps<{ readonly group: G; readonly refused: FetchedGroup['topics'] }[]> {
  const split = [];
  for (const group of groups) {
    if (group.topics === null) {
      split.push({ group, refused: [] });
      continue;
    }
    const { allowed, denied } = yield* access.split(group.topics, ({ name, topicId }) =>
      mayTopic(access, DESCRIBE, name, topicId),
    );
    const refused = denied.map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: notFetched(partitionIndexes, NO_TOPIC),
    }));
    split.push({ group: { ...group, topics: allowed }, refused });
  }
  return split;
}

function notFetched(partitions: readonly number[], errorCode: number) {
  return partitions.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  }));
}

/** Of all topics of a group only those that may be seen. */
function* withoutHidden(access: Access, group: FetchedGroup, refused: FetchedGroup['topics']): Steps<FetchedGroup> {
  const isVisible = ({ name, topicId }: { name: string; topicId: string }): boolean => {
    const known = name === '' ? access.context.core.topics.byId(topicId)?.name : name;
    return known === undefined || access.mayQuietly(DESCRIBE, TOPIC, known);
  };
  const topics = yield* access.only(group.topics, isVisible);
  return { ...group, topics: [...topics, ...refused] };
}

const toDeleteOffsets = accessRule(offsetDelete, function* (request, access) {
  if (!access.may(DELETE, GROUP, request.groupId)) {
    return { answer: respond(offsetDelete, { errorCode: NO_GROUP }) };
  }
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(READ, TOPIC, name));
  if (denied.length === 0) return { request };
  const refused = denied.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: NO_TOPIC })),
  }));
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      if (response.errorCode !== ErrorCode.NONE) return response;
      return { ...response, topics: [...response.topics, ...refused] };
    },
  };
});

// ── What there is ─────────────────────────────────────────────────────────────────────────────────────────────────

const toFindCoordinator = accessRule(findCoordinator, function* (request, access) {
  const { keyType, coordinatorKeys, key } = request;
  const errorCode = keyType === CoordinatorType.transaction ? NO_TRANSACTION : NO_GROUP;
  const may = (name: string): boolean => {
    if (keyType === CoordinatorType.group) return access.may(DESCRIBE, GROUP, name);
    if (keyType === CoordinatorType.transaction) return access.may(DESCRIBE, TRANSACTIONAL_ID, name);
    return keyType !== CoordinatorType.share || access.mayCluster(CLUSTER_ACTION);
  };
  const nowhere = { nodeId: -1, host: '', port: -1 };
  const refusal = keyType === CoordinatorType.share ? ErrorCode.CLUSTER_AUTHORIZATION_FAILED : errorCode;
  if (access.context.version < 4) {
    if (may(key)) return { request };
    return { answer: respond(findCoordinator, { ...nowhere, errorCode: refusal }) };
  }
  const { allowed, denied } = yield* access.split(coordinatorKeys, may);
  if (denied.length === 0) return { request };
  const refused = denied.map((each) => ({ key: each, ...nowhere, errorCode: refusal, errorMessage: '' }));
  return {
    request: { ...request, coordinatorKeys: allowed },
    finish(response) {
      return { ...response, coordinators: [...response.coordinators, ...refused] };
    },
  };
});

const toDescribeGroups = accessRule(describeGroups, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groups, (groupId) => access.may(DESCRIBE, GROUP, groupId));
  const { groups: refused } = respond(describeGroups, {
    groups: denied.map((groupId) => ({ groupId, errorCode: NO_GROUP })),
  });
  return {
    request: { ...request, groups: allowed },
    *finish(response) {
      const groups = yield* access.each(response.groups, (group) => ({
        ...group,
        authorizedOperations:
          request.includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
            ? access.operationsOn(GROUP, group.groupId)
            : OPERATIONS_NOT_ASKED,
      }));
      return { ...response, groups: [...groups, ...refused] };
    },
  };
});

const toListGroups = accessRule(listGroups, (request, access) => {
  if (access.mayClusterQuietly(DESCRIBE)) return { request };
  return {
    request,
    *finish(response) {
      const isVisible = ({ groupId }: { groupId: string }): boolean => access.mayQuietly(DESCRIBE, GROUP, groupId);
      return { ...response, groups: yield* access.only(response.groups, isVisible) };
    },
  };
});

const toDeleteGroups = accessRule(deleteGroups, function* (request, access) {
  const { allowed, denied } = yield* access.split(request.groupsNames, (groupId) => access.may(DELETE, GROUP, groupId));
  if (denied.length === 0) return { request };
  return {
    request: { ...request, groupsNames: allowed },
    finish(response) {
      return {
        ...response,
        results: [...response.results, ...denied.map((groupId) => ({ groupId, errorCode: NO_GROUP }))],
      };
    },
  };
});

// ── Transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Whoever may write to some topic may be an idempotent producer. */
const toInitProducer = accessRule(initProducerId, (request, access) => {
  const { transactionalId } = request;
  const refused = (errorCode: number) => ({ answer: respond(initProducerId, { errorCode }) });
  if (transactionalId !== null) {
    return access.may(WRITE, TRANSACTIONAL_ID, transactionalId) ? { request } : refused(NO_TRANSACTION);
  }
  if (access.mayClusterQuietly(IDEMPOTENT_WRITE) || access.mayWithAny(WRITE, TOPIC)) return { request };
  return refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
});

const toAddOffsets = accessRule(addOffsetsToTxn, (request, access) => {
  const refused = (errorCode: number) => ({ answer: respond(addOffsetsToTxn, { errorCode }) });
  if (!access.may(WRITE, TRANSACTIONAL_ID, request.transactionalId)) return refused(NO_TRANSACTION);
  return access.may(READ, GROUP, request.groupId) ? { request } : refused(NO_GROUP);
});

const toCommitInTransaction = accessRule(txnOffsetCommit, function* (request, access) {
  const answerOf = ({ name, partitions }: (typeof request.topics)[number], errorCode: number) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  });
  const refused = (errorCode: number) => ({
    answer: respond(txnOffsetCommit, { topics: request.topics.map((topic) => answerOf(topic, errorCode)) }),
  });
  if (!access.may(WRITE, TRANSACTIONAL_ID, request.transactionalId)) return refused(NO_TRANSACTION);
  if (!access.may(READ, GROUP, request.groupId)) return refused(NO_GROUP);
  const { allowed, denied } = yield* access.split(request.topics, ({ name }) => access.may(READ, TOPIC, name));
  if (denied.length === 0) return { request };
  return {
    request: { ...request, topics: allowed },
    finish(response) {
      return { ...response, topics: [...response.topics, ...denied.map((topic) => answerOf(topic, NO_TOPIC))] };
    },
  };
});

/** Of the topics in a transaction only those that may be seen. */
const toDescribeTransactions = accessRule(describeTransactions, function* (request, access) {
  const may = (id: string): boolean => access.may(DESCRIBE, TRANSACTIONAL_ID, id);
  const { allowed, denied } = yield* access.split(request.transactionalIds, may);
  const { transactionStates: refused } = respond(describeTransactions, {
    transactionStates: denied.map((transactionalId) => ({ transactionalId, errorCode: NO_TRANSACTION })),
  });
  return {
    request: { ...request, transactionalIds: allowed },
    *finish(response) {
      const states = yield* access.each(response.transactionStates, (state) => ({
        ...state,
        topics: state.topics.filter(({ topic }) => access.mayQuietly(DESCRIBE, TOPIC, topic)),
      }));
      return { ...response, transactionStates: [...states, ...refused] };
    },
  };
});

const toListTransactions = accessRule(listTransactions, (request, access) => {
  return {
    request,
    *finish(response) {
      const isVisible = ({ transactionalId: id }: { transactionalId: string }): boolean =>
        access.mayQuietly(DESCRIBE, TRANSACTIONAL_ID, id);
      return { ...response, transactionStates: yield* access.only(response.transactionStates, isVisible) };
    },
  };
});

const toEnd = ofOne(endTxn, WRITE, {
  type: TRANSACTIONAL_ID,
  name: ({ transactionalId }) => transactionalId,
  refused: () => respond(endTxn, { errorCode: NO_TRANSACTION }),
});

export const groupRules: readonly AccessRule[] = [
  toFindCoordinator,
  ...members,
  toCommit,
  toFetchOffsets,
  toDeleteOffsets,
  toDescribeGroups,
  toListGroups,
  toDeleteGroups,
  toInitProducer,
  toAddOffsets,
  toEnd,
  toCommitInTransaction,
  toDescribeTransactions,
  toListTransactions,
];
