// Functions of SQL in TypeScript: what a module in the extension directory exports. A definition is plain data; whoever
// loads the module reads it. The types of arguments and results are those of the SQL types that it names.

/**
 * What a function is given, and gives, for a type of SQL: BOOLEAN boolean, INT and DOUBLE number, BIGINT bigint, DECIMAL its
 * digits as a string, STRING string, BYTES Buffer, DATE and TIME strings (`2026-03-01`, `12:30:00`), TIMESTAMP `Date`,
 * ARRAY array, MAP and STRUCT objects, whose parts may be null. A single upper-case letter stands for any type, the same one
 * wherever it stands.
 */
export type SqlOf<T extends string, Missing = null> = T extends 'BOOLEAN'
  ? boolean
  : T extends 'INT' | 'INTEGER' | 'DOUBLE'
    ? number
    : T extends 'BIGINT'
      ? bigint
      : T extends 'STRING' | 'DATE' | 'TIME' | `DECIMAL${string}`
        ? string
        : T extends 'BYTES'
          ? Buffer
          : T extends 'TIMESTAMP'
            ? Date
            : T extends `ARRAY<${infer Item}>`
              ? readonly (SqlOf<Item, Missing> | Missing)[]
              : T extends `MAP<${string}, ${infer Value}>`
                ? Readonly<Record<string, SqlOf<Value, Missing> | Missing>>
                : T extends `STRUCT<${infer Fields}>`
                  ? { readonly [F in Parts<Fields>[number] as NameOf<F>]: SqlOf<TypeOf<F>, Missing> | Missing }
                  : unknown;

/** A list, split at the commas that are outside of brackets. */
type Parts<
  S extends string,
  Part extends string = '',
  Depth extends unknown[] = [],
> = S extends `${infer C}${infer Rest}`
  ? C extends '<' | '('
    ? Parts<Rest, `${Part}${C}`, [...Depth, C]>
    : C extends '>' | ')'
      ? Parts<Rest, `${Part}${C}`, Depth extends [unknown, ...infer Outer] ? Outer : []>
      : C extends ','
        ? Depth extends []
          ? [Part, ...Parts<Rest>]
          : Parts<Rest, `${Part}${C}`, Depth>
        : Parts<Rest, `${Part}${C}`, Depth>
  : [Part];

type NameOf<Field extends string> = Field extends ` ${infer Rest}`
  ? NameOf<Rest>
  : Field extends `${infer Name} ${string}`
    ? Name
    : never;

type TypeOf<Field extends string> = Field extends ` ${infer Rest}`
  ? TypeOf<Rest>
  : Field extends `${string} ${infer Type}`
    ? Type
    : never;

type Argument<T extends string, Nulls> = Nulls extends true ? SqlOf<T> | null : SqlOf<T>;

/** The arguments' values; those of a last type with `...` come any number of times. */
export type ArgumentsOf<A extends readonly string[], Nulls> = A extends readonly [
  ...infer First extends readonly string[],
  `${infer Last}...`,
]
  ? [...Each<First, Nulls>, ...Argument<Last, Nulls>[]]
  : Each<A, Nulls>;

type Each<A extends readonly string[], Nulls> = { -readonly [I in keyof A]: Argument<A[I], Nulls> };

interface Described<A extends readonly string[], Nulls extends boolean> {
  /** What it is called in SQL; default: as the module exports it, in upper case. Several with one name are its overloads. */
  readonly name?: string;
  readonly description?: string;
  /** The types of its arguments: `['STRING', 'ARRAY<T>', 'INT...']`. */
  readonly args: A;
  /** Call it with nulls, too. Default: a null argument makes null of a scalar, no rows, and no difference to an aggregate. */
  readonly takesNulls?: Nulls;
}

export interface ScalarDefinition<
  A extends readonly string[] = readonly string[],
  R extends string = string,
  Nulls extends boolean = boolean,
> extends Described<A, Nulls> {
  readonly returns: R;
  readonly evaluate: (...args: ArgumentsOf<A, Nulls>) => SqlOf<R> | null;
}

/** What a function that is waited for is told about its call. */
export interface FunctionCall {
  /** Aborted when the call has taken too long, or nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** 1, 2, … */
  readonly attempt: number;
}

