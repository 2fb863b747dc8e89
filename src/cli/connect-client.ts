// Connect's REST as commands ask it. What it refuses is a sentence, with its own words.
import { HttpConnection, type HttpConnectionOptions } from '../http-client/index.ts';
import { MillraceError } from '../util/index.ts';

/** `GET /connectors/{name}` */
export interface ConnectorInfo {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly tasks: readonly { readonly connector: string; readonly task: number }[];
  readonly type: string;
}

/** `GET /connectors/{name}/status` */
export interface ConnectorStatus {
  readonly name: string;
  readonly connector: ConnectorState;
  readonly tasks: readonly (ConnectorState & { readonly id: number })[];
  readonly type: string;
}

interface ConnectorState {
  readonly state: string;
  readonly worker_id: string;
  readonly trace?: string;
}

/** A part of a source, and how far it has been read. */
export interface ConnectorOffset {
  readonly partition: Readonly<Record<string, unknown>>;
  readonly offset: Readonly<Record<string, unknown>> | null;
}

/** `GET /connector-plugins` */
export interface ConnectorPlugin {
  readonly class: string;
  readonly type: string;
  readonly version: string;
}

const CONFLICT = 409;
const PATIENCE_MS = 100_000;
const REBALANCE_PAUSE_MS = 300;

export class ConnectClient {
  readonly #http: HttpConnection;

  constructor(options: HttpConnectionOptions) {
    this.#http = new HttpConnection(options);
  }

  /** The body of an answer; null where it has none. Rejects with `CONNECT_REFUSED`, or `HTTP_UNREACHABLE`. */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#http.ask({
        method,
        path,
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await answer.text();
      if (answer.status < 300) return text === '' ? null : (JSON.parse(text) as unknown);
      const message = messageIn(text) ?? `${method} ${path} was answered with status ${answer.status}`;
      // Workers are sharing out their work: that is over soon.
      const isForLater = answer.status === CONFLICT && /rebalance/i.test(message);
      if (!isForLater || Date.now() > end) throw new MillraceError('CONNECT_REFUSED', message);
      await new Promise((resolve) => {
        setTimeout(resolve, REBALANCE_PAUSE_MS);
      });
    }
  }

  async all(): Promise<{ readonly info: ConnectorInfo; readonly status: ConnectorStatus }[]> {
    const found = await this.ask('GET', '/connectors?expand=info&expand=status');
    return Object.values(found as Record<string, { info: ConnectorInfo; status: ConnectorStatus }>);
  }

  async info(name: string): Promise<ConnectorInfo> {
    return (await this.ask('GET', pathOf(name))) as ConnectorInfo;
  }

  async status(name: string): Promise<ConnectorStatus> {
    return (await this.ask('GET', pathOf(name, '/status'))) as ConnectorStatus;
  }

  /** Makes a connector, or changes its config. */
  async put(name: string, config: Readonly<Record<string, string>>): Promise<ConnectorInfo> {
    return (await this.ask('PUT', pathOf(name, '/config'), config)) as ConnectorInfo;
  }

  async plugins(): Promise<ConnectorPlugin[]> {
    return (await this.ask('GET', '/connector-plugins?connectorsOnly=false')) as ConnectorPlugin[];
  }

  async offsets(name: string): Promise<ConnectorOffset[]> {
    return ((await this.ask('GET', pathOf(name, '/offsets'))) as { offsets: ConnectorOffset[] }).offsets;
  }

  close(): void {
    this.#http.close();
  }
}

/** A connector's path. */
export function pathOf(name: string, rest = ''): string {
  return `/connectors/${encodeURIComponent(name)}${rest}`;
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
