// EXPLAIN of a query that is read at rest: its plan, and of each source whether its rows are looked up or all read.
import type { Query } from '../parser/ast.ts';
import { explainPlan } from '../plan/explain.ts';
import { type Step, stepsOf, stretchSource } from '../plan/plan.ts';
import type { EngineContext } from '../statements/context.ts';
import { fieldEntity } from '../statements/entities.ts';
import type { IndexLookup, Lookup } from './materialization.ts';
import { type Origin, planPull, type PullPlanning } from './pull.ts';
import { type JoinLookup, joinLookup } from './join-lookups.ts';
import { SMALL_SIDE_MAX } from './pull-join.ts';

export function explainPull(engine: EngineContext, query: Query, given: PullPlanning): object {
  const { root, columns, sources, origins, planning: environment } = planPull(engine, query, given);
  const joins = stepsOf(root).filter((step) => step.kind === 'hashJoin');
  const byJoin = new Map<Step, JoinLookup | undefined>(
    joins.map((step) => [step.right, joinLookup(environment, step)]),
  );
  const notes = [...origins].map(([stretch, origin]) => {
    const joined = isScan(origin) ? byJoin.get(stretch) : undefined;
    return [stretchSource(stretch)!, `${accessText(origin)}${joined === undefined ? '' : joinText(joined)}`] as const;
  });
  return {
    id: '',
    queryType: 'PULL',
    sources: sources.map(({ name }) => name),
    sinks: [],
    fields: columns.map(({ name, type, isKey }) => fieldEntity(name, type, isKey ? 'KEY' : undefined)),
    topology: '',
    executionPlan: explainPlan({ root, sink: undefined }, new Map(notes)),
  };
}

function joinText({ index }: JoinLookup): string {
  const by = index === undefined ? 'by key' : `in the index ${index}`;
  return `, or look-ups ${by} where the left side has no more than ${SMALL_SIDE_MAX} rows`;
}

const isScan = (origin: Origin): boolean =>
  origin.kind === 'table' && origin.lookup.keys === undefined && origin.lookup.index === undefined;

function accessText(origin: Origin): string {
  if (origin.kind === 'stream') return 'all records of the topic';
  return `${rowsText(origin.lookup)}${windowsText(origin.lookup)}`;
}

function rowsText({ keys, index }: Lookup): string {
  if (index !== undefined) return `index ${index.name}, ${indexText(index)}`;
  if (keys === undefined) return 'all rows of the table';
  return keys.length === 1 ? 'look-up of a key' : `look-up of ${keys.length} keys`;
}

function indexText({ values, range }: IndexLookup): string {
  if (values === undefined)
    return `a range ${range.from === undefined || range.to === undefined ? 'open at one end' : 'between two values'}`;
  return values.length === 1 ? 'look-up of a value' : `look-up of ${values.length} values`;
}

function windowsText({ windowStart }: Lookup): string {
  if (windowStart === undefined) return '';
  const { from, to } = windowStart;
  if (from === 0 && to === Number.MAX_SAFE_INTEGER) return '';
  return `, windows that start from ${from} to ${to}`;
}
