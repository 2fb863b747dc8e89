// Transformations of a record's topic, and Filter: RegexRouter, TimestampRouter.
import { JavaPattern, messageOf } from '../../util/index.ts';
import { type ConfigDef, defineConfig } from '../api/config-def.ts';
import { DataError } from '../data/errors.ts';
import { type Apply, kafkaTransformation } from './side.ts';
import { simpleDateFormat } from './simple-date-format.ts';

/** Says what is wrong with a regular expression. */
export function regexProblem(value: string | null): string | undefined {
  try {
    JavaPattern.of(value ?? '');
    return undefined;
  } catch (error) {
    return `Invalid regex: ${messageOf(error)}`;
  }
}

const regexConfig = defineConfig({
  regex: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The regular expression (of Java) that the whole name of a topic must match.',
    validator: regexProblem,
  },
  replacement: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'What the first match becomes, with $1 for what the first group matched.',
  },
});

/** What renames texts that match as a whole; others have no new name. Throws `DataError` for a group that there isn't. */
export function renamer(regex: string, replacement: string): (text: string) => string | undefined {
  const whole = JavaPattern.whole(regex);
  const pattern = JavaPattern.of(regex);
  return (text) => {
    if (!whole.test(text)) return undefined;
    const match = pattern.exec(text)!;
    try {
      return text.slice(0, match.start) + pattern.expand(match, replacement) + text.slice(match.end);
    } catch (error) {
      throw new DataError(messageOf(error), error);
    }
  };
}

/** RegexRouter: topics renamed by a regular expression. */
export const regexRouter = kafkaTransformation({ name: 'RegexRouter', config: regexConfig }, (settings): Apply => {
  const renamed = renamer(settings.regex, settings.replacement);
  return (record) => {
    const topic = renamed(record.topic);
    return topic === undefined ? record : { ...record, topic };
  };
});

const timestampConfig = defineConfig({
  'topic.format': {
    type: 'STRING',
    default: '${topic}-${timestamp}',
    importance: 'HIGH',
    doc: "The topic's new name, with ${topic} and ${timestamp} for the old one and the record's time.",
  },
  'timestamp.format': {
    type: 'STRING',
    default: 'yyyyMMdd',
    importance: 'HIGH',
    doc: 'How the time is written: a pattern of java.text.SimpleDateFormat, in UTC.',
    validator: (value) => (value === null ? undefined : dateFormatProblem(value)),
  },
} satisfies ConfigDef);

/** Says what is wrong with a date's pattern. */
export function dateFormatProblem(pattern: string): string | undefined {
  try {
    simpleDateFormat(pattern);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** TimestampRouter: topics by time. */
export const timestampRouter = kafkaTransformation(
  { name: 'TimestampRouter', config: timestampConfig },
  (settings): Apply => {
    const format = simpleDateFormat(settings['timestamp.format']);
    return (record) => {
      if (record.timestamp === null) throw new DataError('Timestamp missing on record');
      const values = { topic: record.topic, timestamp: format.format(record.timestamp) };
      const topic = settings['topic.format'].replace(
        /\$\{(topic|timestamp)\}/g,
        (_all, name: keyof typeof values) => values[name],
      );
      return { ...record, topic };
    };
  },
);

/** Filter: no record goes on; for use with a predicate. */
export const filter = kafkaTransformation({ name: 'Filter', config: {} }, () => () => null);
