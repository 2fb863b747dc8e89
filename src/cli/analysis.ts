// What EXPLAIN ANALYZE answers, as a person reads it: the reason first, then the counts that it was concluded from.
import type { QueryAnalysis } from '../sql-api/index.ts';
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

/** A table with a line before it; nothing where it would be empty. */
function section(headings: readonly string[], rows: readonly (readonly unknown[])[], width: number): string[] {
  return rows.length === 0 ? [] : ['', renderTable(rows, { width, headings })];
}
