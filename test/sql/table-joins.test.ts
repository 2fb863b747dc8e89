// Tables are joined by equal keys, whatever bytes their topics have for them.
import { describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { plainEngine } from './support.ts';

const ZERO: Readonly<Record<string, Buffer>> = {
  KAFKA: Buffer.alloc(4),
  JSON: Buffer.from('0'),
  DELIMITED: Buffer.from('0'),
};

async function joined(leftFormat: string, rightFormat: string, type: string): Promise<unknown[]> {
  const { engine, queries } = plainEngine();
  const table = (name: string, format: string): string =>
    `CREATE TABLE ${name} (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='${name}', KEY_FORMAT='${format}', VALUE_FORMAT='JSON', PARTITIONS=1);`;
  await engine.execute(`${table('a', leftFormat)} ${table('b', rightFormat)}
    CREATE TABLE o AS SELECT a.id, a.v AS a, b.v AS b FROM a ${type} JOIN b ON a.id = b.id;`);
  const [query] = queries.values();
  const driver = new TopologyTestDriver(query!.topology);
  const changes = [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['a', 4],
    ['b', 5],
  ] as const;
  changes.forEach(([topic, value], i) =>
    driver.pipe(topic, ZERO[topic === 'a' ? leftFormat : rightFormat]!, Buffer.from(`{"V":${value}}`), i),
  );
  return driver.read(query!.plan.sink!.topic).map(({ value }) => Object.values(JSON.parse(String(value)) as object));
}

const formats = Object.keys(ZERO).flatMap((left) => Object.keys(ZERO).map((right) => [left, right] as const));

describe.each(formats)('keys in %s and %s', (left, right) => {
  test('each side finds the other', async () => {
    const both = [
      [1, 2],
      [3, 2],
      [4, 2],
      [4, 5],
    ];
    expect(await joined(left, right, 'INNER')).toEqual(both);
    expect(await joined(left, right, 'LEFT')).toEqual([[1, null], ...both]);
    expect(await joined(left, right, 'RIGHT')).toEqual(both);
  });
});
