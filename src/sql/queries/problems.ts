import { messageOf } from '../../util/index.ts';
import type { ProcessingLog } from '../compile/flow.ts';

/** What goes wrong with single rows, in the log: the first failures are told as they come, a flood by its size. */
export function problemLog(log: (message: string) => void): ProcessingLog {
  let count = 0;
  return ({ queryId, step, error }) => {
    count++;
    if (count <= 10 || (count < 1000 && count % 100 === 0) || count % 10_000 === 0) {
      log(`query ${queryId}, ${step}: ${messageOf(error)} (problem ${count})`);
    }
  };
}
