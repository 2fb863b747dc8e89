// Statements about connectors, carried out by the Kafka Connect that `ksql.connect.url` names: SQL runs none itself. The life of CREATE
// CONNECTOR: the properties become a config → Connect says what is wrong with it, each setting by its name → it is made there.
import { ConnectionFailure, HttpConnection } from '../../http-client/index.ts';
import type { Statement } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { refuse } from '../errors.ts';
import type { Entity } from '../statements/entities.ts';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;
/** What is said of connectors. */
export type ConnectorStatement = Of<'createConnector'> | Of<'dropConnector'> | Of<'describeConnector'>;

/** `GET /connectors/{name}/status`. */
interface ConnectorStatus {
  readonly name: string;
  readonly connector: { readonly state: string; readonly worker_id: string; readonly trace?: string };
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[];
  readonly type: string;
}

interface ConnectorInfo {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly tasks: readonly object[];
  readonly type: string;
}

/** What a statement is carried out within. */
interface Around {
  readonly isRehearsal: boolean;
  /** Descriptions of the streams and tables over a topic. */
  readonly sourcesOf: (topic: string) => Promise<object[]>;
}

interface Answered {
  readonly status: number;
  readonly body: unknown;
}

const NOT_FOUND = 404;
const CONFLICT = 409;

/** The Connect that statements are carried out by. */
export class Connectors {
  readonly #url: () => string | undefined;
  #http: HttpConnection | undefined;

  /** `url`: where it is, as far as that is known; it does not change any more then. */
  constructor(url: () => string | undefined) {
    this.#url = url;
  }

  close(): void {
    this.#http?.close();
  }

  /** Carries a statement out or, in a rehearsal, only says what would stop it. */
  async carryOut(statement: ConnectorStatement, { isRehearsal, sourcesOf }: Around): Promise<Entity> {
    switch (statement.kind) {
      case 'createConnector':
        return this.#create(statement, isRehearsal);
      case 'dropConnector':
        return isRehearsal ? { '@type': 'drop_connector' } : this.#drop(statement);
      case 'describeConnector':
        return isRehearsal ? { '@type': 'connector_description' } : this.#describe(statement.name, sourcesOf);
    }
  }

  /** SHOW CONNECTORS, of one kind where that is asked for. */
  async list(kind: 'source' | 'sink' | undefined): Promise<Entity> {
    const body = await this.#get('/connectors?expand=info&expand=status', 'list connectors');
    const found = Object.values(body as Record<string, { info: ConnectorInfo; status: ConnectorStatus }>);
    const connectors = found
      .filter(({ info }) => kind === undefined || info.type === kind)
      .map(({ info, status }) => ({
        name: info.name,
        type: info.type,
        className: info.config['connector.class'] ?? '',
        state: summary(status),
      }));
    return { '@type': 'connector_list', connectors };
  }

  /** SHOW CONNECTOR PLUGINS */
  async plugins(): Promise<Entity> {
    const body = (await this.#get('/connector-plugins', 'list connector plugins')) as Record<string, string>[];
    const connectorsPlugins = body.map(({ class: className, type, version }) => ({ className, type, version }));
    return { '@type': 'connector_plugins_list', connectorsPlugins };
  }

  async #create(statement: Of<'createConnector'>, isRehearsal: boolean): Promise<Entity> {
    const { name, type, ifNotExists } = statement;
    const config: Record<string, string> = { ...configOf(statement), name };
    const existing = await this.#ask('GET', `/connectors/${encodeURIComponent(name)}`);
    if (existing.status !== NOT_FOUND) {
      if (ifNotExists) return { '@type': 'warning_entity', message: `Connector ${name} already exists` };
      refuse(`Failed to create connector ${quoteName(name)}: Connector ${name} already exists`);
    }
    await this.#validate(name, config);
    if (isRehearsal) return { '@type': 'connector_info' };
    const made = await this.#ask('POST', '/connectors', { name, config });
    if (made.status === CONFLICT && ifNotExists)
      return { '@type': 'warning_entity', message: `Connector ${name} already exists` };
    const info = said(made, `create connector ${quoteName(name)}`) as ConnectorInfo;
    if (info.type !== 'unknown' && info.type.toUpperCase() !== type) {
      await this.#ask('DELETE', `/connectors/${encodeURIComponent(name)}`);
      refuse(
        `${config['connector.class']} is a ${info.type} connector: write CREATE ${info.type.toUpperCase()} CONNECTOR`,
      );
    }
    return { '@type': 'connector_info', info };
  }