export interface AsyncDefinition<
  A extends readonly string[] = readonly string[],
  R extends string = string,
  Nulls extends boolean = boolean,
> extends Described<A, Nulls> {
  readonly returns: R;
  /** Calls under way at a time, per partition. Default 16. */
  readonly concurrency?: number;
  /** A call that takes longer has failed. Default 30,000. */
  readonly timeoutMs?: number;
  /** Further attempts behind one that failed. Default 0. */
  readonly retries?: number;
  /** Before the first of them; it doubles each time. Default 100. */
  readonly retryDelayMs?: number;
  readonly evaluate: (call: FunctionCall, ...args: ArgumentsOf<A, Nulls>) => Promise<SqlOf<R> | null>;
}

export interface AggregateDefinition<
  A extends readonly string[] = readonly string[],
  S extends string = string,
  R extends string = string,
  Nulls extends boolean = boolean,
> extends Described<A, Nulls> {
  readonly returns: R;
  /** The type in which what a group has so far is kept. */
  readonly state: S;
  readonly initial: () => SqlOf<S, never>;
  readonly add: (state: SqlOf<S, never>, ...args: ArgumentsOf<A, Nulls>) => SqlOf<S, never>;
  /** Takes back an earlier `add`: needed for aggregates over tables. */
  readonly undo?: (state: SqlOf<S, never>, ...args: ArgumentsOf<A, Nulls>) => SqlOf<S, never>;
  /** Makes one state of two, of which the first is the earlier one, as session windows that grow together need it. */
  readonly merge: (a: SqlOf<S, never>, b: SqlOf<S, never>) => SqlOf<S, never>;
  /** The result is another one when rows come in another order: its queries bring them together by their times. */
  readonly dependsOnOrder?: boolean;
  /** Default: the state itself. */
  readonly result?: (state: SqlOf<S, never>) => SqlOf<R> | null;
}

export interface TableDefinition<
  A extends readonly string[] = readonly string[],
  R extends string = string,
  Nulls extends boolean = boolean,
> extends Described<A, Nulls> {
  /** The type of the column that its rows make. */
  readonly returns: R;
  readonly rows: (...args: ArgumentsOf<A, Nulls>) => Iterable<SqlOf<R> | null>;
}

const kind = Symbol.for('millrace.sql.function');

export type DefinitionKind = 'scalar' | 'async' | 'aggregate' | 'table';

/** A function of one row: `SELECT greet(name) FROM people …`. */
export function defineScalar<
  const A extends readonly string[],
  const R extends string,
  const Nulls extends boolean = false,
>(definition: ScalarDefinition<A, R, Nulls>): ScalarDefinition<A, R, Nulls> {
  return { ...definition, [kind]: 'scalar' } as ScalarDefinition<A, R, Nulls>;
}

/** A function of one row that is waited for. It can stand in the SELECT of a query over streams. */
export function defineAsync<
  const A extends readonly string[],
  const R extends string,
  const Nulls extends boolean = false,
>(definition: AsyncDefinition<A, R, Nulls>): AsyncDefinition<A, R, Nulls> {
  return { ...definition, [kind]: 'async' } as AsyncDefinition<A, R, Nulls>;
}

/** A function of all rows of a group. */
export function defineAggregate<
  const A extends readonly string[],
  const S extends string,
  const R extends string,
  const Nulls extends boolean = false,
>(definition: AggregateDefinition<A, S, R, Nulls>): AggregateDefinition<A, S, R, Nulls> {
  return { ...definition, [kind]: 'aggregate' } as AggregateDefinition<A, S, R, Nulls>;
}

/** A function that makes several rows of one. */
export function defineTable<
  const A extends readonly string[],
  const R extends string,
  const Nulls extends boolean = false,
>(definition: TableDefinition<A, R, Nulls>): TableDefinition<A, R, Nulls> {
  return { ...definition, [kind]: 'table' } as TableDefinition<A, R, Nulls>;
}

/** Which kind of definition an exported value is; undefined: none. */
export function definitionKindOf(value: unknown): DefinitionKind | undefined {
  return typeof value === 'object' && value !== null && kind in value ? (value[kind] as DefinitionKind) : undefined;
}
