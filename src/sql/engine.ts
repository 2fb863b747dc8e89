/**
 * The life of a statement: text is split and parsed as a whole (what has variables, when they are known); then, one by one, each statement's meaning is built and
 * carried out here. DDL changes the catalogue. A persistent query is analysed and planned (`plan/planner.ts`), its plan is
 * compiled to a topology of the Streams library (`compile/topology.ts`), and plan and topology go to the executor, which
 * runs them: on Kafka in a server, in a test driver in tests.
 */
import type { SchemaSource } from '../serde/index.ts';
import { type Environment, faultOf } from '../util/index.ts';
import { checkExtensions, hintOf, isPlain } from './analysis/extensions.ts';
import { Catalog } from './catalog.ts';
import type { ProcessingLog } from './compile/flow.ts';
import { StatementError } from './errors.ts';
import type { FunctionCatalog } from './functions/function.ts';
import { builtInFunctions } from './functions/index.ts';
import type { ParsedStatement, Statement } from './parser/ast.ts';
import { type ScriptStatement, splitScript } from './parser/parse.ts';
import { defaultOf } from './settings.ts';
import { SyntaxError } from './parser/syntax-error.ts';
import { NO_VARIABLES } from './parser/variables.ts';
import type {
  EngineContext,
  PersistentQuery,
  QueryExecutor,
  RecordWriter,
  Settings,
  PreparedStatement,
  StatementResult,
  Topics,
} from './statements/context.ts';
import { createSource } from './statements/create-source.ts';
import { alterSource, createType, dropSource, dropType, terminate } from './statements/drop.ts';
import { createFunction, dropFunction } from './statements/functions.ts';
import type { Generators } from './statements/datagen.ts';
import { insertValues } from './statements/insert-values.ts';
import { createAsSelect, insertIntoSelect } from './statements/persistent-query.ts';

export interface SqlEngineOptions {
  readonly topics: Topics;
  readonly executor: QueryExecutor;
  readonly schemas?: SchemaSource | undefined;
  readonly writer?: RecordWriter | undefined;
  /** Without any, streams with CONNECTOR='datagen' have no rows. */
  readonly generators?: Generators | undefined;
  readonly functions?: FunctionCatalog | undefined;
  /** Where time, chance and ids come from; default: the system. */
  readonly environment?: Environment | undefined;
  /** `ksql.*` properties. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly log?: ProcessingLog | undefined;
  /** Numbers for the ids of queries; default: 0, 1, 2, … */
  readonly nextQueryNumber?: (() => number) | undefined;
}

export class SqlEngine {
  readonly catalog = new Catalog();
  readonly functions: FunctionCatalog;
  readonly #context: EngineContext;
  readonly #settings: Readonly<Record<string, string>>;

