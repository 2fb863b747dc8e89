import { ErrorCode, ZERO_UUID } from '../../protocol/index.ts';
import type { Core } from '../core.ts';
import type { Topic } from '../topics.ts';

/** A topic by its id where the request has one, else by its name; or the error for one that is not there. */
export function findTopic(
  core: Core,
  name: string,
  id: string,
): { readonly topic: Topic } | { readonly topic: undefined; readonly errorCode: number } {
  if (id === ZERO_UUID) {
    const topic = core.topics.get(name);
    return topic === undefined ? { topic, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION } : { topic };
  }
  const topic = core.topics.byId(id);
  return topic === undefined ? { topic, errorCode: ErrorCode.UNKNOWN_TOPIC_ID } : { topic };
}
