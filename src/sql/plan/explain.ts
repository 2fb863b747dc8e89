// A plan as a person reads it: the sink first, what feeds it further in, one line per step with the columns of its rows.
import { unreachable } from '../../util/index.ts';
import { quoteName } from '../parser/print.ts';
import { schemaText } from '../schema.ts';
import { typeText } from '../types.ts';
import { type ArrangeStep, inputsOf, type QueryPlan, type Step } from './plan.ts';

/** `notes` say of some steps what the plan does not. */
export function explainPlan(
  { root, sink }: Pick<QueryPlan, 'root' | 'sink'>,
  notes: ReadonlyMap<Step, string> = new Map(),
): string {
  if (sink === undefined) return explainStep(root, 0, notes);
  const { keyFormat, valueFormat } = sink;
  const line = ` > [ SINK ] | ${sink.topic} (key ${keyFormat.format}, value ${valueFormat.format}) | Schema: ${schemaText(sink.schema)}`;
  return `${line}\n${explainStep(root, 1, notes)}`;
}

function explainStep(step: Step, depth: number, notes: ReadonlyMap<Step, string>): string {
  const columns = [
    ...step.key.map(({ name, type }) => `${quoteName(name)} ${typeText(type)} KEY`),
    ...step.columns.map(({ name, type }) => `${quoteName(name)} ${typeText(type)}`),
  ];
  const title = `${'\t'.repeat(depth)} > [ ${titleOf(step)} ]`;
  const details = [detailsOf(step), notes.get(step) ?? ''].filter((text) => text !== '');
  const line = [title, `Schema: ${columns.join(', ')}`, ...details].join(' | ');
  return [line, ...inputsOf(step).map((input) => explainStep(input, depth + 1, notes))].join('\n');
}

/** A step in a line: what it does, and to what. */
export function stepTitle(step: Step): string {
  return `${titleOf(step)} ${detailsOf(step)}`.trimEnd();
}

function titleOf(step: Step): string {
  switch (step.kind) {
    case 'source':
      return step.table ? 'TABLE SOURCE' : 'SOURCE';
    case 'derived':
      return step.inputs.length === 1 ? 'QUERY' : 'UNION ALL';
    case 'filter':
      return step.clause === 'HAVING' ? 'HAVING' : 'FILTER';
    case 'flatMap':
      return 'FLAT MAP';
    case 'await':
      return 'AWAIT';
    case 'distinct':
      return 'DISTINCT';
    case 'over':
      return 'OVER';
    case 'rank':
      return 'RANK';
    case 'selectKey':
      return 'REKEY';
    case 'project':
      return 'PROJECT';
    case 'aggregate':
      return 'AGGREGATE';
    case 'join':
      return 'JOIN';
    case 'hashJoin':
      return 'HASH JOIN';
    case 'arrange':
      return 'ARRANGE';
    default:
      return unreachable(step);
  }
}

function detailsOf(step: Step): string {
  switch (step.kind) {
    case 'source':
      return `${step.source} from topic ${step.topic} (key ${step.keyFormat.format}, value ${step.valueFormat.format})`;
    case 'derived':
      return step.alias;
    case 'filter':
      return step.predicate.text;
    case 'flatMap':
    case 'await':
      return textsOf(step.calls);
    case 'distinct':
      return `${textsOf(step.calls)} by ${textsOf(step.partitionBy)}${step.rekeys ? ', repartitioned' : ''}`;
    case 'over':
      return `${textsOf(step.calls)}${step.rekeys ? ', repartitioned' : ''}`;
    case 'rank': {
      const order = step.orderBy.map(
        ({ text, descending, nulls }) =>
          `${text}${descending ? ' DESC' : ''}${nulls === undefined ? '' : ` NULLS ${nulls}`}`,
      );
      return `the first ${step.most} of ${textsOf(step.partitionBy)} by ${order.join(', ')}${step.rekeys ? ', repartitioned' : ''}`;
    }
    case 'selectKey':
      return step.keys.length === 0 ? 'no key' : textsOf(step.keys);
    case 'project':
      return step.items.map(({ name, text }) => `${text} AS ${quoteName(name)}`).join(', ');
    case 'aggregate': {
      const { windowClause: clause, finalAfterMs } = step;
      const time = clause?.ofProcessing === true ? ' of processing time' : '';
      const after = finalAfterMs === undefined ? '' : `, closed after ${finalAfterMs} ms without rows`;
      const window = clause === undefined ? '' : ` in ${clause.type} windows${time}${after}`;
      const repartition = step.rekeys ? ', repartitioned' : '';
      return `${textsOf(step.aggregates)} by ${textsOf(step.groupBy)}${window}${repartition}`;
    }
    case 'join':
      return `${step.type} ${step.joinKind}`;
    case 'hashJoin':
      return `${step.type} on ${step.text}`;
    case 'arrange':
      return arrangementText(step);
    default:
      return unreachable(step);
  }
}

function arrangementText({ input, distinct, order, offset, limit }: ArrangeStep): string {
  const terms = order.map(
    ({ place, descending, nulls }) =>
      `${quoteName(input.columns[place]!.name)}${descending ? ' DESC' : ''} NULLS ${nulls}`,
  );
  return [
    ...(distinct ? ['each row once'] : []),
    ...(terms.length > 0 ? [`by ${terms.join(', ')}`] : []),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
    ...(offset === 0 ? [] : [`offset ${offset}`]),
  ].join(', ');
}

function textsOf(expressions: readonly { readonly text: string }[]): string {
  return expressions.map(({ text }) => text).join(', ');
}
