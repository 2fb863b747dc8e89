// The SQL service: an engine on a cluster. What changes the catalogue or the queries goes to the command log and is
// carried out one after another; what only looks, and queries of clients, run beside it.
//
// A start: replay the command log with the queries held back → start those that are left → answer.
import type { Client } from '../../client/index.ts';
import type { HealthCheck, ServiceMetrics } from '../../rim/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import {
  codeOf,
  type Environment,
  type GivenSettings,
  type JsonValue,
  messageOf,
  MillraceError,
  randomUuid,
  systemEnvironment,
} from '../../util/index.ts';
import { changedRows } from './changed-rows.ts';
import { commandIdOf, isOfFiles } from './command-id.ts';
import { asRefusal, refuseIn } from './refusals.ts';
import { CommandLog, type LoggedCommand } from './command-log.ts';
import { checkExtensions, checkStatement, isPlain } from '../analysis/extensions.ts';
import { SqlEngine } from '../engine.ts';
import type { Entity, ResultFormat, RunningQuery } from '../statements/entities.ts';
import { refuse, StatementError } from '../errors.ts';
import { builtInFunctions } from '../functions/index.ts';
import type { ParsedStatement, Query, Statement } from '../parser/ast.ts';
import type { ScriptStatement } from '../parser/parse.ts';
import { syntaxErrorNear } from '../parser/syntax-error.ts';
import { sourceSteps } from '../plan/plan.ts';
import { NO_VARIABLES, type Variables } from '../parser/variables.ts';
import { explainAnalyze } from '../queries/diagnosis/explain-analyze.ts';
import type { AnalyzedQuery } from '../queries/diagnosis/evidence.ts';
import { createIndex, dropIndex } from '../queries/indexes.ts';
import { lateStart } from '../queries/late-start.ts';
import { LocalHost } from '../queries/local-host.ts';
import { KafkaExecutor } from '../queries/persistent.ts';
import { type PrintedTopic, printTopic } from '../queries/print-topic.ts';
import { explainPull } from '../queries/explain-pull.ts';
import { startPull } from '../queries/pull.ts';
import { problemLog } from '../queries/problems.ts';
import { isScalablePush, startPush } from '../queries/push.ts';
import { RemoteHost } from '../queries/remote-host.ts';
import { Datagen } from './datagen.ts';
import { CommandProgress } from './command-progress.ts';
import { Connectors } from './connectors.ts';
import type { CommandStatus, SqlServiceOptions } from './options.ts';
import { ProcessingLogTopic } from './processing-log.ts';
import { notForStatements, rehearse } from './rehearsal.ts';
import { ReplayedQueries, ReplayedTopics } from './replay.ts';
import { SchemaUses } from './schema-uses.ts';
import { Turns } from './turns.ts';
import { NO_CONTEXT, type RequestContext, Session, withoutEffect } from './session.ts';
import { defaultOf, isEditable, isWithoutEffect, normalizeSettings, propertyNamed } from '../settings.ts';
import { type Asserting, assertSchema, assertTopic } from '../statements/assert.ts';
import type { PreparedStatement, Settings } from '../statements/context.ts';
import {
  describe,
  describeAll,
  describeTopicSources,
  describeFunction,
  explain,
  queryToExplain,
  show,
} from '../statements/describe.ts';
import { changedFunctions, loadExtensions } from '../statements/functions.ts';
import type { Looking } from '../statements/looking.ts';
import { insertStatement } from '../statements/insert-json.ts';
import { clusterTopics, clusterWriter } from '../statements/cluster.ts';

