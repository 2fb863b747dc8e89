// The part of Elasticsearch that the sink talks to, as its reference describes it, in memory: indexes with mappings, and _bulk with
// versions (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk). What it does not know it refuses. Mappings are
// looked at, and grow, as far as the types of fields go.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Mapping {
  type?: string;
  properties?: Record<string, Mapping>;
}
interface Document {
  /** Undefined: it was deleted. */
  source: Record<string, unknown> | undefined;
  version: number;
}
interface Index {
  readonly mapping: Mapping;
  readonly documents: Map<string, Document>;
}
interface Action {
  readonly _index: string;
  readonly _id: string;
  readonly version?: number;
  readonly version_type?: string;
}
interface Answer {
  readonly status: number;
  readonly body: object;
}
type Outcome = { status: number; error?: { type: string; reason: string; caused_by?: object } };

const refusal = (status: number, type: string, reason: string): Outcome => ({ status, error: { type, reason } });

/** A server that is up. */
export class Elasticsearch {
  readonly indexes = new Map<string, Index>();
  /** The number of operations of each bulk request that was carried out. */
  readonly bulks: number[] = [];
  /** What requests, or single operations, are answered before anything is done, as long as there are some. */
  readonly failRequests: number[] = [];
  readonly failItems: (number | undefined)[] = [];
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(request.method === 'HEAD' ? '' : JSON.stringify(body)),
    );
  });
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** The documents of an index, by id. */
  documents(index: string): Record<string, Record<string, unknown>> {
    const documents = [...(this.indexes.get(index)?.documents ?? [])].filter(([, { source }]) => source !== undefined);
    return Object.fromEntries(documents.sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { source }]) => [id, source!]));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    const failure = this.failRequests.shift();
    if (failure !== undefined) return { status: failure, body: { error: 'as it was told' } };
    if (request.headers.authorization !== `Basic ${Buffer.from('elastic:secret').toString('base64')}`)
      return { status: 401, body: { error: { type: 'security_exception', reason: 'unable to authenticate' } } };
    const path = decodeURIComponent(request.url!);
    switch (`${request.method} ${path.split('/').length}`) {
      case 'GET 2':
        return { status: path === '/' ? 200 : 404, body: { version: { number: '9.0.0' } } };
      case 'HEAD 2':
        return { status: this.indexes.has(path.slice(1)) ? 200 : 404, body: {} };
      case 'PUT 2':
        return this.#create(path.slice(1), JSON.parse(body) as { mappings?: Mapping });
      case 'POST 2':
        if (path === '/_bulk') return this.#bulk(request, body);
    }
    return { status: 405, body: { error: `${request.method} ${path} is not known here` } };
  }

  #create(name: string, { mappings }: { mappings?: Mapping }): Answer {
    if (name !== name.toLowerCase() || /^[-_+]|[\\/*?"<>| ,#:]/.test(name))
      return { status: 400, body: { error: { type: 'invalid_index_name_exception' } } };
    if (this.indexes.has(name)) return { status: 400, body: { error: { type: 'resource_already_exists_exception' } } };
    this.indexes.set(name, { mapping: { properties: {}, ...mappings }, documents: new Map() });
    return { status: 200, body: { acknowledged: true } };
  }

  #bulk(request: IncomingMessage, body: string): Answer {
    if (request.headers['content-type'] !== 'application/x-ndjson' || !body.endsWith('\n'))
      return { status: 400, body: { error: 'a bulk request is lines of JSON, each with its end' } };
    const lines = body.slice(0, -1).split('\n');
    const items: Record<string, unknown>[] = [];
    while (lines.length > 0) {
      const [[name, action]] = Object.entries(JSON.parse(lines.shift()!) as Record<string, Action>) as [
        [string, Action],
      ];
      const source = name === 'delete' ? undefined : (JSON.parse(lines.shift()!) as Record<string, unknown>);
      items.push({ [name]: { _index: action._index, _id: action._id, ...this.#carryOut(name, action, source) } });
    }
    this.bulks.push(items.length);
    const errors = items.some((item) => 'error' in (Object.values(item)[0] as object));
    return { status: 200, body: { took: 1, errors, items } };
  }

  #carryOut(name: string, action: Action, given: Record<string, unknown> | undefined): Outcome {
    const failure = this.failItems.shift();
    if (failure !== undefined) return refusal(failure, 'es_rejected_execution_exception', 'as it was told');
    const index = this.indexes.get(action._index);
    if (index === undefined) return refusal(404, 'index_not_found_exception', `no such index [${action._index}]`);
    const before = index.documents.get(action._id);
    if (action.version_type === 'external' && before !== undefined && before.version >= action.version!)
      return refusal(409, 'version_conflict_engine_exception', `current version [${before.version}]`);
    const version = action.version ?? (before?.version ?? 0) + 1;
    let source: Record<string, unknown> | undefined = given;
    if (name === 'update') {
      if (given!['doc_as_upsert'] !== true) return refusal(400, 'action_request_validation_exception', 'no upsert');
      source = { ...before?.source, ...(given!['doc'] as object) };
    } else if (name !== 'index' && name !== 'delete') return refusal(400, 'illegal_argument_exception', name);
    const wrong = source === undefined ? undefined : misfit(index.mapping, source);
    if (wrong !== undefined)
      return { status: 400, error: { type: 'document_parsing_exception', reason: `failed to parse field [${wrong}]` } };
    index.documents.set(action._id, { source, version });
    return { status: source === undefined && before?.source === undefined ? 404 : 200 };
  }
}

/** The field of a document that does not fit; the mapping learns of those that are new. */
function misfit(mapping: Mapping, source: Record<string, unknown>): string | undefined {
  mapping.properties ??= {};
  for (const [name, value] of Object.entries(source))
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one === null) continue;
      const known = (mapping.properties[name] ??= { type: typeOf(one) });
      if (typeof one === 'object') {
        if (known.type !== undefined && known.type !== 'object') return name;
        const inner = misfit(known, one as Record<string, unknown>);
        if (inner !== undefined) return `${name}.${inner}`;
      } else if (!fits(known.type, one)) return name;
    }
  return undefined;
}

function typeOf(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'float';
  return typeof value === 'string' ? 'text' : typeof value;
}

function fits(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'text':
    case 'binary':
      return true;
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'date':
      return typeof value === 'number' || /^\d{4}-\d\d-\d\d/.test(String(value));
    case 'object':
    case undefined:
      return false;
    default:
      return typeof value !== 'boolean' && !Number.isNaN(Number(value));
  }
}
