// Kafka's own predicates: TopicNameMatches, HasHeaderKey, RecordIsTombstone.
import { JavaPattern } from '../../util/index.ts';
import { type ConfigDef, type ConfigOf, defineConfig, nonEmpty } from '../api/config-def.ts';
import { type Predicate, type PredicatePlugin, predicatePlugin } from '../api/plugins.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import { regexProblem } from './routers.ts';

function kafkaPredicate<const D extends ConfigDef>(
  name: string,
  config: D,
  make: (settings: ConfigOf<D>) => Predicate['test'],
): PredicatePlugin<D> {
  return predicatePlugin({
    className: `org.apache.kafka.connect.transforms.predicates.${name}`,
    version: KAFKA_VERSION,
    config,
    create: (settings) => ({ test: make(settings) }),
  });
}

const topicConfig = defineConfig({
  pattern: {
    type: 'STRING',
    importance: 'MEDIUM',
    doc: 'The regular expression (of Java) that the whole name of a topic must match.',
    validator: (value) =>
      value === ''
        ? nonEmpty(value)
        : regexProblem(value)?.replace('Invalid regex', 'entry must be a Java-compatible regular expression'),
  },
});

const headerConfig = defineConfig({
  name: { type: 'STRING', importance: 'MEDIUM', doc: "The header's name.", validator: nonEmpty },
});

/** All of them. */
export const predicates = [
  kafkaPredicate('TopicNameMatches', topicConfig, ({ pattern }) => {
    const whole = JavaPattern.whole(pattern);
    return ({ topic }) => whole.test(topic);
  }),
  kafkaPredicate('HasHeaderKey', headerConfig, ({ name }) => {
    return ({ headers }) => headers.some(({ key }) => key === name);
  }),
  kafkaPredicate(
    'RecordIsTombstone',
    {},
    () =>
      ({ value }) =>
        value === null || value === undefined,
  ),
];