  constructor(options: SqlEngineOptions) {
    this.functions = options.functions ?? builtInFunctions(options.environment);
    this.#settings = options.settings ?? {};
    let queryNumber = 0;
    this.#context = {
      catalog: this.catalog,
      functions: this.functions,
      extensionDir: this.#settings['ksql.extension.dir'] ?? '',
      topics: options.topics,
      schemas: options.schemas,
      writer: options.writer,
      generators: options.generators,
      executor: options.executor,
      log: options.log ?? (() => undefined),
      queries: new Map(),
      nextQueryNumber: options.nextQueryNumber ?? (() => queryNumber++),
    };
  }

  /** Running persistent queries by id. */
  get queries(): ReadonlyMap<string, PersistentQuery> {
    return this.#context.queries;
  }

  /** What statements that are carried out elsewhere need: queries, SHOW, and the like. */
  get context(): EngineContext {
    return this.#context;
  }

  /** A setting as a session sees it. */
  settings(overrides: Readonly<Record<string, string>> = {}): Settings {
    return (name) => overrides[name] ?? this.#settings[name];
  }

  /** The statements of a script, each to be read with the variables that are defined by then. */
  split(text: string, overrides: Readonly<Record<string, string>> = {}): ScriptStatement[] {
    const setting = (name: string): number => Number(this.#settings[name] ?? defaultOf(name));
    const limits = { tokens: setting('ksql.parser.max.tokens'), nesting: setting('ksql.parser.max.nesting') };
    const hinted = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        throw error instanceof SyntaxError && !isPlain(this.settings(overrides)) ? error.hinted() : error;
      }
    };
    const statements = hinted(() => splitScript(text, limits));
    return statements.map((each) => ({ parse: (variables) => hinted(() => each.parse(variables)) }));
  }

  parse(text: string): ParsedStatement[] {
    return this.split(text).map((statement) => statement.parse(NO_VARIABLES));
  }

  /** Carries out all statements of a text, in order; the first failure stops the rest. */
  async execute(text: string, overrides: Readonly<Record<string, string>> = {}): Promise<StatementResult[]> {
    const results: StatementResult[] = [];
    for (const parsed of this.parse(text)) results.push(await this.executeStatement(parsed, overrides));
    return results;
  }

  async executeStatement(
    parsed: ParsedStatement,
    overrides: Readonly<Record<string, string>> = {},
  ): Promise<StatementResult> {
    const { result, carryOut } = await this.prepare(parsed, overrides);
    await carryOut();
    return result;
  }

  /**
   * Checks a statement against everything that could refuse it. Throws `StatementError` and `SyntaxError`, which name it.
   * `context`: another one than the engine's own, which the statement is then carried out on.
   */
  async prepare(
    parsed: ParsedStatement,
    overrides: Readonly<Record<string, string>> = {},
    context = this.#context,
  ): Promise<PreparedStatement> {
    const statement = this.#statementOf(parsed, overrides);
    const setting = this.settings(overrides);
    // What was accepted once stays accepted.
    const isNew = !context.topics.areRepeated;
    if (isNew && 'query' in statement) checkExtensions(statement.query, parsed.text, setting);
    if (isNew && statement.kind === 'createSource') checkExtensions(statement, parsed.text, setting);
    try {
      const { result, carryOut } = await this.#prepare(context, statement, setting);
      return { result, carryOut: () => this.#named(parsed, overrides, async () => carryOut()) };
    } catch (error) {
      throw this.#withStatement(parsed, error, overrides);
    }
  }

  #statementOf(parsed: ParsedStatement, overrides: Readonly<Record<string, string>>): Statement {
    try {
      return parsed.statement;
    } catch (error) {
      throw this.#withStatement(parsed, error, overrides);
    }
  }

  async #named(
    parsed: ParsedStatement,
    overrides: Readonly<Record<string, string>>,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw this.#withStatement(parsed, error, overrides);
    }
  }

  #withStatement(parsed: ParsedStatement, error: unknown, overrides: Readonly<Record<string, string>>): Error {
    const hint = hintOf(error, this.settings(overrides));
    if (error instanceof SyntaxError) {
      return new SyntaxError(
        `Failed to prepare statement: ${error.message}${hint}\nStatement: ${parsed.text}`,
        error.location,
      );
    }
    const text = (error instanceof StatementError ? error.statementText : undefined) ?? parsed.text;
    const message = `${faultOf(error)}${hint}\nStatement: ${text}`;
    return new StatementError(message, { statementText: text, cause: error, hint: '' });
  }

  #prepare(
    context: EngineContext,
    statement: Statement,
    setting: Settings,
  ): PreparedStatement | Promise<PreparedStatement> {
    switch (statement.kind) {
      case 'createSource':
        return createSource(context, statement, setting);
      case 'createAsSelect':
        return createAsSelect(context, statement, setting);
      case 'insertIntoSelect':
        return insertIntoSelect(context, statement, setting);
      case 'insertValues':
        return insertValues(context, statement, setting);
      case 'dropSource':
        return dropSource(context, statement);
      case 'alterSource':
        return alterSource(context, statement);
      case 'createType':
        return createType(context, statement);
      case 'dropType':
        return dropType(context, statement);
      case 'createFunction':
        return createFunction(context, statement, setting);
      case 'dropFunction':
        return dropFunction(context, statement);
      case 'terminate':
        return terminate(context, statement.queryId);
      default:
        throw new StatementError(
          `Statements of the kind '${statement.kind}' are not carried out by the engine itself.`,
        );
    }
  }
}
