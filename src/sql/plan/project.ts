// SELECT: which of its items are the key's columns, and which the values.
import type { ProjectionItem } from '../analysis/projection.ts';
import { refuse, refuseName, StatementError } from '../errors.ts';
import { checkColumns } from '../formats/traits.ts';
import { printName, quoteName } from '../parser/print.ts';
import { typeText } from '../types.ts';
import { messageOf } from '../../util/index.ts';
import { binderFor, planned } from './environment.ts';
import type { NamedExpression, ProjectStep, Step } from './plan.ts';
import { columnType, type QueryContext } from './query-context.ts';

/** The key that a projection has to hold, and what messages say of it. */
export interface ProjectedKey {
  /** Per key column, the names under which it may be selected. */
  readonly names: readonly (readonly string[])[];
  /** The same as messages show them. */
  readonly shown: readonly (readonly string[])[];
  readonly what: string;
  /** Any one of the columns will do. */
  readonly alternatives: boolean;
  /** The key column belongs to no source. */
  readonly synthetic: boolean;
  readonly groupBy: boolean;
  /** The left table of a foreign-key join. */
  readonly foreign: string | undefined;
}

/** A key of which there is nothing special to say. */
export const PLAIN_KEY = {
  what: 'key column',
  alternatives: false,
  synthetic: false,
  groupBy: false,
  foreign: undefined,
} as const;

/** The projection: the key columns among the items name the key, the others are the values. */
export function projectStep(
  { env, target, scope }: QueryContext,
  input: Step,
  items: readonly ProjectionItem[],
  projectedKey: ProjectedKey,
): ProjectStep {
  const persistent = target.sinkName !== undefined;
  const binder = binderFor(env, input.columns);
  const bound = items.map(({ name, expression }): NamedExpression => {
    try {
      return { name, ...planned(binder, scope.internal(expression)) };
    } catch (error) {
      throw new StatementError(`Invalid Select: ${messageOf(error)}`, { cause: error });
    }
  });
  const { timestampColumn } = target;
  if (timestampColumn !== undefined && !items.some((item) => item.name === timestampColumn))
    refuseName(
      `The TIMESTAMP column set in the WITH clause does not exist in the schema: '${timestampColumn}'`,
      timestampColumn,
      items.map(({ name }) => name),
    );
  const chosen = new Map<NamedExpression, number>();
  const missing: number[] = [];
  if (persistent) {
    projectedKey.names.forEach((names, i) => {
      const candidates = names
        .map((name) => bound.filter((item) => item.expression.kind === 'column' && item.expression.name === name))
        .filter((found) => found.length > 0);
      const [first] = candidates;
      if (first === undefined) {
        missing.push(i);
        return;
      }
      if (first.length > 1) refuseDuplicateKey(projectedKey, first);
      chosen.set(first[0]!, i);
    });
    if (missing.length > 0) refuseMissingKeys(projectedKey, missing, { target, scope });
  }
  const key = input.key.map((column, i) => {
    const item = [...chosen].find(([, at]) => at === i)?.[0];
    return { name: item?.name ?? column.name, type: column.type };
  });
  const values = bound.filter((item) => !chosen.has(item));
  const columns = values.map(({ name, expression }) => ({ name, type: columnType(expression.type) }));
  const twice = columns.find(
    ({ name }, i) =>
      columns.findIndex((other) => other.name === name) !== i ||
      (persistent && key.some((column) => column.name === name)),
  );
  if (twice !== undefined)
    refuse(`Duplicate value columns found in schema: ${quoteName(twice.name)} ${typeText(twice.type)}`);
  if (persistent && columns.length === 0) refuse('The projection contains no value columns.');
  if (target.keyFormat !== undefined && key.length > 0) {
    checkColumns(
      'Key',
      target.keyFormat,
      key.map((column) => ({ ...column, namespace: 'KEY' })),
    );
  }
  return {
    kind: 'project',
    input,
    items: values,
    columns,
    key,
    table: input.table,
    window: input.window,
  };
}

function refuseDuplicateKey({ groupBy }: ProjectedKey, found: readonly NamedExpression[]): never {
  const names = found.map(({ name }) => name);
  if (groupBy)
    return refuse(`The projection contains a key column more than once: ${names.map(quoteName).join(' and ')}.`);
  const [{ expression, text }] = found as [NamedExpression];
  const column = expression.kind === 'column' ? expression.name : text;
  const sorted = [...names].sort();
  return refuse(
    `The projection contains a key column (${quoteName(column)}) more than once, aliased as: ${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}.`,
  );
}

function refuseMissingKeys(
  key: ProjectedKey,
  missing: readonly number[],
  { target, scope }: Pick<QueryContext, 'target' | 'scope'>,
): never {
  const { names: keys, shown, what, alternatives, synthetic, groupBy, foreign } = key;
  if (foreign !== undefined) {
    const [word, lack] = missing.length === 1 ? ['column', 'Missing column'] : ['columns', 'Missing columns'];
    const names = missing.map((i) => quoteName(keys[i]![0]!.replace(`${scope.sources[0]!.alias}_`, ''))).join(', ');
    return refuse(
      `Primary key ${word} missing in projection. For foreign-key table-table joins, the projection must include all primary key columns from the left input table (${quoteName(foreign)}). ${lack}: ${names}.`,
    );
  }
  const listed = groupBy ? missing : keys.map((_names, i) => i);
  const texts = listed.flatMap((i) => shown[i] ?? keys[i]!.map(printName));
  const plural = (what === 'key column' || what === 'grouping expression') && texts.length > 1 ? `${what}s` : what;
  const list =
    texts.length === 1 ? texts[0]! : `${texts.slice(0, -1).join(', ')} ${alternatives ? 'or' : 'and'} ${texts.at(-1)}`;
  const example = alternatives ? texts[0]! : texts.join(', ');
  const why = synthetic
    ? '\nROWKEY was added as a synthetic key column because the join criteria did not match any source column. This expression must be included in the projection and may be aliased.'.replace(
        'ROWKEY',
        texts[0]!,
      )
    : '';
  return refuse(
    `Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\nThe query used to build ${quoteName(target.sinkName ?? '')} must include the ${plural} ${list} in its projection (eg, SELECT ${example}...).${why}`,
  );
}
