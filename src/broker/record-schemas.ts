/**
 * PORT. Who knows which schemas records are to have (as Confluent Server's schema validation): a topic that says so takes only
 * keys or values that are of a schema registered under its subject. The broker knows neither schemas nor registries; whoever
 * puts it together gives it one that does.
 */
import type { TopicSettings } from './settings.ts';

/** Confluent's strategies, by which the subject of a schema is found. */
export type SubjectStrategy = 'TopicNameStrategy' | 'RecordNameStrategy' | 'TopicRecordNameStrategy';

/** A batch of a topic whose records have schemas. */
export interface SchemaCheck {
  readonly topic: string;
  /** How the subject of keys is named; undefined: they need no schema. */
  readonly keys: SubjectStrategy | undefined;
  /** The same of values. */
  readonly values: SubjectStrategy | undefined;
  /** A record batch, compressed or not. */
  readonly batch: Uint8Array;
}

/** A record that can't be taken, by its place in the batch. */
export interface RecordProblem {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

export interface RecordSchemas {
  /** The records that are not what they have to be. Rejects when that can't be told now; whoever sent them may try again. */
  check(check: SchemaCheck): Promise<readonly RecordProblem[]>;
}

/** What the records of a topic have to be checked for, if for anything. */
export function wantedSchemas(settings: TopicSettings): Pick<SchemaCheck, 'keys' | 'values'> | undefined {
  const keys = settings['confluent.key.schema.validation'];
  const values = settings['confluent.value.schema.validation'];
  if (!keys && !values) return undefined;
  return {
    keys: keys ? strategyNamed(settings['confluent.key.subject.name.strategy']) : undefined,
    values: values ? strategyNamed(settings['confluent.value.subject.name.strategy']) : undefined,
  };
}

function strategyNamed(name: string): SubjectStrategy {
  return name.slice(name.lastIndexOf('.') + 1) as SubjectStrategy;
}
