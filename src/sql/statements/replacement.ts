// EXPLAIN CREATE OR REPLACE: what it would do to the query that is running, without doing it. Whether it may be; which state
// goes on and which begins anew; what its readers and the registry would see; and what to do instead where it may not.
import type { Replacement } from '../../sql-api/index.ts';
import { messageOf } from '../../util/index.ts';
import { StatementError } from '../errors.ts';
import { writtenSchema } from '../formats/row-serde.ts';
import type { CreateAsSelect } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { partsOf, readSources } from '../plan/plan.ts';
import type { Column } from '../schema.ts';
import { sameType, typeText } from '../types.ts';
import type { EngineContext, PersistentQuery, Settings } from './context.ts';
import { createAsSelect } from './persistent-query.ts';
import { trialOf } from './trial.ts';
import { stateText } from './upgrade.ts';

export interface ExplainedReplacement {
  /** The query as it would be. */
  readonly query: PersistentQuery;
  readonly replacement: Replacement;
}

/** Undefined where the statement replaces no query. */
export async function explainReplacement(
  engine: EngineContext,
  statement: CreateAsSelect,
  setting: Settings,
): Promise<ExplainedReplacement | undefined> {
  const running = engine.queries.get(engine.catalog.source(statement.name)?.createdBy ?? '');
  if (!statement.orReplace || running === undefined) return undefined;
  const refusal = await refusalOf(engine, statement, setting);
  // The same statement where there is nothing to replace: what is wrong with it then is its own fault.
  const fresh = trialOf(engine);
  fresh.catalog.drop(statement.name);
  fresh.catalog.unlink(running.queryId);
  fresh.queries.delete(running.queryId);
  const { query, result } = await createAsSelect(fresh, { ...statement, orReplace: false }, setting);
  if (query === undefined) throw new StatementError(result.message);
  const columns = columnChanges(running, query);
  const downstream = readersOf(engine, statement.name, columns);
  const replacement: Replacement = {
    queryId: running.queryId,
    allowed: refusal === undefined,
    refusal: refusal ?? null,
    columns,
    stores: storeChanges(running, query),
    subjects: subjectChanges(running, query),
    downstream,
    steps: refusal === undefined ? stepsOf(running, columns) : stepsInstead(running, statement, downstream),
  };
  return { query: { ...query, queryId: running.queryId }, replacement };
}

async function refusalOf(
  engine: EngineContext,
  statement: CreateAsSelect,
  setting: Settings,
): Promise<string | undefined> {
  try {
    await createAsSelect(trialOf(engine), statement, setting);
    return undefined;
  } catch (error) {
    if (error instanceof StatementError) return messageOf(error);
    throw error;
  }
}

function columnChanges({ sink: before }: PersistentQuery, { sink: after }: PersistentQuery): Replacement['columns'] {
  const [was, is] = [before, after].map((sink) => [...(sink?.schema.key ?? []), ...(sink?.schema.value ?? [])]);
  const others = (from: readonly Column[], in_: readonly Column[]): Column[] =>
    from.filter(({ name }) => !in_.some((column) => column.name === name));
  const shown = ({ name, type }: Column) => ({ name, type: typeText(type) });
  return {
    added: others(is!, was!).map(shown),
    removed: others(was!, is!).map(shown),
    changed: was!.flatMap(({ name, type }) => {
      const now = is!.find((column) => column.name === name);
      return now === undefined || sameType(now.type, type)
        ? []
        : [{ name, before: typeText(type), after: typeText(now.type) }];
    }),
  };
}

/** Rows of a store are gone on with where they mean what they meant. */
function storeChanges(before: PersistentQuery, after: PersistentQuery): Replacement['stores'] {
  const [was, is] = [before.topology.stores, after.topology.stores];
  return [...new Set([...was.keys(), ...is.keys()])].map((store) => {
    if (!is.has(store)) return { store, state: 'dropped' };
    if (!was.has(store)) return { store, state: 'new' };
    return { store, state: meaningOf(before, store) === meaningOf(after, store) ? 'kept' : 'rebuilt' };
  });
}

/** What the rows of a store are: their form, and what the step that keeps them puts into it. */
function meaningOf({ topology, plan: { root } }: PersistentQuery, store: string): string {
  const part = topology.nodes.find(({ stores }) => stores.some(({ name }) => name === store))?.part;
  const step = [...partsOf(root)].find(([, own]) => own === part)?.[0];
  return JSON.stringify([topology.fingerprints.get(store), step && stateText(step)]);
}

function subjectChanges({ plan: before }: PersistentQuery, { plan: after }: PersistentQuery): Replacement['subjects'] {
  return (['key', 'value'] as const).flatMap((part) => {
    const [was, is] = [before, after].map(({ root, sink }) => {
      const columns = part === 'key' ? root.key : root.columns;
      const info = part === 'key' ? sink?.keyFormat : sink?.valueFormat;
      return info && writtenSchema(info, columns, part)?.schema;
    });
    if (is === undefined) return [];
    return [{ subject: `${after.sink!.topic}-${part}`, changes: was !== is, schema: is }];
  });
}

/** The queries that read what this one writes, with what they would miss. */
function readersOf(
  { catalog, queries }: EngineContext,
  source: string,
  { added, removed, changed }: Replacement['columns'],
): Replacement['downstream'] {
  return catalog.queriesReading(source).flatMap((queryId) => {
    const query = queries.get(queryId);
    const used = query && readSources(query.plan.root).get(source)?.used;
    if (used === undefined) return [];
    const lost = [...removed, ...changed].map(({ name }) => name).filter((name) => used.has(name));
    const effect =
      lost.length > 0
        ? `It uses ${lost.join(', ')}, and would find null there, or what it can't read.`
        : added.length > 0
          ? 'It goes on; it has the new columns when it is replaced itself.'
          : 'It goes on as it is.';
    return [{ queryId, breaks: lost.length > 0, effect }];
  });
}

function stepsOf({ queryId }: PersistentQuery, { added }: Replacement['columns']): string[] {
  const behind = `${queryId} goes on behind the last record that it has committed; what it has written stays as it is.`;
  const names = added.map(({ name }) => name).join(', ');
  return added.length === 0 ? [behind] : [behind, `Rows that were written before have null in ${names}.`];
}

function stepsInstead(
  { queryId }: PersistentQuery,
  { name, type }: CreateAsSelect,
  downstream: Replacement['downstream'],
): string[] {
  const next = quoteName(`${name}_NEXT`);
  const readers = downstream.map((reader) => reader.queryId);
  return [
    `SET 'auto.offset.reset'='earliest'; and CREATE ${type} ${next} AS SELECT … makes all of it anew beside the old one, as far as its sources hold their records.`,
    `EXPLAIN ANALYZE of its query says when its lag is 0.`,
    readers.length === 0
      ? `No query reads ${quoteName(name)}.`
      : `Replace or create anew what reads ${quoteName(name)}, from ${next}: ${readers.join(', ')}.`,
    `DROP ${type} ${quoteName(name)}; ends ${queryId}, with its state.`,
  ];
}
