// Where we answer otherwise than Apache Kafka, on purpose.
import type { Meant } from './compare.ts';

export const MEANT: readonly Meant[] = [];
