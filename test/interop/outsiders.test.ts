// Clients for Python and Apache Kafka's tools for Java, as `npm run interop -- --quick` tries them: what they need is fetched from
// their registries, once.
import { expect, test } from 'vitest';
import { suites } from '../../tools/interop/suites.ts';
import { trySuite } from '../../tools/interop/try-suite.ts';

test.for(['kafka-python', 'aiokafka', 'confluent-kafka', 'kafka-tools'])(
  '%s',
  { timeout: 240_000 },
  async (name, { skip }) => {
    const tried = await trySuite(suites.find((suite) => suite.name === name)!, true);
    if ('missing' in tried) {
      console.log(`skipped: ${name}, because ${tried.missing}`);
      skip(tried.missing);
      return;
    }
    expect(tried.outcomes.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(tried.outcomes.filter(({ result }) => result === 'passed').length).toBeGreaterThan(5);
  },
);
