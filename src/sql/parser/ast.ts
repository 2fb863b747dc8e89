/**
 * What SQL text means, as plain data: every node is discriminated by `kind`. Names are as the engine keeps them (bare
 * words folded to upper case, quoted ones as written). `at` says where in the text a node came from; nodes that the
 * engine made itself have none.
 */
export interface Location {
  /** 1-based, as in every message. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

interface Node {
  readonly at?: Location;
}

// --- types -----------------------------------------------------------------------------------------------------------

/** A type as written: it may name a custom type that only the catalogue knows. */
export type TypeNode =
  | { readonly kind: 'named'; readonly name: string; readonly parameters: readonly string[] }
  | { readonly kind: 'array'; readonly item: TypeNode }
  | { readonly kind: 'map'; readonly key: TypeNode; readonly value: TypeNode }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: TypeNode }[] };

// --- expressions -----------------------------------------------------------------------------------------------------

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IS DISTINCT FROM' | 'IS NOT DISTINCT FROM';

export interface ColumnReference extends Node {
  readonly kind: 'column';
  readonly source?: string | undefined;
  readonly name: string;
}

export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
  /** `f(*)`: only aggregates understand it. */
  readonly star?: boolean;
  /** `f(DISTINCT …)`: each value counts once. */
  readonly distinct?: boolean;
  /** FILTER (WHERE …): the rows that an aggregate sees. */
  readonly filter?: Expression;
  readonly over?: Over;
  /** The first word of it that ksqlDB does not know. */
  readonly extensionAt?: Location;
}

/** OVER (…): the rows beside the one that a function is called for, and their order. */
export interface Over {
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly Ordering[];
}

export interface WhenClause {
  readonly when: Expression;
  readonly result: Expression;
}

