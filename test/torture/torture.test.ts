// The short form of `npm run torture`: real processes, killed under real work; and the checker, which has to see what is wrong.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import * as check from '../../tools/torture/checker.ts';
import { KeyedProducer, OwnProducer, TOPICS, Transactions } from '../../tools/torture/workloads.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

test('ten kills lose nothing, and double nothing', { timeout: 300_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['tools/torture/main.ts', '--rounds', '10'], {
    encoding: 'utf8',
  });
  expect({ stdout, stderr, status }).toMatchObject({ stdout: expect.stringMatching(/^0 problems$/m), status: 0 });
});

describe('the checker', () => {
  let embedded: Embedded;
  let client: Client;

  beforeAll(async () => {
    embedded = await openEmbedded();
    client = embedded.connect();
    await client.admin().createTopics(Object.values(TOPICS).map((name) => ({ name, partitions: 1 })));
  });
  afterAll(async () => {
    await client.close();
    await embedded.close();
  });

  async function write(topic: string, ...values: readonly [key: string, value: string][]): Promise<void> {
    const producer = client.producer();
    for (const [key, value] of values)
      await producer.send({ topic, partition: 0, key: Buffer.from(key), value: Buffer.from(value) });
    await producer.close();
  }

  test('sees what was lost, doubled, and put in another order', async () => {
    await write(TOPICS.own, ['', 'own-0:0'], ['', 'own-0:2'], ['', 'own-0:1'], ['', 'own-0:1']);
    const own = new OwnProducer(client, 1);
    own.acknowledged[0]!.push('own-0:0', 'own-0:1', 'own-0:2', 'own-0:3');
    const findings = new check.Findings();
    expect(await check.checkOwn(client, own, findings)).toBe(4);
    expect(findings.lines).toEqual([
      'own client, lost: own-0:3',
      'own client, duplicate: own-0:1 is there 2 times',
      'own client, order: own-0:1 stands behind own-0:2 in partition 0',
    ]);
  });

  test('sees transactions in pieces, and what was aborted', async () => {
    await write(TOPICS.transactions, ['', 'a'], ['', 'c'], ['', 'd'], ['', 'e']);
    await write(TOPICS.copied, ['', 'a'], ['', 'b'], ['', 'e'], ['', 'f']);
    const transactions = new Transactions(client, 1);
    transactions.committed.push(['a', 'b']);
    transactions.aborted.push(['c']);
    transactions.unknown.push(['e', 'f'], ['g', 'h']);
    const findings = new check.Findings();
    await check.checkTransactions(client, transactions, findings);
    expect(findings.lines).toEqual([
      'torture-transactions: b was committed and is there 0 times',
      'torture-transactions: c was aborted and is there',
      'torture-transactions: 1 of 2 records of a transaction are there, from e',
    ]);
  });

  test('sees keys that went back', async () => {
    await write(TOPICS.compacted, ['k', '{"v":3}'], ['k', '{"v":2}'], ['l', '{"v":9}']);
    const book = new KeyedProducer(client, TOPICS.compacted, 3);
    for (const [key, v] of [
      ['k', 3],
      ['l', 8],
      ['m', 1],
    ] as const)
      book.acknowledged.set(key, [v]);
    const findings = new check.Findings();
    await check.checkCompacted(client, book, findings);
    expect(findings.lines).toEqual([
      'compacted: k has 2, and 3 was acknowledged',
      'compacted: m has undefined, and 1 was acknowledged',
    ]);
  });
});
