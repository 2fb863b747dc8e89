/**
 * A golden script is SQL with directives in comments, and what it makes stands in a file beside it.
 *
 *     -- in TOPIC KEY VALUE [@TIME] [h=HEADER,…]    a record goes in; what comes out of every query is shown below it
 *     -- time MS                                    the wall clock moves on
 *     -- schemas                                    shows what was registered since the last time
 *     -- register SUBJECT TYPE SCHEMA               a schema that somebody else registered
 *     -- topic NAME PARTITIONS                      a topic that exists
 *     -- setting NAME=VALUE                         for the statements that follow
 *
 * KEY and VALUE are `null`, `0x` and hexadecimal digits, or text without blanks (the value: up to the end or ` @`). A
 * statement that is refused shows why, and the script goes on: so one script may hold many refusals. A mistake in the
 * grammar refuses its paragraph, for statements between blank lines are executed as one text.
 */
import { MemorySchemas } from '../../src/serde/index.ts';
import { type OutputRecord, TopologyTestDriver } from '../../src/streams/index.ts';
import { explainPlan } from '../../src/sql/plan/explain.ts';
import type { WindowInfo } from '../../src/sql/schema.ts';
import type { PersistentQuery } from '../../src/sql/statements/context.ts';
import { messageOf } from '../../src/util/index.ts';
import { parsedScript, plainEngine } from './support.ts';

interface Running {
  readonly query: PersistentQuery;
  readonly driver: TopologyTestDriver;
}

type Input = Pick<OutputRecord, 'topic' | 'key' | 'value' | 'timestamp' | 'headers'>;

export async function runGolden(script: string): Promise<string> {
  const run = new GoldenRun();
  let statements = '';
  for (const line of script.split('\n')) {
    const directive = /^-- (in|time|schemas|register|topic|setting)\b ?(.*)$/.exec(line);
    if (directive === null && line.trim() !== '') {
      statements += `${line}\n`;
      continue;
    }
    await run.statements(statements);
    statements = '';
    if (directive !== null) await run.directive(directive[1]!, directive[2]!);
  }
  await run.statements(statements);
  return run.text();
}

