// Outsiders: other people's clients and tools, each tried by a suite of its own against a broker of ours.

/** What became of one case. */
export interface Outcome {
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or what went wrong, in a line. */
  readonly why?: string;
}

/** The broker that is tried. */
export interface Target {
  /** `host:port`, without TLS and logins. */
  readonly address: string;
  /** The same broker where logins by PLAIN and SCRAM are wanted. */
  readonly login: string;
  readonly username: string;
  readonly password: string;
}

export interface Suite {
  readonly name: string;
  /** Whose, and what it covers. */
  readonly about: string;
  /** Of the broker, beside those of all suites. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Fetches what it needs into a folder that is kept; answers what is missing on this machine, undefined: nothing. */
  prepare(cache: string): Promise<string | undefined>;
  /** `isQuick`: with fewer records, and the shorter cases only. */
  run(target: Target, cache: string, isQuick: boolean): Promise<Outcome[]>;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countsOf(outcomes: readonly Outcome[]): Counts {
  const count = (result: Outcome['result']): number => outcomes.filter((each) => each.result === result).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}
