import { OPERATIONS_NOT_ASKED } from '../protocol/index.ts';

/** Kafka's numbers for what can be done to something. */
const Operation = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const;

const { read, write, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite } = Operation;

/** There are no access rules: everyone may do all that can be done, as a bit field with one bit per operation. */
const ALL = {
  topic: bits(read, write, Operation.create, Operation.delete, alter, describe, describeConfigs, alterConfigs),
  group: bits(read, Operation.delete, describe, describeConfigs, alterConfigs),
  cluster: bits(Operation.create, clusterAction, describeConfigs, alterConfigs, idempotentWrite, alter, describe),
};

/** What the client may do, if it asked. */
export function authorizedOperations(on: keyof typeof ALL, isAsked: boolean): number {
  return isAsked ? ALL[on] : OPERATIONS_NOT_ASKED;
}

function bits(...operations: readonly number[]): number {
  return operations.reduce((field, operation) => field | (1 << operation), 0);
}
