import { kafkaTools } from './kafka-tools.ts';
import { kgo } from './kgo.ts';
import { pythonSuites } from './python.ts';
import { librdkafka } from './librdkafka.ts';
import type { Suite } from './suite.ts';
import { vitestSuites } from './vitest-suites.ts';

/** All of them, in the order in which they are run. */
export const suites: readonly Suite[] = [...vitestSuites, ...pythonSuites, kafkaTools, kgo, librdkafka];
