/** Calls of one function and what each should give; `evaluate` of test/sql/support.ts says how that is written. */
export type Calls = Readonly<Record<string, string>>;