export async function openSqlService(options: SqlServiceOptions): Promise<SqlService> {
  const settings = normalizeSettings(options.settings ?? {});
  const serviceId = settings['ksql.service.id'] ?? defaultOf('ksql.service.id')!;
  for (const name of Object.keys(options.settings ?? {}).filter(isWithoutEffect))
    options.log?.(withoutEffect(name).message);
  const clusterId = await options.client.admin().clusterId();
  if (options.script !== undefined) {
    const headless = new SqlService(options, settings, serviceId, undefined, clusterId);
    await headless.run(options.script);
    await headless.openProcessingLog();
    return headless;
  }
  const { log, commands } = await CommandLog.open(options.client, serviceId);
  const service = new SqlService(options, settings, serviceId, log, clusterId);
  await service.replay(commands);
  await service.openProcessingLog();
  return service;
}

export class SqlService {
  readonly version: string;
  readonly serviceId: string;
  readonly kafkaClusterId: string;
  readonly #client: Client;
  readonly #schemas: SchemaSource;
  readonly #engine: SqlEngine;
  readonly #executor: KafkaExecutor;
  /** Undefined in headless mode. */
  readonly #commands: CommandLog | undefined;
  /** As ALTER SYSTEM leaves them. */
  readonly #settings: Record<string, string>;
  readonly #log: (message: string) => void;
  readonly #environment: Environment;
  readonly #queries: ReplayedQueries;
  readonly #topics: ReplayedTopics;
  readonly #writer: ReturnType<typeof clusterWriter>;
  readonly #datagen: Datagen;
  readonly #statuses: Record<string, CommandStatus> = {};
  /** What the command log says and this service could not do; the next start tries it again. */
  readonly #undone: string[] = [];
  readonly #progress: CommandProgress;
  readonly #connectors: Connectors;
  readonly #problems: ProcessingLogTopic;
  readonly #transient = new Map<string, RunningQuery & { readonly sql: string }>();
  #queryNumber = 0;
  readonly #turns = new Turns();
  /** Statements that read rows and write them: none of them reads what another is about to write. */
  readonly #rowChanges = new Turns();

