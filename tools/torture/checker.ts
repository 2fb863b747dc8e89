// What is there in the end, held against the books: every difference is one line.
import { type Client, recordsOf } from '../../src/client/index.ts';
import type { KafkaJsProducer, KeyedProducer, LibrdkafkaProducer, OwnProducer, Transactions } from './workloads.ts';
import { TOPICS } from './workloads.ts';

const POLL_MS = 500;
const PROBLEMS_SHOWN = 10;

/** The values of every partition, from the first record to the end, as a committed reader sees them. */
export async function valuesOf(client: Client, topic: string): Promise<{ key: string; value: string }[][]> {
  const description = (await client.admin().describeTopics([topic])).get(topic)!;
  const partitions = description.partitions.map(({ partition }) => ({ topic, partition }));
  const ends = await client.admin().listOffsets(
    partitions.map((at) => ({ ...at, timestamp: -1 })),
    'read_committed',
  );
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
  consumer.assign(partitions);
  const values: { key: string; value: string }[][] = partitions.map(() => []);
  const isBehind = () =>
    ends.some((end) => {
      const position = consumer.position(end);
      return end.offset > 0 && (position < 0 || position < end.offset);
    });
  while (isBehind()) {
    for (const { partition, key, value } of recordsOf(await consumer.poll(POLL_MS)))
      values[partition]!.push({ key: String(key), value: String(value) });
  }
  await consumer.close();
  return values;
}

/** Problems, each in a sentence; more than a few of one kind are counted. */
export class Findings {
  readonly #byKind = new Map<string, string[]>();

  add(kind: string, what: string): void {
    const found = this.#byKind.get(kind);
    if (found === undefined) this.#byKind.set(kind, [what]);
    else found.push(what);
  }

  get count(): number {
    return [...this.#byKind.values()].reduce((sum, found) => sum + found.length, 0);
  }

  get lines(): string[] {
    return [...this.#byKind].flatMap(([kind, found]) => [
      ...found.slice(0, PROBLEMS_SHOWN).map((what) => `${kind}: ${what}`),
      ...(found.length > PROBLEMS_SHOWN ? [`${kind}: and ${found.length - PROBLEMS_SHOWN} more`] : []),
    ]);
  }
}

const numberOf = (value: string): number => Number(value.slice(value.indexOf(':') + 1));

/** Each acknowledged record once, in the order in which it was sent; what was not acknowledged at most once. */
export async function checkOwn(client: Client, { acknowledged }: OwnProducer, findings: Findings): Promise<number> {
  const found = await valuesOf(client, TOPICS.own);
  for (const [partition, book] of acknowledged.entries()) {
    const values = found[partition]!.map(({ value }) => value);
    checkOnce('own client', values, book, findings);
    values.forEach((value, i) => {
      if (i > 0 && numberOf(value) < numberOf(values[i - 1]!))
        findings.add('own client, order', `${value} stands behind ${values[i - 1]} in partition ${partition}`);
    });
  }
  return acknowledged.reduce((sum, book) => sum + book.length, 0);
}

function checkOnce(kind: string, values: readonly string[], acknowledged: Iterable<string>, findings: Findings): void {
  const counts = countsOf(values);
  for (const value of acknowledged) if (!counts.has(value)) findings.add(`${kind}, lost`, value);
  for (const [value, count] of counts)
    if (count > 1) findings.add(`${kind}, duplicate`, `${value} is there ${count} times`);
}

function countsOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

export async function checkLibrdkafka(
  client: Client,
  { acknowledged }: LibrdkafkaProducer,
  findings: Findings,
): Promise<number> {
  const values = (await valuesOf(client, TOPICS.librdkafka)).flat().map(({ value }) => value);
  checkOnce('librdkafka', values, acknowledged, findings);
  return acknowledged.size;
}

