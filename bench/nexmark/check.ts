// Loads Nexmark's events into a broker, runs queries over HTTP, and compares committed results with the plain computation.
import { type Admin, type Client, recordsOf } from '../../src/client/index.ts';
import { partitionForKey } from '../../src/util/index.ts';
import { visitEvents } from './events.ts';
import { BID_PARTITIONS, FIRST_EVENT_TIME } from './expected.ts';
import { QUERIES, type Query, type Row, SOURCES } from './queries.ts';

export interface Comparison {
  readonly rows: number;
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

export async function load(client: Client, events: number): Promise<void> {
  const admin = client.admin();
  const topics = ['person', 'auction', 'bid', 'side_input'];
  const configs = { 'retention.ms': '-1' };
  await admin.createTopics(topics.map((name) => ({ name, partitions: BID_PARTITIONS, configs })));
  const producer = client.producer({ batchSize: 256 * 1024, acks: 1, enableIdempotence: false });
  for (const topic of topics) await producer.partitionsFor(topic);
  const flushes: Promise<void>[] = [];
  const keyed = (topic: string, id: number, value: unknown, time: number): void => {
    const key = Buffer.alloc(8);
    key.writeBigInt64BE(BigInt(id));
    producer.enqueue(topic, partitionForKey(key, BID_PARTITIONS), key, Buffer.from(JSON.stringify(value)), time);
  };
  for (let i = 0; i < 10_000; i++) keyed('side_input', i, { value: `${i}` }, FIRST_EVENT_TIME);
  visitEvents(events, {
    person: (person) => keyed('person', person.id, person, person.dateTime),
    auction: (auction) => keyed('auction', auction.id, auction, auction.dateTime),
    bid: (bid, ordinal) => {
      const value = Buffer.from(JSON.stringify(bid));
      producer.enqueue('bid', ordinal % BID_PARTITIONS, null, value, bid.dateTime);
      if (ordinal % 20_000 === 0) flushes.push(producer.flush());
    },
  });
  await Promise.all(flushes);
  await producer.flush();
  await producer.close();
}

export class Ksql {
  readonly #url: string;
  constructor(url: string) {
    this.#url = url;
  }

  async execute(statements: string): Promise<readonly Row[]> {
    const response = await fetch(`${this.#url}/ksql`, {
      method: 'POST',
      // Queries take minutes: a connection that is kept would be closed by the server just when it is used again.
      headers: { 'content-type': 'application/vnd.ksql.v1+json', connection: 'close' },
      body: JSON.stringify({ ksql: statements, streamsProperties: { 'ksql.streams.auto.offset.reset': 'earliest' } }),
    });
    const body = (await response.json()) as Row[];
    if (!response.ok) throw new Error(JSON.stringify(body));
    return body;
  }

  /** Returns the consumer groups of the queries that were started. */
  async start(statements: string): Promise<string[]> {
    const answers = await this.execute(statements);
    return answers.flatMap(({ commandStatus }) => {
      const { queryId } = (commandStatus ?? {}) as { readonly queryId?: string };
      return queryId ? [`_confluent-ksql-default_query_${queryId}`] : [];
    });
  }
}

export const sources = SOURCES;

/** Drops what a query has made. */
export async function drop(ksql: Ksql, query: Query): Promise<void> {
  const made = [...query.statements.matchAll(/CREATE (STREAM|TABLE) (\w+)( WITH \(KEY_FORMAT='JSON'\))?( AS)?/g)];
  for (const [, kind, name, , selects] of made.reverse()) {
    await ksql.execute(`DROP ${kind} ${name}${selects ? ' DELETE TOPIC' : ''};`);
  }
}

/** What the groups have not committed yet; an entry behind the last one may be a transaction's marker. */
async function lagOf(admin: Admin, groups: readonly string[]): Promise<{ lag: number; committed: number }> {
  let lag = 0;
  let committed = 0;
  for (const group of groups) {
    const positions = (await admin.committedOffsets(group)).filter(({ offset }) => offset >= 0);
    const ask = positions.map(({ topic, partition }) => ({ topic, partition, timestamp: -1 }));
    const ends = ask.length === 0 ? [] : await admin.listOffsets(ask, 'read_committed');
    ends.forEach(({ offset }, i) => {
      committed += positions[i]!.offset;
      lag += Math.max(0, offset - positions[i]!.offset - 1);
    });
    if (positions.length === 0) lag += 1;
  }
  return { lag, committed };
}

/** Waits until nothing moves any more: everything that is there has been committed, and stays so. */
export async function settled(admin: Admin, groups: readonly string[], limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  let last = -1;
  for (let still = 0; still < 40; ) {
    const { lag, committed } = await lagOf(admin, groups);
    still = lag === 0 && committed === last ? still + 1 : 0;
    last = committed;
    if (performance.now() > deadline) throw new Error(`over the limit: ${lag} records are left`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** The final relation, as lines. */
async function resultOf(client: Client, { topic, isTable, lines }: Query): Promise<string[]> {
  const admin = client.admin();
  const partitions = (await admin.describeTopics([topic])).get(topic)!.partitions;
  const places = partitions.map(({ partition }) => ({ topic, partition, timestamp: -1 }));
  const ends = await admin.listOffsets(places, 'read_committed');
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
  consumer.assign(places.map(({ partition }) => ({ topic, partition, offset: 0 })));
  const stream: string[] = [];
  const table = new Map<string, readonly string[]>();
  while (ends.some(({ partition, offset }) => consumer.position({ topic, partition }) < offset - 1)) {
    for (const { key, value } of recordsOf(await consumer.poll(300))) {
      const id = key === null ? '' : Buffer.from(key).toString('latin1');
      const rows =
        value === null
          ? []
          : lines(JSON.parse(Buffer.from(value).toString()) as Row, key === null ? null : Buffer.from(key));
      if (isTable) table.set(id, rows);
      else stream.push(...rows);
    }
  }
  await consumer.close();
  return isTable ? [...table.values()].flat() : stream;
}

export async function compare(client: Client, query: Query, expected: readonly string[]): Promise<Comparison> {
  const found = await resultOf(client, query);
  const left = new Map<string, number>();
  for (const each of expected) left.set(each, (left.get(each) ?? 0) + 1);
  const surplus: string[] = [];
  for (const each of found) {
    const n = left.get(each) ?? 0;
    if (n === 0) surplus.push(each);
    else if (n === 1) left.delete(each);
    else left.set(each, n - 1);
  }
  const missing = [...left].flatMap(([each, n]) => Array.from<string>({ length: n }).fill(each));
  return { rows: found.length, missing, surplus };
}

export { QUERIES };
