// What the streams tests share: plain serdes, and a driver that is fed and read as short text.
import { deserialize, type Serde, serialize } from '../../src/serde/index.ts';
import {
  SessionWindowedSerde,
  type StreamsBuilder,
  type TestDriverOptions,
  TimeWindowedSerde,
  TopologyTestDriver,
  type Windowed,
} from '../../src/streams/index.ts';

export const text: Serde<string> = {
  name: 'TEXT',
  encode: (value, out) => out.utf8(value),
  decode: (bytes, start, end) => bytes.toString('utf8', start, end),
};

/** An int64, as Kafka's Long serializer writes it. */
export const long: Serde<number> = {
  name: 'LONG',
  encode: (value, out) => out.int64(value),
  decode: (bytes, start) => Number(bytes.readBigInt64BE(start)),
};

export const texts = { key: text, value: text };

export function drive(builder: StreamsBuilder, options: TestDriverOptions = {}): Driven {
  return new Driven(new TopologyTestDriver(builder.build(), options));
}

export class Driven {
  readonly driver: TopologyTestDriver;

  constructor(driver: TopologyTestDriver) {
    this.driver = driver;
  }

  /** Pipes a record of texts. */
  pipe(topic: string, key: string | null, value: string | null, timestamp = 0): this {
    this.driver.pipe(topic, serialize(text, key), serialize(text, value), timestamp);
    return this;
  }

  /** What came out since the last look, as `key:value@timestamp`; null is ∅. */
  out(topic = 'out', value: Serde<never> | Serde<string> | Serde<number> = text): string[] {
    return this.driver.read(topic).map((record) => {
      const decoded = deserialize(value as Serde<unknown>, record.value);
      return `${deserialize(text, record.key) ?? '∅'}:${decoded ?? '∅'}@${record.timestamp}`;
    });
  }

  /** As `out`, without keys. */
  values(topic = 'out', value: Serde<string> | Serde<number> = text): string[] {
    return this.driver
      .read(topic)
      .map((record) => `${deserialize(value as Serde<unknown>, record.value) ?? '∅'}@${record.timestamp}`);
  }

  /** Windowed keys as `key[start,end]value@timestamp`. */
  windows(size: number | 'session', topic = 'out', value: Serde<string> | Serde<number> = text): string[] {
    const keys: Serde<Windowed<string>> =
      size === 'session' ? new SessionWindowedSerde(text) : new TimeWindowedSerde(text, size);
    return this.driver.read(topic).map((record) => {
      const key = deserialize(keys, record.key)!;
      const decoded = deserialize(value as Serde<unknown>, record.value);
      return `${key.key}[${key.start},${key.end}]${decoded ?? '∅'}@${record.timestamp}`;
    });
  }
}
