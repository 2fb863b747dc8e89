// The demo's windowed aggregate alone: real flights from their topic into windows per origin, Avro in and out, exactly once.
import { readFlights } from '../src/cli/demo/flights-data.ts';
import { FlightLoader } from '../src/cli/demo/loader.ts';
import { openPlatform, until } from './platform.ts';

export const name = 'SQL: windowed aggregate over real flights';

const FLIGHTS = 800_000;

export async function measure(): Promise<Record<string, number | string>> {
  const bare = await bareLoop();
  const bench = await openPlatform();
  try {
    await bench.execute(
      `CREATE STREAM flights (origin STRING KEY, destination STRING, delay INTEGER, distance INTEGER, departure TIMESTAMP)
       WITH (kafka_topic='flights', partitions=4, value_format='AVRO', timestamp='departure');`,
    );
    const { client, schemas } = bench.platform;
    const loader = new FlightLoader(client, schemas, 'flights');
    const loading = performance.now();
    await loader.load(FLIGHTS, { stretch: () => {}, progress: () => {}, ahead: () => 0 });
    const loadSeconds = (performance.now() - loading) / 1000;
    const begun = performance.now();
    await bench.execute(
      `CREATE TABLE origin_days AS SELECT origin, COUNT(*) AS flights, AVG(delay) AS average_delay,
         AVG(CASE WHEN delay > 15 THEN 1E0 ELSE 0E0 END) AS share_delayed, MAX(delay) AS longest_delay
       FROM flights WINDOW TUMBLING (SIZE 1 DAY, RETENTION 365 DAYS, GRACE PERIOD 1 DAY) GROUP BY origin EMIT CHANGES;`,
    );
    const [group] = (await client.admin().listGroups())
      .map(({ groupId }) => groupId)
      .filter((id) => id.includes('ORIGIN_DAYS'));
    await until(async () => {
      const committed = await client
        .admin()
        .committedOffsets(group ?? '_confluent-ksql-default_query_CTAS_ORIGIN_DAYS_0');
      return (
        committed.filter(({ topic }) => topic === 'flights').reduce((sum, { offset }) => sum + offset, 0) >= FLIGHTS
      );
    });
    const seconds = (performance.now() - begun) / 1000;
    return {
      'flights aggregated per second': Math.round(FLIGHTS / seconds),
      'flights loaded per second (no query running)': Math.round(FLIGHTS / loadSeconds),
      'the same sums over parsed columns in plain Maps, per second': Math.round(bare),
    };
  } finally {
    await bench.close();
  }
}

async function bareLoop(): Promise<number> {
  let spent = 0;
  for await (const { count, origin, departure, delay } of readFlights(FLIGHTS)) {
    const begun = performance.now();
    const windows = new Map<string, { flights: number; sum: number; longest: number }>();
    for (let i = 0; i < count; i++) {
      const key = `${origin[i]}|${Math.floor(departure[i]! / 86_400_000)}`;
      let window = windows.get(key);
      if (window === undefined) {
        window = { flights: 0, sum: 0, longest: -Infinity };
        windows.set(key, window);
      }
      window.flights++;
      window.sum += delay[i]!;
      if (delay[i]! > window.longest) window.longest = delay[i]!;
    }
    spent += performance.now() - begun;
  }
  return FLIGHTS / (spent / 1000);
}