/** A client that sends twice by itself, under another sequence, has its duplicates: only losses are the broker's. */
export async function checkKafkaJs(
  client: Client,
  { acknowledged }: KafkaJsProducer,
  findings: Findings,
): Promise<number> {
  const there = new Set((await valuesOf(client, TOPICS.kafkajs)).flat().map(({ value }) => value));
  for (const value of acknowledged) if (!there.has(value)) findings.add('kafkajs, lost', value);
  return acknowledged.size;
}

/** Transactions, and what an exactly-once application copied of them. */
export async function checkTransactions(client: Client, book: Transactions, findings: Findings): Promise<number> {
  for (const topic of [TOPICS.transactions, TOPICS.copied]) {
    const counts = countsOf((await valuesOf(client, topic)).flat().map(({ value }) => value));
    for (const values of book.committed) {
      for (const value of values)
        if (counts.get(value) !== 1)
          findings.add(topic, `${value} was committed and is there ${counts.get(value) ?? 0} times`);
    }
    for (const value of book.aborted.flat())
      if (counts.has(value)) findings.add(topic, `${value} was aborted and is there`);
    for (const values of book.unknown) {
      const there = values.filter((value) => counts.get(value) === 1).length;
      if (there !== 0 && there !== values.length)
        findings.add(topic, `${there} of ${values.length} records of a transaction are there, from ${values[0]}`);
    }
  }
  return book.committed.length;
}

/** Under every key of a compacted topic stands what was acknowledged last, or something newer. */
export async function checkCompacted(client: Client, book: KeyedProducer, findings: Findings): Promise<number> {
  const last = new Map<string, number>();
  for (const { key, value } of (await valuesOf(client, TOPICS.compacted)).flat())
    last.set(key, (JSON.parse(value) as { v: number }).v);
  for (const [key, numbers] of book.acknowledged) {
    const found = last.get(key);
    if (found === undefined || found < numbers.at(-1)!)
      findings.add('compacted', `${key} has ${found}, and ${numbers.at(-1)} was acknowledged`);
  }
  return book.acknowledged.size;
}

/** A table over the records of a topic is what the records say that are there. */
export async function checkTable(client: Client, sqlUrl: string, findings: Findings): Promise<number> {
  const expected = new Map<string, [count: number, sum: number]>();
  for (const { key, value } of (await valuesOf(client, TOPICS.numbers)).flat()) {
    const [count, sum] = expected.get(key) ?? [0, 0];
    expected.set(key, [count + 1, sum + (JSON.parse(value) as { v: number }).v]);
  }
  const rows = await tableRows(sqlUrl);
  for (const [key, [count, sum]] of expected) {
    const row = rows.get(key);
    if (row?.[0] !== count || row[1] !== sum)
      findings.add('table', `${key} has ${row?.join(', ') ?? 'no row'}, and its records say ${count}, ${sum}`);
  }
  if (rows.size > expected.size) findings.add('table', `${rows.size} keys, and there are ${expected.size}`);
  return expected.size;
}

export async function tableRows(sqlUrl: string): Promise<Map<string, [number, number]>> {
  const response = await fetch(`${sqlUrl}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql: 'SELECT k, n, total FROM sums;' }),
  });
  const answer = (await response.json()) as { row?: { columns: [string, number, number] } }[];
  return new Map(
    answer.flatMap(({ row }) => (row === undefined ? [] : [[row.columns[0], [row.columns[1], row.columns[2]]]])),
  );
}

/** A number that was acknowledged is in the topic: what the table counts is whole. */
export async function checkNumbers(client: Client, book: KeyedProducer, findings: Findings): Promise<number> {
  const there = new Set(
    (await valuesOf(client, TOPICS.numbers)).flat().map(({ value }) => (JSON.parse(value) as { v: number }).v),
  );
  let count = 0;
  for (const v of [...book.acknowledged.values()].flat()) {
    count++;
    if (!there.has(v)) findings.add('numbers, lost', String(v));
  }
  return count;
}