  async #validate(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const className = config['connector.class'];
    if (className === undefined)
      refuse(
        `Validation error: the WITH clause must say which connector ${quoteName(name)} is: 'connector.class'='…' (SHOW CONNECTOR PLUGINS lists them)`,
      );
    const answered = await this.#ask(
      'PUT',
      `/connector-plugins/${encodeURIComponent(className)}/config/validate`,
      config,
    );
    const infos = said(answered, `create connector ${quoteName(name)}`) as {
      readonly configs: readonly { readonly value: { readonly name: string; readonly errors: readonly string[] } }[];
    };
    const errors = infos.configs.flatMap(({ value }) => value.errors.map((error) => `${value.name} - ${error}`));
    if (errors.length > 0) refuse(`Validation error: ${errors.join('\n')}`);
  }

  async #drop({ name, ifExists }: Of<'dropConnector'>): Promise<Entity> {
    const dropped = await this.#ask('DELETE', `/connectors/${encodeURIComponent(name)}`);
    if (dropped.status === NOT_FOUND && ifExists)
      return { '@type': 'warning_entity', message: `Connector '${name}' does not exist.` };
    said(dropped, `drop connector ${quoteName(name)}`);
    return { '@type': 'drop_connector', connectorName: name };
  }

  async #describe(name: string, sourcesOf: Around['sourcesOf']): Promise<Entity> {
    const path = `/connectors/${encodeURIComponent(name)}`;
    const what = `describe connector ${quoteName(name)}`;
    const info = (await this.#get(path, what)) as ConnectorInfo;
    const status = (await this.#get(`${path}/status`, what)) as ConnectorStatus;
    const used = await this.#ask('GET', `${path}/topics`);
    const topics = used.status === 200 ? (used.body as Record<string, { topics: string[] }>)[name]!.topics : [];
    const sources = (await Promise.all(topics.map(sourcesOf))).flat();
    return {
      '@type': 'connector_description',
      connectorClass: info.config['connector.class'],
      status,
      sources,
      topics,
    };
  }

  async #get(path: string, what: string): Promise<unknown> {
    return said(await this.#ask('GET', path), what);
  }

  async #ask(method: string, path: string, body?: object): Promise<Answered> {
    const http = this.#connection();
    try {
      const answer = await http.ask({
        method,
        path,
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : parsed(text) };
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error;
      return refuse(
        `Connect at ${http.url} does not answer (${error.reason}): is it running, and is ksql.connect.url right?`,
      );
    }
  }

  #connection(): HttpConnection {
    const url = this.#url();
    if (url === undefined)
      refuse(
        'There is no Connect here: start the platform with it, or say where one is with ksql.connect.url=http://host:8083',
      );
    this.#http ??= new HttpConnection({ url });
    return this.#http;
  }
}

/** Property values as texts, as Connect takes them. */
function configOf({ config }: Of<'createConnector'>): Record<string, string> {
  return Object.fromEntries([...config].map(([name, value]) => [name, String(value)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}

/** The body of an answer that is no refusal. */
function said({ status, body }: Answered, what: string): unknown {
  if (status < 300) return body;
  const message = (body as { message?: unknown } | null)?.message;
  return refuse(`Failed to ${what}: ${typeof message === 'string' ? message : `status ${status}`}`);
}

/** `RUNNING (1/2 tasks RUNNING)` */
function summary({ connector, tasks }: ConnectorStatus): string {
  if (connector.state !== 'RUNNING') return connector.state;
  const running = tasks.filter(({ state }) => state === 'RUNNING').length;
  const state = running === tasks.length ? 'RUNNING' : running > 0 ? 'WARNING' : 'FAILED';
  return `${state} (${running}/${tasks.length} tasks RUNNING)`;
}
