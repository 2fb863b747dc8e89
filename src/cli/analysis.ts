// What EXPLAIN answers of running queries, as a person reads it. Of ANALYZE the reason first, then the counts that it was
// concluded from; of CREATE OR REPLACE what would become of the query.
import type { QueryAnalysis, Replacement } from '../sql-api/index.ts';
import { renderTable } from './table.ts';

export function analysisText(analysis: QueryAnalysis, width: number): string {
  const { id, state, runningMs, statementText, reason, operators, partitions, tasks, stores, problems } = analysis;
  const since = runningMs > 0 ? `, for ${(runningMs / 1000).toFixed(1)} s` : '';
  return [
    `ID                   : ${id}`,
    `State                : ${state}${since}`,
    `SQL                  : ${statementText}`,
    '',
    ...(reason === null ? ['It emits.'] : [reason.text, ...(reason.advice === undefined ? [] : [reason.advice])]),
    ...section(
      ['Operator', 'Step', 'In', 'Out', 'Out/s', 'Out/s lately', 'Late', 'Errors', 'Null keys'],
      operators.map((each) => [
        each.operator,
        each.step,
        each.recordsIn,
        each.recordsOut,
        each.recordsOutPerSecond,
        each.recentRecordsOutPerSecond,
        each.late,
        each.errors,
        each.nullKeys,
      ]),
      width,
    ),
    ...section(
      ['Partition', 'Position', 'Committed', 'End', 'Lag', 'Last arrival'],
      partitions.map((each) => [
        `${each.topic}-${each.partition}`,
        each.position,
        each.committedOffset,
        each.endOffset,
        each.lag,
        each.lastArrival,
      ]),
      width,
    ),
    ...section(
      ['Task', 'Processed', 'Time'],
      tasks.map((each) => [each.taskId, each.processed, each.streamTime]),
      width,
    ),
    ...section(
      ['Store', 'Rows', 'Bytes (about)'],
      stores.map((each) => [each.store, each.rows, each.bytes]),
      width,
    ),
    ...section(
      ['Problem', 'Step', 'Rows', 'The first of them'],
      problems.map((each) => [each.kind, each.step, each.count, each.error]),
      width,
    ),
  ].join('\n');
}

export function replacementLines(replacement: Replacement | undefined): string[] {
  if (replacement === undefined) return [];
  const { queryId, refusal, columns, stores, subjects, downstream, steps } = replacement;
  const { added, removed, changed } = columns;
  return [
    '',
    refusal === null ? `It may replace ${queryId}.` : `It may not replace ${queryId}: ${refusal}`,
    ...added.map(({ name, type }) => `  new column ${name} ${type}`),
    ...removed.map(({ name, type }) => `  no column ${name} ${type} any more`),
    ...changed.map(({ name, before, after }) => `  column ${name} is ${after}, was ${before}`),
    ...stores.map(({ store, state }) => `  state ${store}: ${state}`),
    ...subjects.map(({ subject, changes }) => `  schema of ${subject}: ${changes ? 'another one' : 'as it is'}`),
    ...downstream.map((reader) => `  ${reader.queryId}: ${reader.effect}`),
    ...steps.map((step, i) => `${i + 1}. ${step}`),
  ];
}

/** A table with a line before it; nothing where it would be empty. */
function section(headings: readonly string[], rows: readonly (readonly unknown[])[], width: number): string[] {
  return rows.length === 0 ? [] : ['', renderTable(rows, { width, headings })];
}
