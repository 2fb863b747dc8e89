// What EXPLAIN CREATE OR REPLACE answers besides the plan: what would become of the query that is running.

/** What would become of a query that is replaced. */
export interface Replacement {
  /** The query that would be replaced. */
  readonly queryId: string;
  /** Whether the statement would be carried out. */
  readonly allowed: boolean;
  /** Why it is not allowed. */
  readonly refusal: string | null;
  /** Of the result, the keys' among them. */
  readonly columns: {
    readonly added: readonly { readonly name: string; readonly type: string }[];
    readonly removed: readonly { readonly name: string; readonly type: string }[];
    readonly changed: readonly { readonly name: string; readonly before: string; readonly after: string }[];
  };
  /** `kept`: its rows are gone on with; `rebuilt`: they mean something else, and can't be. */
  readonly stores: readonly { readonly store: string; readonly state: 'kept' | 'rebuilt' | 'new' | 'dropped' }[];
  /** Where results are written with registered schemas. */
  readonly subjects: readonly { readonly subject: string; readonly changes: boolean; readonly schema: string }[];
  /** The queries that read the result. */
  readonly downstream: readonly { readonly queryId: string; readonly breaks: boolean; readonly effect: string }[];
  /** What happens, where it is allowed; what to do instead, where it is not. */
  readonly steps: readonly string[];
}
