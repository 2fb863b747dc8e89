// A plan as a person reads it: the sink first, what feeds it further in, one line per step with the columns of its rows.
import { unreachable } from '../../util/index.ts';
import { quoteName } from '../parser/print.ts';
import { schemaText } from '../schema.ts';
import { typeText } from '../types.ts';
import { inputsOf, type QueryPlan, type Step } from './plan.ts';

export function explainPlan({ root, sink }: Pick<QueryPlan, 'root' | 'sink'>): string {
  if (sink === undefined) return explainStep(root, 0);
  const { keyFormat, valueFormat } = sink;
  const line = ` > [ SINK ] | ${sink.topic} (key ${keyFormat.format}, value ${valueFormat.format}) | Schema: ${schemaText(sink.schema)}`;
  return `${line}\n${explainStep(root, 1)}`;
}

function explainStep(step: Step, depth: number): string {
  const columns = [
    ...step.key.map(({ name, type }) => `${quoteName(name)} ${typeText(type)} KEY`),
    ...step.columns.map(({ name, type }) => `${quoteName(name)} ${typeText(type)}`),
  ];
  const details = detailsOf(step);
  const line = `${'\t'.repeat(depth)} > [ ${titleOf(step)} ] | Schema: ${columns.join(', ')}${details === '' ? '' : ` | ${details}`}`;
  return [line, ...inputsOf(step).map((input) => explainStep(input, depth + 1))].join('\n');
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
    case 'selectKey':
      return 'REKEY';
    case 'project':
      return 'PROJECT';
    case 'aggregate':
      return 'AGGREGATE';
    case 'join':
      return 'JOIN';
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
    case 'selectKey':
      return step.keys.length === 0 ? 'no key' : textsOf(step.keys);
    case 'project':
      return step.items.map(({ name, text }) => `${text} AS ${quoteName(name)}`).join(', ');
    case 'aggregate': {
      const window = step.windowClause === undefined ? '' : ` in ${step.windowClause.type} windows`;
      const repartition = step.rekeys ? ', repartitioned' : '';
      return `${textsOf(step.aggregates)} by ${textsOf(step.groupBy)}${window}${repartition}`;
    }
    case 'join':
      return `${step.type} ${step.joinKind}`;
    default:
      return unreachable(step);
  }
}

function textsOf(expressions: readonly { readonly text: string }[]): string {
  return expressions.map(({ text }) => text).join(', ');
}
