// Runs one case from the field against a platform: its steps, then everything that is to hold. Returns what did not.
import { isDeepStrictEqual } from 'node:util';
import type { Client, Producer } from '../../src/client/index.ts';
import { messageOf } from '../../src/util/index.ts';
import type { Answer, Expectation, FieldCase, Refusal, Step } from './cases.ts';

const V1 = 'application/vnd.ksql.v1+json';
const REGISTRY = 'application/vnd.schemaregistry.v1+json';
const POLL_MS = 50;

export interface Target {
  readonly sql: string;
  readonly registry: string;
  readonly client: Client;
}

export class CaseRunner {
  readonly #target: Target;
  readonly #producer: Producer;
  /** Ids of schemas that steps have saved. */
  readonly #saved = new Map<string, number>();

  constructor(target: Target) {
    this.#target = target;
    this.#producer = target.client.producer({ lingerMs: 0 });
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  /** Undefined when the case is right. */
  async run({ steps, expect }: FieldCase): Promise<string | undefined> {
    try {
      for (const step of steps) await this.#step(step);
      for (const each of Array.isArray(expect) ? expect : [expect]) {
        const wrong = await this.#check(each);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async execute(sql: string): Promise<Answer> {
    return this.#ask(`${this.#target.sql}/ksql`, 'POST', { ksql: sql }, V1);
  }

  // ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #step(step: Step): Promise<void> {
    if ('sql' in step) succeeded(await this.execute(step.sql), step.sql);
    else if ('registry' in step) {
      const { method, path, body } = step.registry;
      const answer = await this.#registry(method, path, body);
      succeeded(answer, path);
      if (step.save !== undefined) this.#saved.set(step.save, (answer.body as { id: number }).id);
    } else if ('produce' in step) {
      const { topic, key, value, encoding, schema, timestamp, headers } = step.produce;
      const bytes = value === null ? null : Buffer.from(value, encoding === 'base64' ? 'base64' : 'utf8');
      const envelope = Buffer.alloc(schema === undefined ? 0 : 5);
      if (schema !== undefined) envelope.writeInt32BE(this.#saved.get(schema)!, 1);
      await this.#producer.send({
        topic,
        partition: 0,
        key: key === null ? null : Buffer.from(key),
        value: bytes === null ? null : Buffer.concat([envelope, bytes]),
        ...(timestamp === undefined ? {} : { timestamp }),
        ...(headers === undefined
          ? {}
          : { headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })) }),
      });
    } else {
      await pause(step.wait_ms);
    }
  }

  // ── What is to hold ─────────────────────────────────────────────────────────────────────────────────────────────

  async #check(expected: Expectation): Promise<string | undefined> {
    if ('either' in expected) {
      const wrongs: string[] = [];
      const answer = await this.execute(expected.sql);
      for (const way of expected.either) {
        const wrong =
          'refused' in way ? wrongRefusal(answer, way.refused, expected.sql) : await this.#all(answer, way.expect);
        if (wrong === undefined) return undefined;
        wrongs.push(wrong);
      }
      return wrongs.join('; or: ');
    }
    if ('refused' in expected) {
      if ('registry' in expected) {
        const { method, path, body } = expected.registry;
        return wrongRefusal(await this.#registry(method, path, body), expected.refused, '');
      }
      const text = 'sql' in expected ? expected.sql : expected.query;
      const answer = 'sql' in expected ? await this.execute(text) : await this.#query(text);
      return wrongRefusal(answer, expected.refused, text);
    }
    if ('registry' in expected) {
      const { method, path, body } = expected.registry;
      const answer = await this.#registry(method, path, body);
      const found = Object.entries(expected.answer).filter(
        ([name, value]) => !isSame((answer.body as never)[name], value),
      );
      return found.length === 0 ? undefined : `${path}: ${JSON.stringify(answer.body)}`;
    }
    if ('columns_of' in expected) return this.#checkColumns(expected);
    if ('value_of' in expected) return this.#checkValue(expected.value_of, expected.is);
    if ('table' in expected) {
      for (const row of expected.rows) {
        const expression = expected.table.replaceAll(/\{(\w+)\}/g, (_, name: string) => literal(row[name]));
        const wrong = await this.#checkValue(expression, row['expected']);
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    }
    return this.#checkRows(expected);
  }

  async #all(answer: Answer, expectations: readonly Expectation[]): Promise<string | undefined> {
    if (answer.status !== 200) return `${answer.status} ${textOf(answer)}`;
    for (const each of expectations) {
      const wrong = await this.#check(each);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  async #checkValue(expression: string, expected: unknown): Promise<string | undefined> {
    const answer = await this.#query(`SELECT ${expression} AS v FROM one;`);
    const [[value] = []] = answer.status === 200 ? rowsOf(answer) : [];
    const isRight = answer.status === 200 && isSame(value, expected);
    return isRight
      ? undefined
      : `${expression} is ${answer.status === 200 ? JSON.stringify(value) : textOf(answer)}, not ${JSON.stringify(expected)}`;
  }

  async #checkColumns({ columns_of: source, include, at_least: least }: Extract<Expectation, { columns_of: string }>) {
    const answer = await this.execute(`DESCRIBE ${source};`);
    if (answer.status !== 200) return textOf(answer);
    const [{ sourceDescription }] = answer.body as [{ sourceDescription: { fields: Field[] } }];
    const columns = Object.fromEntries(
      sourceDescription.fields
        .filter(({ type }) => type === undefined)
        .map(({ name, schema }) => [name, typeText(schema)]),
    );
    const isRight =
      Object.entries(include).every(
        ([name, type]) => name in columns && (type === '*' || sameType(columns[name]!, type)),
      ) && Object.keys(columns).length >= (least ?? 0);
    return isRight ? undefined : `the columns of ${source} are ${JSON.stringify(columns)}`;
  }

  async #checkRows({
    query,
    rows,
    in_any_order: anyOrder,
    within_s: withinS = 5,
  }: Extract<Expectation, { rows: unknown[][]; query: string }>) {
    const deadline = performance.now() + Math.max(withinS, 5) * 1000;
    let found: unknown[][] = [];
    for (;;) {
      const answer = await this.#query(query, rows.length);
      if (answer.status !== 200) return `${answer.status} ${textOf(answer)}`;
      found = rowsOf(answer);
      if (anyOrder ? isSame(sorted(found), sorted(rows)) : isSame(found, rows)) return undefined;
      if (performance.now() > deadline) return `the rows are ${JSON.stringify(found)}`;
      await pause(POLL_MS);
    }
  }

  // ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A push query gets a moment to show all it has, since nothing says that there will be no more. */
  async #query(ksql: string, wanted = 1): Promise<Answer> {
    const properties = { 'auto.offset.reset': 'earliest' };
    const body = { ksql, streamsProperties: properties };
    if (!/EMIT\s+(CHANGES|FINAL)/i.test(ksql)) return this.#ask(`${this.#target.sql}/query`, 'POST', body, V1);
    const response = await fetch(`${this.#target.sql}/query`, {
      method: 'POST',
      headers: { 'content-type': V1, accept: V1 },
      body: JSON.stringify(body),
    });
    if (!response.ok) return { status: response.status, body: await response.json() };
    const rows: unknown[] = [];
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    let text = '';
    let patience = pause(2000);
    for (;;) {
      const next = await Promise.race([reader.read(), patience.then(() => undefined)]);
      if (next === undefined || next.done) break;
      text += decoder.decode(next.value);
      const lines = text.split('\n');
      text = lines.pop()!;
      for (const line of lines) {
        const item = JSON.parse(line.replace(/^\[/, '').replace(/,$/, '').replace(/\]$/, '') || 'null') as {
          row?: unknown;
        } | null;
        if (item?.row !== undefined) rows.push(item);
      }
      if (rows.length >= wanted) patience = pause(300);
    }
    await reader.cancel();
    return { status: 200, body: rows };
  }

  #registry(method: string, path: string, body: unknown): Promise<Answer> {
    return this.#ask(this.#target.registry + path, method, body, REGISTRY);
  }

  async #ask(url: string, method: string, body: unknown, type: string): Promise<Answer> {
    const response = await fetch(url, {
      method,
      headers: { accept: type, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }
}

interface Field {
  readonly name: string;
  readonly type?: string;
  readonly schema: TypeEntity;
}

interface TypeEntity {
  readonly type: string;
  readonly fields?: readonly { readonly name: string; readonly schema: TypeEntity }[] | null;
  readonly memberSchema?: TypeEntity | null;
  readonly parameters?: { readonly precision: number; readonly scale: number };
}

function typeText({ type, fields, memberSchema, parameters }: TypeEntity): string {
  switch (type) {
    case 'STRUCT':
      return `STRUCT<${(fields ?? []).map(({ name, schema }) => `${name} ${typeText(schema)}`).join(', ')}>`;
    case 'ARRAY':
      return `ARRAY<${typeText(memberSchema!)}>`;
    case 'MAP':
      return `MAP<STRING, ${typeText(memberSchema!)}>`;
    case 'DECIMAL':
      return `DECIMAL(${parameters!.precision}, ${parameters!.scale})`;
    default:
      return type;
  }
}

function sameType(found: string, expected: string): boolean {
  const plain = (type: string) =>
    type.replaceAll(/[`\s]/g, '').replaceAll('INTEGER', 'INT').replaceAll('VARCHAR', 'STRING').toUpperCase();
  return plain(found) === plain(expected);
}

function wrongRefusal(
  answer: Answer,
  { status, mentions = [], avoids = [] }: Refusal,
  quoted: string,
): string | undefined {
  if (answer.status !== status) return `it was answered with ${answer.status}: ${textOf(answer)}`;
  const message = String((answer.body as { message?: string }).message ?? '')
    .replaceAll(quoted, '')
    .toLowerCase();
  const lacks = mentions.filter(
    (words) =>
      !words
        .toLowerCase()
        .split('|')
        .some((word) => message.includes(word)),
  );
  const has = avoids.filter((words) =>
    words
      .toLowerCase()
      .split('|')
      .some((word) => message.includes(word)),
  );
  return lacks.length + has.length === 0 ? undefined : `the refusal is ${JSON.stringify(message)}`;
}

function rowsOf({ body }: Answer): unknown[][] {
  return (body as { row?: { columns: unknown[] } }[]).flatMap(({ row }) => (row === undefined ? [] : [row.columns]));
}

function textOf({ body }: Answer): string {
  return (body as { message?: string }).message ?? JSON.stringify(body);
}

/** Numbers by value, STRUCTs by the names of their fields in any case. */
function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name.toUpperCase(), plain(member)] as const)
      .sort(([x], [y]) => (x < y ? -1 : 1)),
  );
}

function sorted(rows: unknown[][]): unknown[][] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

function succeeded(answer: Answer, what: string): void {
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${textOf(answer)}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
