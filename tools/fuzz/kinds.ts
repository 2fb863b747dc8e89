import { fuzzFrames } from './frame-fuzz.ts';
import { fuzzHttp } from './http-fuzz.ts';
import type { FuzzOptions, Outcome } from './outcome.ts';
import { fuzzRecords } from './record-fuzz.ts';
import { fuzzSasl } from './sasl-fuzz.ts';
import { fuzzSchemas } from './schema-fuzz.ts';
import { fuzzSql } from './sql-fuzz.ts';

interface Kind {
  readonly fuzz: (options: FuzzOptions) => Promise<Outcome>;
  /** How many inputs make about a minute. */
  readonly tries: number;
}

/** What the platform is fuzzed with. */
export const KINDS = {
  frames: { fuzz: fuzzFrames, tries: 300_000 },
  sql: { fuzz: fuzzSql, tries: 80_000 },
  schemas: { fuzz: fuzzSchemas, tries: 60_000 },
  records: { fuzz: fuzzRecords, tries: 800_000 },
  http: { fuzz: fuzzHttp, tries: 20_000 },
  sasl: { fuzz: fuzzSasl, tries: 30_000 },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
