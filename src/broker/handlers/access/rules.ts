// The access rules of all APIs. A handler of an API that has none is not let in.
import { assert } from '../../../util/index.ts';
import type { Handler } from '../handler.ts';
import { guarded } from './access.ts';
import { clusterRules } from './cluster.ts';
import { consumerGroupRules } from './consumer-groups.ts';
import { groupRules } from './groups.ts';
import { shareGroupRules } from './share-groups.ts';
import { streamsGroupRules } from './streams-groups.ts';
import { topicRules } from './topics.ts';

const rules = new Map(
  [...topicRules, ...groupRules, ...consumerGroupRules, ...shareGroupRules, ...streamsGroupRules, ...clusterRules].map(
    (rule) => [rule.api.key, rule],
  ),
);

/** A handler, and before it who may ask for what it does. */
export function withAccess(handler: Handler): Handler {
  const rule = rules.get(handler.api.key);
  assert(rule !== undefined, `the API ${handler.api.name} has no access rule`);
  return guarded(handler, rule);
}