export type Expression =
  | (Node & { readonly kind: 'null' })
  | (Node & { readonly kind: 'boolean'; readonly value: boolean })
  | (Node & { readonly kind: 'integer'; readonly value: number })
  | (Node & { readonly kind: 'bigint'; readonly value: bigint })
  | (Node & { readonly kind: 'decimal'; readonly text: string })
  | (Node & { readonly kind: 'double'; readonly value: number })
  | (Node & { readonly kind: 'string'; readonly value: string })
  | ColumnReference
  | Call
  | (Node & { readonly kind: 'dereference'; readonly base: Expression; readonly field: string })
  | (Node & { readonly kind: 'structAll'; readonly base: Expression })
  | (Node & { readonly kind: 'subscript'; readonly base: Expression; readonly index: Expression })
  | (Node & {
      readonly kind: 'arithmetic';
      readonly op: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & { readonly kind: 'unary'; readonly op: '+' | '-'; readonly operand: Expression })
  | (Node & {
      readonly kind: 'comparison';
      readonly op: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & {
      readonly kind: 'logical';
      readonly op: 'AND' | 'OR';
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & { readonly kind: 'not'; readonly operand: Expression })
  | (Node & { readonly kind: 'isNull'; readonly operand: Expression; readonly negated: boolean })
  | (Node & {
      readonly kind: 'between';
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
    })
  | (Node & { readonly kind: 'in'; readonly operand: Expression; readonly items: readonly Expression[] })
  | (Node & {
      readonly kind: 'like';
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape?: string | undefined;
    })
  | (Node & {
      readonly kind: 'searchedCase';
      readonly whens: readonly WhenClause[];
      readonly otherwise?: Expression | undefined;
    })
  | (Node & {
      readonly kind: 'simpleCase';
      readonly operand: Expression;
      readonly whens: readonly WhenClause[];
      readonly otherwise?: Expression | undefined;
    })
  | (Node & { readonly kind: 'cast'; readonly operand: Expression; readonly type: TypeNode })
  | (Node & {
      readonly kind: 'array';
      readonly items: readonly Expression[];
      /** The type of the items, where it is known without them: in rows that come as JSON. */
      readonly item?: TypeNode;
    })
  | (Node & {
      readonly kind: 'map';
      readonly entries: readonly { readonly key: Expression; readonly value: Expression }[];
      /** As `item` of an array. */
      readonly entry?: { readonly key: TypeNode; readonly value: TypeNode };
    })
  | (Node & {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly value: Expression }[];
    })
  | (Node & { readonly kind: 'lambda'; readonly parameters: readonly string[]; readonly body: Expression })
  | (Node & { readonly kind: 'unit'; readonly unit: TimeUnit });

export type TimeUnit = 'DAYS' | 'HOURS' | 'MINUTES' | 'SECONDS' | 'MILLISECONDS';

// --- queries ---------------------------------------------------------------------------------------------------------

export type SelectItem =
  | (Node & { readonly kind: 'all'; readonly source?: string | undefined })
  | (Node & { readonly kind: 'item'; readonly expression: Expression; readonly alias?: string | undefined });

export interface AliasedSource extends Node {
  readonly name: string;
  readonly alias: string;
  /** Its rows are those of a query, or of several (UNION ALL): it has no name in the catalogue. */
  readonly queries?: readonly Query[] | undefined;
}

export type JoinType = 'INNER' | 'LEFT' | 'RIGHT' | 'FULL';

export interface Within {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs?: number | undefined;
}

export interface Join extends Node {
  readonly type: JoinType;
  readonly source: AliasedSource;
  readonly within?: Within | undefined;
  readonly on: Expression;
}

export interface Duration {
  readonly amount: number;
  readonly unit: TimeUnit;
}

export interface WindowClause {
  readonly type: 'TUMBLING' | 'HOPPING' | 'SESSION';
  readonly name?: string | undefined;
  /** The size, or a session's gap. */
  readonly size: Duration;
  readonly advance?: Duration | undefined;
  readonly retention?: Duration | undefined;
  readonly grace?: Duration | undefined;
  /** Its time is that of the wall clock when a row comes to it. */
  readonly ofProcessing?: boolean | undefined;
}

export interface Ordering extends Node {
  readonly expression: Expression;
  readonly descending: boolean;
  /** Undefined: behind all values, or before them where it is descending. */
  readonly nulls?: 'FIRST' | 'LAST' | undefined;
}

export interface Query extends Node {
  readonly distinct?: boolean | undefined;
  readonly select: readonly SelectItem[];
  readonly from: AliasedSource;
  readonly joins: readonly Join[];
  readonly window?: WindowClause | undefined;
  readonly where?: Expression | undefined;
  readonly groupBy?: readonly Expression[] | undefined;
  readonly partitionBy?: readonly Expression[] | undefined;
  readonly having?: Expression | undefined;
  readonly emit?: 'CHANGES' | 'FINAL' | undefined;
  /** EMIT FINAL AFTER: windows close by the wall clock when no rows have come for so long. */
  readonly emitAfter?: Duration | undefined;
  readonly orderBy?: readonly Ordering[] | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** The first word that ksqlDB does not know. */
  readonly extensionAt?: Location | undefined;
}

// --- statements ------------------------------------------------------------------------------------------------------

export type SourceKind = 'STREAM' | 'TABLE';
export type Literal = string | number | boolean | bigint;
/** A WITH clause: names in upper case. */
export type Properties = ReadonlyMap<string, Literal>;

export interface ColumnElement extends Node {
  readonly name: string;
  readonly type: TypeNode;
  readonly constraint?: 'KEY' | 'PRIMARY KEY' | 'HEADERS' | undefined;
  /** The key of `HEADER('key')`. */
  readonly headerKey?: string | undefined;
}

export interface CreateSource extends Node {
  readonly kind: 'createSource';
  readonly type: SourceKind;
  readonly name: string;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  /** CREATE SOURCE ...: read-only. */
  readonly isSource: boolean;
  readonly elements: readonly ColumnElement[];
  readonly properties: Properties;
  /** The first word that ksqlDB does not know. */
  readonly extensionAt?: Location | undefined;
}

export interface CreateAsSelect extends Node {
  readonly kind: 'createAsSelect';
  readonly type: SourceKind;
  readonly name: string;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly properties: Properties;
  readonly query: Query;
}

export interface InsertIntoSelect extends Node {
  readonly kind: 'insertIntoSelect';
  readonly target: string;
  readonly targetAt?: Location | undefined;
  readonly properties: Properties;
  readonly query: Query;
}

export interface InsertValues extends Node {
  readonly kind: 'insertValues';
  readonly target: string;
  readonly columns: readonly string[];
  readonly values: readonly Expression[];
}

/** The rows of a table for which a condition is true go. */
export interface DeleteRows extends Node {
  readonly kind: 'deleteRows';
  readonly target: string;
  readonly where: Expression;
}

/** The rows of a table for which a condition is true get other values. */
export interface UpdateRows extends Node {
  readonly kind: 'updateRows';
  readonly target: string;
  readonly set: readonly (Node & { readonly column: string; readonly value: Expression })[];
  readonly where: Expression;
}

export interface CreateFunction extends Node {
  readonly kind: 'createFunction';
  readonly name: string;
  readonly orReplace: boolean;
  readonly parameters: readonly FunctionParameter[];
  readonly returns: TypeNode;
  readonly language: string;
  /** A path in the extension directory. */
  readonly module: string;
  /** What the module exports it as; undefined: by default. */
  readonly exported: string | undefined;
  /** What the module's content has to be. */
  readonly hash: string | undefined;
}

/** What rows of a table are found by besides its key. */
export interface CreateIndex extends Node {
  readonly kind: 'createIndex';
  readonly name: string;
  readonly ifNotExists: boolean;
  readonly table: string;
  readonly columns: readonly string[];
  /** Where INDEX stands. */
  readonly wordAt: Location;
}

export interface FunctionParameter {
  readonly name: string;
  readonly type: TypeNode;
  /** It may come any number of times. */
  readonly isVariadic: boolean;
}

export type Statement =
  | CreateSource
  | CreateAsSelect
  | InsertIntoSelect
  | InsertValues
  | DeleteRows
  | UpdateRows
  | (Node & { readonly kind: 'query'; readonly query: Query })
  | (Node & {
      readonly kind: 'dropSource';
      readonly type: SourceKind;
      readonly name: string;
      readonly ifExists: boolean;
      readonly deleteTopic: boolean;
    })
  | (Node & {
      readonly kind: 'alterSource';
      readonly type: SourceKind;
      readonly name: string;
      readonly add: readonly { readonly name: string; readonly type: TypeNode }[];
    })
  | (Node & {
      readonly kind: 'createType';
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly type: TypeNode;
    })
  | (Node & { readonly kind: 'dropType'; readonly name: string; readonly ifExists: boolean })
  | CreateFunction
  | CreateIndex
  | (Node & {
      readonly kind: 'dropIndex';
      readonly name: string;
      readonly ifExists: boolean;
      readonly wordAt: Location;
    })
  | (Node & { readonly kind: 'dropFunction'; readonly name: string; readonly ifExists: boolean })
  | (Node & {
      readonly kind: 'createConnector';
      readonly type: 'SOURCE' | 'SINK';
      readonly name: string;
      readonly ifNotExists: boolean;
      /** What Connect is told: names as they are written. */
      readonly config: ReadonlyMap<string, Literal>;
    })
  | (Node & { readonly kind: 'dropConnector'; readonly name: string; readonly ifExists: boolean })
  /** Undefined id = ALL. */
  | (Node & { readonly kind: 'terminate' | 'pause' | 'resume'; readonly queryId?: string | undefined })
  | (Node & {
      readonly kind: 'explain';
      readonly queryId?: string | undefined;
      /** What the query has done is asked for, not how it would be carried out. */
      readonly analyzeAt?: Location | undefined;
      readonly statement?: Statement | undefined;
    })
  | (Node & {
      readonly kind: 'show';
      readonly what: ShowTopic;
      readonly extended: boolean;
      readonly all: boolean /** The word that ksqlDB does not know. */;
      readonly wordAt?: Location | undefined;
    })
  | (Node & { readonly kind: 'describe'; readonly name: string; readonly extended: boolean })
  | (Node & { readonly kind: 'describeAll'; readonly type: SourceKind; readonly extended: boolean })
  | (Node & { readonly kind: 'describeFunction'; readonly name: string })
  | (Node & { readonly kind: 'describeConnector'; readonly name: string })
  | (Node & {
      readonly kind: 'print';
      readonly topic: string;
      readonly fromBeginning: boolean;
      readonly interval?: number | undefined;
      readonly limit?: number | undefined;
    })
  | (Node & { readonly kind: 'set'; readonly name: string; readonly value: string })
  | (Node & { readonly kind: 'unset'; readonly name: string })
  | (Node & { readonly kind: 'alterSystem'; readonly name: string; readonly value: string })
  | (Node & { readonly kind: 'define'; readonly name: string; readonly value: string })
  | (Node & { readonly kind: 'undefine'; readonly name: string })
  | (Node & {
      readonly kind: 'assertTopic';
      readonly topic: string;
      readonly exists: boolean;
      readonly properties: Properties;
      readonly timeout?: Duration | undefined;
    })
  | (Node & {
      readonly kind: 'assertSchema';
      readonly subject?: string | undefined;
      readonly id?: number | undefined;
      readonly exists: boolean;
      readonly timeout?: Duration | undefined;
    });

export type ShowTopic =
  | 'PROPERTIES'
  | 'TOPICS'
  | 'STREAMS'
  | 'TABLES'
  | 'INDEXES'
  | 'FUNCTIONS'
  | 'CONNECTORS'
  | 'SOURCE CONNECTORS'
  | 'SINK CONNECTORS'
  | 'CONNECTOR PLUGINS'
  | 'TYPES'
  | 'VARIABLES'
  | 'QUERIES';

/** One statement of a script. */
export interface ParsedStatement {
  readonly statement: Statement;
  /** Its text, with the semicolon, without what surrounds it. */
  readonly text: string;
}
