// What CREATE OR REPLACE may change of a running query. Its state and its internal topics stay, so the steps that made them must
// be the same; what only looks at single rows (WHERE, HAVING, the projection) may be added, removed or changed. The rules
// and their words are those of ksqlDB's ExecutionStep.validateUpgrade.
import { refuse } from '../errors.ts';
import type { FormatInfo } from '../formats/traits.ts';
import type { AggregateStep, NamedExpression, QueryPlan, SinkPlan, SourceStep, Step } from '../plan/plan.ts';
import type { TimestampColumn } from '../schema.ts';
import { typeText } from '../types.ts';

/** Refuses a plan that can't go on from where the running one is. */
export function checkUpgrade(running: QueryPlan, root: Step, sink: SinkPlan): void {
  const before = running.sink;
  if (before !== undefined) {
    const type = running.root.table ? 'TableSink' : 'StreamSink';
    mustMatch(type, 'topicName', before.topic, sink.topic);
    mustMatch(type, 'formats', formatsText(before), formatsText(sink));
    mustMatch(type, 'timestampColumn', timestampText(before.timestamp), timestampText(sink.timestamp));
  }
  checkStep(running.root, root);
}

function checkStep(running: Step, now: Step): void {
  const before = enforced(running);
  const after = enforced(now);
  const type = typeOf(before);
  const isSupported =
    before.kind === 'source' ||
    before.kind === 'selectKey' ||
    (before.kind === 'aggregate' && type === 'StreamAggregate');
  if (!isSupported || (before.kind === 'selectKey' && before.table)) refuse(`Upgrades not yet supported for ${type}`);
  mustMatch(type, 'class', type, typeOf(after));
  if (before.kind === 'source' && after.kind === 'source') checkSource(type, before, after);
  else if (before.kind === 'selectKey' && after.kind === 'selectKey') {
    mustMatch(type, 'keyExpressions', listText(before.keys), listText(after.keys));
    checkStep(before.input, after.input);
  } else if (before.kind === 'aggregate' && after.kind === 'aggregate') {
    mustMatch(type, 'aggregationFunctions', functionsText(before), functionsText(after));
    const group = (step: AggregateStep): string => (step.rekeys ? 'StreamGroupBy' : 'StreamGroupByKey');
    mustMatch(group(before), 'class', group(before), group(after));
    mustMatch(group(before), 'groupByExpressions', listText(before.groupBy), listText(after.groupBy));
    checkStep(before.input, after.input);
  }
}

/** The next step that holds a state, a key or a place to read from. */
function enforced(step: Step): Step {
  let at = step;
  while (at.kind === 'filter' || at.kind === 'project') at = at.input;
  return at;
}

/** What a step keeps in its stores. */
export function stateText(step: Step): string {
  if (step.kind === 'aggregate')
    return `${functionsText(step)} ${listText(step.groupBy)} ${JSON.stringify(step.windowClause)}`;
  const kept = step.kind === 'join' ? [step.left, step.right] : [step];
  return kept.map(({ columns }) => columns.map(({ name, type }) => `${name} ${typeText(type)}`).join(', ')).join('; ');
}

function checkSource(type: string, before: SourceStep, after: SourceStep): void {
  mustMatch(type, 'topicName', before.topic, after.topic);
  mustMatch(type, 'formats', formatsText(before), formatsText(after));
  mustMatch(type, 'timestampColumn', timestampText(before.timestamp), timestampText(after.timestamp));
}

function mustMatch(type: string, property: string, before: string, after: string): void {
  if (before === after) return;
  refuse(
    `Query is not upgradeable. Plan step of type ${type} must have matching ${property}. Values differ: '${before}' vs. '${after}'`,
  );
}

/** What the step is called in ksqlDB. */
function typeOf(step: Step): string {
  const flow = step.table ? 'Table' : 'Stream';
  switch (step.kind) {
    case 'source':
      return `${step.window === undefined ? '' : 'Windowed'}${flow}Source`;
    case 'derived':
      return `${flow}Query`;
    case 'selectKey':
      return `${flow}SelectKey`;
    case 'flatMap':
      return 'StreamFlatMap';
    case 'await':
      return 'StreamAwait';
    case 'distinct':
      return 'StreamDistinct';
    case 'over':
      return 'StreamOver';
    case 'rank':
      return 'StreamRank';
    case 'aggregate':
      if (step.input.table) return 'TableAggregate';
      return step.windowClause === undefined ? 'StreamAggregate' : 'StreamWindowedAggregate';
    case 'join':
      return {
        'stream-stream': 'StreamStreamJoin',
        'stream-table': 'StreamTableJoin',
        'table-table': 'TableTableJoin',
        'foreign-key': 'ForeignKeyTableTableJoin',
      }[step.joinKind];
    default:
      return `${flow}${step.kind === 'filter' ? 'Filter' : 'Select'}`;
  }
}

const listText = (expressions: readonly NamedExpression<unknown>[]): string =>
  `[${expressions.map(({ text }) => text).join(', ')}]`;

/** The functions with what decides the form of their states: arguments belong to the projection before them. */
function functionsText({ aggregates }: AggregateStep): string {
  const shown = aggregates.map(({ expression: { function: name, args } }) => {
    const types = args.map((arg) => {
      const type = arg.type === null ? 'null' : typeText(arg.type);
      return arg.kind === 'literal' ? `${type} ${String(arg.value)}` : type;
    });
    return `${name}(${types.join(', ')})`;
  });
  return `[${shown.join(', ')}]`;
}

const formatsText = ({ keyFormat, valueFormat }: { keyFormat: FormatInfo; valueFormat: FormatInfo }): string =>
  [keyFormat, valueFormat].map(({ format, properties }) => `${format} ${JSON.stringify(properties)}`).join(', ');

const timestampText = (timestamp: TimestampColumn | undefined): string =>
  timestamp === undefined ? 'none' : [timestamp.column, timestamp.format ?? ''].join(' ').trim();