class GoldenRun {
  readonly #schemas = new MemorySchemas();
  readonly #shownSchemas = new Set<string>();
  readonly #subjects = new Set<string>();
  readonly #settings: Record<string, string> = {};
  readonly #lines: string[] = [];
  readonly #running = new Map<string, Running>();
  readonly #failures: string[] = [];
  readonly #written: Input[] = [];
  readonly #plain = plainEngine(
    { 'ksql.headers.columns.enabled': 'true' },
    this.#schemas,
    ({ step, error }) => this.#failures.push(`! ${step}: ${firstLine(messageOf(error))}`),
    {
      write: async (records) => {
        for (const { topic, key, value, timestamp = 0, headers } of records)
          this.#written.push({ topic, key, value, timestamp, headers });
      },
    },
  );

  text(): string {
    return `${this.#lines.join('\n').trim()}\n`;
  }

  async statements(text: string): Promise<void> {
    if (text.replaceAll(/^--.*$/gm, '').trim() === '') return;
    let parsed: ReturnType<typeof parsedScript>;
    try {
      parsed = parsedScript(text);
    } catch (error) {
      this.#lines.push('', text.trim(), `refused: ${messageOf(error)}`);
      return;
    }
    for (const statement of parsed) {
      this.#lines.push('', statement.text.trim());
      try {
        const { message } = await this.#plain.engine.executeStatement(statement, this.#settings);
        if (!(await this.#start())) this.#lines.push(message);
        for (const record of this.#written.splice(0)) {
          this.#lines.push(`< ${shown(record)}`);
          await this.#feed(record);
        }
      } catch (error) {
        const message = messageOf(error).replace(/\nStatement: [\s\S]*$/, '');
        this.#lines.push(`refused: ${message.replaceAll('\n', '\n  ')}`);
      }
    }
  }

  async directive(name: string, rest: string): Promise<void> {
    switch (name) {
      case 'in': {
        const record = inputOf(rest);
        this.#lines.push('', `< ${shown(record)}`);
        return this.#feed(record);
      }
      case 'time': {
        this.#lines.push('', `< ${rest} ms later`);
        for (const { driver } of this.#running.values()) driver.advanceWallClock(Number(rest));
        return this.#pass();
      }
      case 'schemas':
        return this.#showSchemas();
      case 'register': {
        const [, subject, type, schema] = /^(\S+) (\S+) (.*)$/.exec(rest)!;
        this.#schemas.add(subject!, { schemaType: type as 'AVRO', schema: schema! });
        return;
      }
      case 'topic': {
        const [topic, partitions] = rest.split(' ');
        this.#plain.topics.set(topic!, { partitions: Number(partitions), replicas: 1 });
        return;
      }
      default: {
        const [setting, value] = rest.split('=');
        this.#settings[setting!] = value!;
      }
    }
  }

  /** Starts the queries that statements have made, replaced or ended; true when there is one to show. */
  async #start(): Promise<boolean> {
    const { queries } = this.#plain;
    let isNew = false;
    for (const [queryId, query] of queries) {
      if (this.#running.get(queryId)?.query === query) continue;
      await query.topology.prepare();
      this.#running.set(queryId, { query, driver: new TopologyTestDriver(query.topology) });
      for (const step of sinkTopics(query)) for (const part of ['key', 'value']) this.#subjects.add(`${step}-${part}`);
      this.#lines.push(`${queryId}:`, explainPlan(query.plan), shapeOf(query));
      isNew = true;
    }
    for (const queryId of [...this.#running.keys()]) if (!queries.has(queryId)) this.#running.delete(queryId);
    return isNew;
  }

  /** Gives a record to all that read its topic, and what comes of it to those that read that. */
  async #feed(record: Input): Promise<void> {
    const { topic, key, value, timestamp, headers } = record;
    for (const { query, driver } of this.#running.values()) {
      const reads = query.topology.subTopologies.some(({ sources }) =>
        sources.some(({ source }) => source?.topics.includes(topic)),
      );
      if (!reads) continue;
      try {
        await driver.pipeLoading(topic, key, value, timestamp, headers);
      } catch (error) {
        this.#failures.push(`! the query ${query.queryId} fails: ${firstLine(messageOf(error))}`);
      }
    }
    return this.#pass();
  }

  /** Shows what the queries wrote, then hands it on. */
  async #pass(): Promise<void> {
    this.#lines.push(...this.#failures.splice(0));
    const written: OutputRecord[] = [];
    for (const { query, driver } of this.#running.values())
      for (const topic of sinkTopics(query)) {
        const records = driver.read(topic);
        this.#lines.push(...records.map((record) => `> ${shown(record, query.sink?.window)}`));
        written.push(...records);
      }
    for (const record of written) await this.#feed(record);
  }

  #showSchemas(): void {
    for (const subject of this.#subjects) {
      const found = this.#schemas.newest(subject);
      if (found === undefined || this.#shownSchemas.has(subject)) continue;
      this.#shownSchemas.add(subject);
      this.#lines.push('', `${subject} has the schema ${found.id}:`, found.schema.trim());
    }
  }
}

function sinkTopics({ plan }: PersistentQuery): string[] {
  return plan.sink === undefined ? [] : [plan.sink.topic];
}

/** A topology in short: the nodes of each sub-topology in order, and the stores. */
function shapeOf({ topology }: PersistentQuery): string {
  const parts = topology
    .describe()
    .toString()
    .split(/Sub-topology: \d+/)
    .slice(1)
    .map((part) => {
      const nodes = [...part.matchAll(/(Source|Processor|Sink): (\S+)/g)].map(([, , name]) => name!);
      return `  ${nodes.join(' · ')}`;
    });
  const stores = [...topology.stores.keys()];
  return `${parts.join('\n')}${stores.length === 0 ? '' : `\n  stores: ${stores.join(', ')}`}`;
}

function inputOf(text: string): Input {
  const parts = /^(\S+) (\S+) (.*?)(?: @(-?\d+))?(?: h=(\S+))?$/.exec(text);
  if (parts === null) throw new SyntaxError(`not an input record: ${text}`);
  const [, topic, key, value, time, headers] = parts;
  return {
    topic: topic!,
    key: bytesOf(key!),
    value: bytesOf(value!),
    timestamp: Number(time ?? 0),
    headers: (headers?.split(',') ?? []).map((header) => {
      const [name, content] = header.split(':');
      return { key: name!, value: content === undefined ? null : Buffer.from(content) };
    }),
  };
}

function bytesOf(text: string): Buffer | null {
  if (text === 'null') return null;
  return text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text);
}

/** Text as it is, other bytes in hexadecimal digits; windowed keys have a text and their window behind it. */
function shown({ topic, key, value, timestamp, headers }: Input, window?: WindowInfo): string {
  const names = headers.map((header) => `${header.key}:${header.value === null ? '' : String(header.value)}`);
  const more = names.length === 0 ? '' : ` h=${names.join(',')}`;
  return `${topic} ${keyText(key, window)} ${bytesText(value)} @${timestamp}${more}`;
}

/** A windowed key has its window behind it: the start, and before that a session's end. */
function keyText(key: Uint8Array | null, window: WindowInfo | undefined): string {
  if (key === null || window === undefined) return bytesText(key);
  const bytes = Buffer.from(key);
  const plain = bytes.subarray(0, window.type === 'SESSION' ? -16 : -8);
  const start = Number(bytes.readBigInt64BE(bytes.length - 8));
  const end = window.type === 'SESSION' ? Number(bytes.readBigInt64BE(plain.length)) : start + (window.sizeMs ?? 0);
  return `${bytesText(plain)}[${start},${end})`;
}

function bytesText(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  const buffer = Buffer.from(bytes);
  const text = buffer.toString('utf8');
  const isText = text !== '' && [...text].every((char) => char >= ' ' && char !== '\ufffd');
  return isText ? text : `0x${buffer.toString('hex')}`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}
