// Under which subject a schema is registered. The names are those of Confluent's strategies.
import { MillraceError } from '../util/index.ts';

/** Returns the subject of a topic's keys or values. `recordName`: what the schema calls its records, where it names them. */
export type SubjectNameStrategy = (topic: string, isKey: boolean, recordName: string | undefined) => string;

/** `<topic>-key` and `<topic>-value`: all records of a topic have one schema. */
export const topicNameStrategy: SubjectNameStrategy = (topic, isKey) => `${topic}-${isKey ? 'key' : 'value'}`;

/** The record's full name: a schema is the same wherever it is used. */
export const recordNameStrategy: SubjectNameStrategy = (_topic, _isKey, recordName) => named(recordName);

/** `<topic>-<the record's full name>`: a topic holds records of several schemas. */
export const topicRecordNameStrategy: SubjectNameStrategy = (topic, _isKey, recordName) =>
  `${topic}-${named(recordName)}`;

function named(recordName: string | undefined): string {
  if (recordName !== undefined) return recordName;
  throw new MillraceError(
    'UNNAMED_SCHEMA',
    'the subject is derived from the record\'s name, but the schema has none: name it (a JSON Schema by its "title"), or use topicNameStrategy',
  );
}
