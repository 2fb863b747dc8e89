import { int32, string } from '../schema.ts';

/** Who leads a partition, told along with the errors that say the client asked the wrong broker. */
export const currentLeader = {
  leaderId: int32().default(-1),
  leaderEpoch: int32().default(-1),
};

export const nodeEndpoints = {
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: string().nullable(),
};

/** In place of a bit field of authorized operations: the client did not ask. */
export const OPERATIONS_NOT_ASKED = -2147483648;