  constructor(
    options: SqlServiceOptions,
    settings: Record<string, string>,
    serviceId: string,
    commands: CommandLog | undefined,
    kafkaClusterId: string,
  ) {
    const { client, schemas, stateDir, version, log = () => {}, environment = systemEnvironment } = options;
    this.#environment = environment;
    this.#progress = new CommandProgress(environment);
    this.#connectors = new Connectors(() => settings['ksql.connect.url'] || options.connectUrl?.());
    this.version = version;
    this.serviceId = serviceId;
    this.kafkaClusterId = kafkaClusterId;
    this.#client = client;
    this.#schemas = schemas;
    this.#commands = commands;
    this.#settings = settings;
    this.#log = log;
    this.#problems = new ProcessingLogTopic({ client, serviceId, settings, environment, log });
    const functions = builtInFunctions(environment);
    this.#executor = new KafkaExecutor({
      client,
      serviceId,
      stateDir,
      environment,
      problem: (problem) => this.#problems.tell(problem),
      leftOut: (count) => this.#problems.leaveOut(count, 'they come faster than they are told'),
      log,
      hosts: (events, restarted) => {
        const { threads } = options;
        if (threads === undefined)
          return [new LocalHost({ client, schemas, functions, stateDir, environment, events })];
        const length = Number(settings['num.stream.threads'] ?? 0) || threads.defaultCount;
        return Array.from({ length }, (_, i) => {
          const host: RemoteHost = new RemoteHost({
            thread: threads.thread(i),
            schemas,
            events,
            onRestart: () => restarted(host),
          });
          return host;
        });
      },
    });
    this.#queries = new ReplayedQueries(this.#executor);
    this.#topics = new ReplayedTopics(clusterTopics(client.admin()));
    this.#writer = clusterWriter(client);
    this.#datagen = new Datagen({ client, schemas, environment, log });
    this.#engine = new SqlEngine({
      generators: this.#datagen,
      functions,
      topics: this.#topics,
      executor: this.#queries,
      schemas,
      writer: this.#writer,
      settings,
      environment,
      log: problemLog(log),
      nextQueryNumber: () => this.#queryNumber++,
    });
  }

  /** Makes the engine what the command log says, clears away what queries of clients left in a crash, then starts its queries. */
  async replay(commands: readonly LoggedCommand[]): Promise<void> {
    await loadExtensions(this.#engine.context, (problem) => this.#tellUndone(problem));
    for (const { statement, properties, queryId, sequence } of commands) {
      this.#progress.advance(sequence);
      const number = /_(\d+)$/.exec(queryId ?? '')?.[1];
      if (number !== undefined) this.#queryNumber = Number(number);
      try {
        const [parsed] = this.#engine.parse(statement);
        if (parsed === undefined) continue;
        const { carryOut } = await this.#prepare(parsed, normalizeSettings(properties as GivenSettings));
        await carryOut();
      } catch (error) {
        this.#tellUndone(`command ${sequence} can't be repeated: ${messageOf(error)}`);
      }
    }
    for (const change of changedFunctions(this.#engine.context)) this.#log(change);
    await this.#startAll();
  }

  /** Runs the statements of a file, as every start does: what one of them is refused for keeps the service from starting. */
  async run(script: string): Promise<void> {
    await this.#topics.end(() => {});
    await loadExtensions(this.#engine.context, (problem) => this.#tellUndone(problem));
    const session = this.#session(script, NO_CONTEXT);
    for (const statement of this.#engine.split(script)) {
      const parsed = statement.parse(this.#variablesOf(session));
      if (session.apply(parsed)) continue;
      if (!isOfFiles(parsed.statement))
        refuseIn(parsed, `The file of queries (ksql.queries.file) has a statement that is for clients: ${parsed.text}`);
      const { carryOut } = await this.#prepare(parsed, session.overrides);
      await carryOut();
    }
    if (this.#engine.queries.size === 0) refuse('The SQL file does not contain any persistent queries.');
    await this.#startAll();
  }

  async #startAll(): Promise<void> {
    await this.#topics.end((topic, error) =>
      this.#tellUndone(`the topic ${topic} can't be created: ${messageOf(error)}`),
    );
    await this.#executor.forgetAll('transient_');
    await this.#queries.end((queryId, error) => this.#log(`query ${queryId} does not start: ${messageOf(error)}`));
    this.#datagen.begin();
  }

  /** Makes the processing log's topic and stream, if the service is told to. */
  async openProcessingLog(): Promise<void> {
    try {
      const stream = await this.#problems.open();
      if (stream !== undefined && this.#engine.catalog.source(stream.name) === undefined)
        await this.execute(stream.statement);
    } catch (error) {
      this.#tellUndone(`there is no processing log: ${messageOf(error)}`);
    }
  }

  #tellUndone(problem: string): void {
    this.#undone.push(problem);
    this.#log(problem);
  }

  // ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs every statement of a text (`entities`) to its end. */
  async execute(text: string, context: RequestContext = NO_CONTEXT): Promise<Entity[]> {
    return Array.fromAsync(this.entities(text, context));
  }

  /**
   * Checks every statement of a text, then runs them in order, and gives what each answers; the first refusal ends it (`StatementError`,
   * `SyntaxError`, `SQL_ASSERTION`). What SET, UNSET, DEFINE and UNDEFINE say holds for the statements behind them.
   */
  async *entities(text: string, context: RequestContext = NO_CONTEXT): AsyncGenerator<Entity, void> {
    const session = this.#session(text, context);
    await this.#caughtUp(context);
    const statements = this.#engine.split(text, session.overrides);
    let checked = 0;
    for (const [i, statement] of statements.entries()) {
      // The last one is checked as it is carried out.
      if (i === checked && i < statements.length - 1)
        checked += await this.#rehearse(statements.slice(i), session.fork());
      const parsed = statement.parse(this.#variablesOf(session));
      if (session.apply(parsed)) continue;
      const entity = await this.#executeOne(parsed, session);
      if (entity !== undefined)
        yield {
          ...entity,
          statementText: parsed.text,
          warnings: [...(entity.warnings ?? []), ...session.warnings],
        };
    }
  }

  #rehearse(statements: readonly ScriptStatement[], session: Session): Promise<number> {
    return rehearse(statements, {
      engine: this.#engine.context,
      nextQueryNumber: this.#queryNumber,
      session,
      variables: () => this.#variablesOf(session),
      check: (parsed) => checkStatement(parsed, session.setting()),
      look: (parsed, engine) => this.#look(parsed, session, engine),
      prepare: (parsed, overrides, engine) => this.#prepare(parsed, overrides, engine),
    });
  }

  async #executeOne(parsed: ParsedStatement, session: Session): Promise<Entity | undefined> {
    const statement = parsed.statement;
    checkStatement(parsed, session.setting());
    switch (statement.kind) {
      case 'query':
      case 'print':
        throw notForStatements(parsed);
      case 'insertValues':
        await this.#engine.executeStatement(parsed, session.overrides);
        return undefined;
      case 'deleteRows':
      case 'updateRows':
        return this.#rowChanges.take(() =>
          changedRows(parsed, statement, {
            engine: this.#engine.context,
            executor: this.#executor,
            environment: this.#environment,
            setting: session.setting(),
          }),
        );
      default: {
        const answer = await this.#look(parsed, session);
        return answer ?? this.#change(parsed, statement, session);
      }
    }
  }

  /** SHOW, DESCRIBE, EXPLAIN, ASSERT; undefined for statements that change something. */
  async #look(parsed: ParsedStatement, session: Session, engine = this.#engine.context): Promise<Entity | undefined> {
    const { statement } = parsed;
    const look: Looking & Asserting = {
      engine,
      client: this.#client,
      environment: this.#environment,
      setting: session.setting(),
      overrides: session.overrides,
      variables: session.variables,
      host: session.host,
      stateOf: (queryId) => this.#executor.state(queryId),
      errorsOf: (queryId) => this.#executor.errorsOf(queryId),
      applicationId: (queryId) => this.#executor.applicationId(queryId),
      counts: (queryId) => this.#executor.counts(queryId),
      connectors: this.#connectors,
      explainPull: (query) => {
        const setting = session.setting();
        checkExtensions(query, parsed.text, setting);
        return explainPull(this.#engine.context, query, {
          setting,
          text: parsed.text,
          stateOf: (queryId) => this.#executor.state(queryId),
        });
      },
    };
    try {
      switch (statement.kind) {
        case 'show':
          return await show(look, statement);
        case 'describe':
          return await describe(look, statement.name, statement.extended);
        case 'describeAll':
          return await describeAll(look, statement);
        case 'describeFunction':
          return describeFunction(look, statement.name);
        case 'explain':
          return statement.analyzeAt === undefined
            ? await explain(look, statement)
            : await this.#explainAnalyze(parsed, statement, look);
        case 'assertTopic':
          return await assertTopic(look, statement);
        case 'assertSchema':
          return await assertSchema(look, statement);
        case 'createConnector':
        case 'dropConnector':
        case 'describeConnector':
          return await this.#connectors.carryOut(statement, {
            isRehearsal: engine !== this.#engine.context,
            sourcesOf: (topic) => describeTopicSources(look, topic),
          });
        default:
          return undefined;
      }
    } catch (error) {
      throw asRefusal(parsed, error, look.setting);
    }
  }

  async #explainAnalyze(
    { text }: ParsedStatement,
    { queryId = '', analyzeAt: at }: Extract<Statement, { kind: 'explain' }>,
    { engine, setting }: Looking,
  ): Promise<Entity> {
    if (isPlain(setting)) throw syntaxErrorNear('ANALYZE', at!, text);
    return explainAnalyze(this.#pushQuery(queryId) ?? queryToExplain(engine, queryId), {
      engine,
      client: this.#client,
      environment: this.#environment,
      queries: this.#executor,
    });
  }

  /** A push query that is open, by its id in any case: those ids have small letters. */
  #pushQuery(id: string): AnalyzedQuery | undefined {
    const found = this.#transient.entries().find(([known]) => known.toUpperCase() === id.toUpperCase());
    const root = found && this.#executor.rootOf(found[0]);
    if (root === undefined) return undefined;
    const [queryId, { sql }] = found!;
    const sources = [...new Set(sourceSteps(root).map(({ source }) => source))];
    return { queryId, sql, plan: { root, sources, sink: undefined } };
  }

  /**
   * Checks a statement, makes it durable, then carries it out: whatever stops that in the middle, the next start goes on
   * with it.
   */
  #change(parsed: ParsedStatement, statement: Statement, session: Session): Promise<Entity> {
    const commands = this.#commands;
    if (commands === undefined)
      return refuseIn(parsed, 'The service runs the statements of its file (ksql.queries.file), and takes no others.');
    return this.#turns.take(async () => {
      const before = new Set(this.#engine.queries.keys());
      const { result, carryOut } = await this.#prepare(parsed, session.overrides);
      if (result.kind === 'warning') return { '@type': 'warning_entity', message: result.message };
      const { message, queryId, repeatAs } = result;
      const commandSequenceNumber = await commands.append({
        statement: repeatAs ?? parsed.text,
        properties: session.overrides,
        ...(queryId === undefined ? {} : { queryId }),
      });
      try {
        await carryOut();
      } catch (error) {
        this.#tellUndone(`command ${commandSequenceNumber} was not carried out: ${messageOf(error)}`);
        throw error;
      } finally {
        this.#progress.advance(commandSequenceNumber);
      }
      const commandId = commandIdOf(statement);
      const commandStatus: CommandStatus = {
        status: 'SUCCESS',
        message,
        ...(queryId === undefined ? {} : { queryId }),
      };
      this.#statuses[commandId] = commandStatus;
      // One that replaces another goes on where that was.
      const warnings =
        queryId === undefined || before.has(queryId) ? [] : await this.#warningsOf(queryId, session.setting());
      return { '@type': 'currentStatus', commandId, commandStatus, commandSequenceNumber, warnings };
    });
  }

  async #warningsOf(queryId: string, setting: Settings): Promise<{ readonly message: string }[]> {
    const { catalog, queries } = this.#engine;
    const sources = queries.get(queryId)?.plan.sources.flatMap((name) => catalog.source(name) ?? []) ?? [];
    const message = await lateStart(this.#client, sources, setting);
    return message === undefined ? [] : [{ message }];
  }

  async #prepare(
    parsed: ParsedStatement,
    overrides: Readonly<Record<string, string>>,
    engine = this.#engine.context,
  ): Promise<PreparedStatement> {
    const statement = parsed.statement;
    if (statement.kind === 'alterSystem') return this.#alterSystem(statement);
    if (statement.kind === 'createIndex' || statement.kind === 'dropIndex') {
      try {
        return statement.kind === 'createIndex'
          ? createIndex(engine, statement, this.#engine.settings(overrides))
          : dropIndex(engine, statement, engine === this.#engine.context ? this.#executor : undefined);
      } catch (error) {
        throw asRefusal(parsed, error, this.#engine.settings(overrides));
      }
    }
    if (statement.kind !== 'pause' && statement.kind !== 'resume') {
      return this.#engine.prepare(parsed, overrides, engine);
    }
    const ids = statement.queryId === undefined ? [...engine.queries.keys()] : [statement.queryId];
    for (const queryId of ids) {
      if (!engine.queries.has(queryId)) return refuseIn(parsed, `Unknown queryId: ${queryId}`);
    }
    const isPause = statement.kind === 'pause';
    return {
      result: { kind: 'done', message: isPause ? 'Query paused.' : 'Query resumed.' },
      carryOut: async () => {
        for (const queryId of ids) await (isPause ? this.#queries.pause(queryId) : this.#queries.resume(queryId));
      },
    };
  }

  /** For the statements behind it, whoever sends them; queries keep the settings that they were started with. */
  #alterSystem({ name, value }: Extract<Statement, { kind: 'alterSystem' }>): PreparedStatement {
    const changed = normalizeSettings({ [name]: value });
    if (!isEditable(name)) refuse(`${name} is looked at when the service starts: change it in the configuration.`);
    return {
      result: { kind: 'done', message: `System property ${name} was set to ${value}.` },
      carryOut: () => void Object.assign(this.#settings, changed),
    };
  }

  // ── Queries ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts the one SELECT or PRINT of a text. */
  async query(
    text: string,
    context: RequestContext = NO_CONTEXT,
    format: ResultFormat = 'json',
  ): Promise<RunningQuery | PrintedTopic> {
    const session = this.#session(text, context);
    await this.#caughtUp(context);
    const statements = this.#engine.split(text, session.overrides);
    const [first] = statements;
    if (first === undefined || statements.length > 1) {
      throw new StatementError(`Expected exactly one KSQL statement; found ${statements.length} instead`, {
        statementText: text,
      });
    }
    const only = first.parse(this.#variablesOf(session));
    const statement = only.statement;
    try {
      if (statement.kind === 'print') return await printTopic(this.#client, this.#schemas, statement);
      if (statement.kind !== 'query')
        return refuse(`Statement type \`${statement.kind}\` not supported for this resource`);
      return await this.#select(statement.query, only, session.setting(), format);
    } catch (error) {
      throw asRefusal(only, error, session.setting());
    }
  }

  async #select(query: Query, parsed: ParsedStatement, setting: Settings, format: ResultFormat): Promise<RunningQuery> {
    checkExtensions(query, parsed.text, setting);
    const { context: engine } = this.#engine;
    const scalable = isScalablePush(engine, query, setting);
    const prefix = scalable ? 'SCALABLE_PUSH_QUERY' : 'transient';
    const queryId = `${prefix}_${query.from.name}_${randomUuid(this.#environment).slice(0, 8)}`;
    const text = parsed.text;
    if (query.emit === undefined) {
      return startPull(engine, query, {
        executor: this.#executor,
        environment: this.#environment,
        queryId,
        text,
        setting,
        format,
      });
    }
    const limit = Number(setting('ksql.max.push.queries'));
    if (this.#transient.size >= limit)
      refuse(`Not executing statement(s): there are ${limit} push queries already (ksql.max.push.queries).`);
    const running = await startPush(engine, this.#executor, query, {
      client: this.#client,
      queryId,
      text,
      setting,
      format,
      skipsNullKeys: scalable,
      onEnd: () => this.#transient.delete(queryId),
    });
    this.#transient.set(queryId, { ...running, sql: text });
    return running;
  }

  /** False when there is no such query. */
  async closeQuery(queryId: string): Promise<boolean> {
    const running = this.#transient.get(queryId);
    await running?.close();
    return running !== undefined;
  }

  /** Appends one row, given as JSON, to a stream or table: resolves when it is on its way behind those before, with when it is stored. */
  async insert(target: string, row: Readonly<Record<string, JsonValue>>): Promise<{ readonly stored: Promise<void> }> {
    const { carryOut } = await this.#engine.prepare(insertStatement(this.#engine.catalog, target, row));
    return { stored: Promise.resolve(carryOut()) };
  }

  /** Throws `INVALID_CONFIG` for a property that nobody knows. */
  checkProperty(name: string): void {
    propertyNamed(name);
  }

  /** Which stores and partitions this server has, by query. */
  async activeQueries(): Promise<Readonly<Record<string, object>>> {
    const queries = [...this.#engine.queries.keys()].map(async (queryId) => {
      const { tasks } = await this.#executor.counts(queryId);
      const partitions = tasks.flatMap(({ positions }) => Object.keys(positions).map(partitionNamed));
      const activeStores = [...new Set(tasks.flatMap(({ stores }) => Object.keys(stores)))];
      return [
        queryId,
        { activeStores, activePartitions: partitions, standByStores: [], standByPartitions: [] },
      ] as const;
    });
    return Object.fromEntries(await Promise.all(queries));
  }

  /** What the registry asks before a schema comes in. */
  schemaUsers(): SchemaUses {
    return new SchemaUses(this.#engine.context, this.#session('', NO_CONTEXT).setting());
  }

  // ── State ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The state of every statement that changed something, by `type/entity/action`. */
  commandStatuses(): Readonly<Record<string, CommandStatus>> {
    return this.#statuses;
  }

  /** ksqlDB's three, and the queries. */
  healthChecks(): Readonly<Record<'metastore' | 'kafka' | 'commandRunner' | 'queries', HealthCheck>> {
    return {
      metastore: () => this.#undone[0],
      kafka: async () => {
        const admin = this.#client.admin();
        if (this.#commands !== undefined)
          await admin.listOffsets([{ topic: this.#commands.topic, partition: 0, timestamp: -1 }]);
        // Not every user of a cluster may ask this.
        const dirs = await admin.describeLogDirs().catch((error: unknown) => {
          if (codeOf(error) === 'CLUSTER_AUTHORIZATION_FAILED') return [];
          throw error;
        });
        const broken = dirs.find(({ error }) => error !== undefined);
        return broken && `The broker has partitions in ${broken.path} that take no records: ${broken.error}.`;
      },
      commandRunner: () => this.#commands?.failure,
      queries: () => {
        const failed = [...this.#engine.queries.keys()].filter((id) => this.#executor.state(id) === 'ERROR');
        if (failed.length === 0) return undefined;
        return failed.map((id) => `${id}: ${this.#executor.failureOf(id) ?? 'it is not running'}`).join('; ');
      },
    };
  }

  /** What Prometheus is told, under names of ksqlDB's own metrics. */
  metrics(): ServiceMetrics {
    const byState = () => {
      const values: Record<string, number> = { RUNNING: 0, PAUSED: 0, ERROR: 0 };
      for (const id of this.#engine.queries.keys()) values[this.#executor.state(id)]!++;
      return { label: 'state', values };
    };
    return {
      prefix: 'ksql',
      gauges: [
        { name: 'persistent_queries', help: 'Persistent queries by state.', value: byState },
        {
          name: 'processing_log_left_out',
          help: 'Problems that are missing in the processing log.',
          value: () => this.#problems.leftOut,
        },
        { name: 'transient_queries', help: 'Queries of clients that are open.', value: () => this.#transient.size },
      ],
    };
  }

  /** Ends queries of clients, then the persistent ones, each at a commit. */
  async close(): Promise<void> {
    this.#progress.close();
    await this.#turns.ended();
    await this.#rowChanges.ended();
    await Promise.allSettled([...this.#transient.values()].map((running) => running.close()));
    await this.#datagen.close();
    await this.#executor.close();
    await this.#problems.close();
    this.#connectors.close();
    await this.#writer.close();
    await this.#commands?.close();
  }

  // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #session(text: string, context: RequestContext): Session {
    return new Session(this.#settings, context, text);
  }

  #variablesOf(session: Session): Variables {
    return session.setting()('ksql.variable.substitution.enable') === 'false' ? NO_VARIABLES : session.variables;
  }

  /** Waits for the command that a request comes behind. */
  async #caughtUp({ commandSequenceNumber = -1 }: RequestContext): Promise<void> {
    const name = 'ksql.server.command.response.timeout.ms';
    const timeoutMs = Number(this.#settings[name] ?? defaultOf(name));
    if (await this.#progress.reaches(commandSequenceNumber, timeoutMs)) return;
    throw new MillraceError(
      'SQL_COMMAND_PENDING',
      `Timed out reaching command sequence number. Sequence number: ${commandSequenceNumber}. Timeout: ${timeoutMs} ms.`,
      { retriable: true },
    );
  }
}

/** `topic-3` as its parts. */
function partitionNamed(name: string): { readonly topic: string; readonly partition: number } {
  const dash = name.lastIndexOf('-');
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) };
}
