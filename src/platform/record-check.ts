// Records of a batch against registered schemas: what the broker asks of whoever knows the registry.
import type { RecordProblem, RecordSchemas, SchemaCheck } from '../broker/index.ts';
import { BatchCursor } from '../protocol/index.ts';
import {
  Conformance,
  type ConformancePlace,
  recordNameStrategy,
  type SchemaSource,
  type SubjectNameStrategy,
  topicNameStrategy,
  topicRecordNameStrategy,
} from '../serde/index.ts';

const STRATEGIES: Readonly<Record<NonNullable<SchemaCheck['keys']>, SubjectNameStrategy>> = {
  TopicNameStrategy: topicNameStrategy,
  RecordNameStrategy: recordNameStrategy,
  TopicRecordNameStrategy: topicRecordNameStrategy,
};

/** Checks with what a source of schemas says. A null has no schema: tombstones pass. */
export function recordSchemas(schemas: SchemaSource): RecordSchemas {
  const conformance = new Conformance(schemas);
  return {
    async check({ topic, keys, values, batch }) {
      const problems: RecordProblem[] = [];
      const cursor = new BatchCursor(Buffer.from(batch.buffer, batch.byteOffset, batch.length));
      const place = (isKey: boolean, strategy: SchemaCheck['keys']): ConformancePlace | undefined =>
        strategy === undefined ? undefined : { topic, isKey, strategy: STRATEGIES[strategy] };
      const [keyPlace, valuePlace] = [place(true, keys), place(false, values)];
      for (let batchIndex = 0; cursor.advance(); batchIndex++) {
        const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
        const headers = cursor.headerCount === 0 ? [] : cursor.headers();
        const parts = [
          { where: keyPlace, part: keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd) },
          { where: valuePlace, part: valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd) },
        ];
        for (const { where, part } of parts) {
          if (where === undefined || part === null) continue;
          const problem = await conformance.problem(part, headers, where);
          if (problem === undefined) continue;
          problems.push({ batchIndex, batchIndexErrorMessage: `${where.isKey ? 'key' : 'value'}: ${problem}` });
          break;
        }
      }
      return problems;
    },
  };
}
