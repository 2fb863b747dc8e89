// EXPLAIN ANALYZE: what a query has done, operator by operator, and why it emits nothing when it does not.
import type { Client } from '../../../client/index.ts';
import type { AnalyzedOperator, AnalyzedStore, QueryAnalysis } from '../../../sql-api/index.ts';
import { codeOf, type Environment, messageOf } from '../../../util/index.ts';
import { stepTitle } from '../../plan/explain.ts';
import { partsOf, SINK_PART } from '../../plan/plan.ts';
import type { SettingValues } from '../../settings.ts';
import type { EngineContext, QueryCounts } from '../../statements/context.ts';
import type { Entity } from '../../statements/entities.ts';
import { type AnalyzedQuery, type Evidence, lagOf, partitionsOf } from './evidence.ts';
import { type OperatorFlow, operatorsOf } from './flow.ts';
import { reasonOf } from './search.ts';
import { timeText } from './text.ts';

/** What is known of queries by who runs them. */
export interface QueryKnowledge {
  state(queryId: string): string;
  failureOf(queryId: string): string | undefined;
  settingsOf(queryId: string): SettingValues;
  applicationId(queryId: string): string;
  counts(queryId: string): Promise<QueryCounts>;
}

export interface AnalyzeOptions {
  readonly engine: EngineContext;
  readonly client: Client;
  readonly environment: Environment;
  readonly queries: QueryKnowledge;
}

export async function explainAnalyze(
  query: AnalyzedQuery,
  { engine, client, environment, queries }: AnalyzeOptions,
): Promise<Entity> {
  const { queryId } = query;
  const counts = await queries.counts(queryId);
  const state = queries.state(queryId);
  let partitions: Evidence['partitions'] = new Map();
  let topicsError: string | undefined;
  try {
    partitions = await partitionsOf(client, queries.applicationId(queryId), query, counts);
  } catch (error) {
    // A topic that may not be looked at, or a cluster that does not answer, is part of what is found out.
    if (codeOf(error) === undefined) throw error;
    topicsError = messageOf(error);
  }
  const evidence: Evidence = {
    query,
    settings: queries.settingsOf(queryId),
    state,
    failure: queries.failureOf(queryId),
    counts,
    partitions,
    topicsError,
    engine,
    client,
    now: () => environment.now(),
  };
  const reason = await reasonOf(evidence);
  const queryAnalysis: QueryAnalysis = {
    id: queryId,
    statementText: query.sql,
    state,
    runningMs: counts.runningMs,
    emits: reason === undefined,
    reason: reason ?? null,
    operators: operatorEntities(query, counts),
    partitions: [...partitions.values()].flat().map((each) => ({
      topic: each.topic,
      partition: each.partition,
      position: each.read === undefined || each.read.position < 0 ? null : each.read.position,
      committedOffset: each.committed < 0 ? null : each.committed,
      endOffset: each.end,
      lag: lagOf(each),
      lastArrival: each.read === undefined || each.read.arrivedAt < 0 ? null : timeText(each.read.arrivedAt),
    })),
    tasks: counts.tasks.map(({ taskId, streamTime, processed }) => ({
      taskId,
      processed,
      streamTime: streamTime < 0 ? null : timeText(streamTime),
    })),
    stores: storeEntities(counts),
    instances: counts.instances.map((each) => ({ ...each, lastError: each.lastError ?? null })),
    problems: counts.problems.map(({ first, ...each }) => ({ ...each, error: first.message, at: first.at ?? null })),
  };
  return { '@type': 'query_analysis', queryAnalysis };
}

function operatorEntities(
  { plan: { root, sink } }: AnalyzedQuery,
  { tasks, runningMs }: QueryCounts,
): AnalyzedOperator[] {
  const steps = new Map([...partsOf(root)].map(([step, part]) => [part, stepTitle(step)]));
  const recentMs = Math.max(0, ...tasks.map((task) => task.recentMs));
  return operatorsOf(tasks).map((operator) => ({
    operator: operator.operator,
    step:
      operator.part === SINK_PART
        ? sink === undefined
          ? 'CLIENT'
          : `SINK ${sink.topic}`
        : (steps.get(operator.part ?? '') ?? ''),
    recordsIn: operator.recordsIn,
    recordsOut: operator.recordsOut,
    recordsOutPerSecond: rate(operator.recordsOut, runningMs),
    recentRecordsIn: operator.recent.recordsIn,
    recentRecordsOut: operator.recent.recordsOut,
    recentRecordsOutPerSecond: rate(operator.recent.recordsOut, recentMs),
    late: dropped(operator, 'late') + dropped(operator, 'expired'),
    errors: dropped(operator, 'failed') + dropped(operator, 'undecodable') + dropped(operator, 'refused'),
    nullKeys: dropped(operator, 'null-key'),
    dropped: Object.fromEntries(Object.entries(operator.dropped).map(([reason, { count }]) => [reason, count])),
  }));
}

function dropped(operator: OperatorFlow, reason: string): number {
  return operator.dropped[reason]?.count ?? 0;
}

/** Per second, with two decimals. */
function rate(count: number, ms: number): number {
  return ms <= 0 ? 0 : Math.round((count * 100_000) / ms) / 100;
}

function storeEntities({ tasks }: QueryCounts): AnalyzedStore[] {
  const names = [...new Set(tasks.flatMap(({ stores }) => Object.keys(stores)))];
  return names.map((store) => {
    const sum = (of: (task: QueryCounts['tasks'][number]) => number | undefined): number =>
      tasks.reduce((total, task) => total + (of(task) ?? 0), 0);
    return { store, rows: sum(({ stores }) => stores[store]), bytes: sum(({ storeBytes }) => storeBytes[store]) };
  });
}
