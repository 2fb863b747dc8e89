// Which failures the next generation of an instance need not meet again.
import { codeOf, MillraceError } from '../../util/index.ts';

/** What the group and the transaction coordinator say when the instance has to take its place anew. */
const REJOINING: readonly (string | undefined)[] = [
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'REBALANCE_IN_PROGRESS',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_PRODUCER_ID',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'INVALID_TXN_STATE',
  'TRANSACTION_ABORTED',
  'TRANSACTION_ABORTABLE',
  'TRANSACTION_COORDINATOR_FENCED',
];

/** What another generation need not meet again: what the protocol calls retriable, lost connections, a lost place. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (error instanceof MillraceError) return error.retriable || REJOINING.includes(code);
  return SYSTEM_ERROR.test(code ?? '');
}

/** Node's codes for what the operating system says. */
const SYSTEM_ERROR = /^E[A-Z]+$/;
