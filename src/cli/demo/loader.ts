// Produces the flights in the file's order, keyed by origin. Order and placement follow from the file alone, so after a
// crash the loader counts what each partition already has and goes on exactly there.
import type { Client, Producer } from '../../client/index.ts';
import { loadAvro, resolveReferences, type SchemaSource, writeEnvelope } from '../../serde/index.ts';
import { ByteWriter, MillraceError, partitionForKey } from '../../util/index.ts';
import type { FlightColumns } from './flight-columns.ts';
import { readFlights } from './flights-data.ts';

/** The producer may run this far ahead of what the broker has acknowledged. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;
/** The loader may run this many flights ahead of their results: what is further ahead only waits, in memory. */
const AHEAD_MAX = 60_000;
const SLICE = 2_000;

interface Flight {
  readonly DESTINATION: string;
  readonly DELAY: number;
  readonly DISTANCE: number;
  readonly DEPARTURE: number;
}

export interface LoadObserver {
  /** Called for every stretch before it is sent, whether or not it is in the topic already. */
  stretch(flights: FlightColumns): void;
  /** Called after every slice: `loaded` flights have been handed over or found; the last one is row `index` of its stretch. */
  progress(loaded: number, index: number): void;
  /** How many flights have been produced whose results are not there yet: the loader waits when it is far ahead. */
  ahead(loaded: number): number;
}

export class FlightLoader {
  readonly #client: Client;
  readonly #schemas: SchemaSource;
  readonly #topic: string;

  constructor(client: Client, schemas: SchemaSource, topic: string) {
    this.#client = client;
    this.#schemas = schemas;
    this.#topic = topic;
  }

  /** How many flights the topic holds, per partition. */
  async present(): Promise<number[]> {
    const description = (await this.#client.admin().describeTopics([this.#topic])).get(this.#topic);
    const partitions =
      description?.partitions.map(({ partition }) => ({ topic: this.#topic, partition, timestamp: -1 })) ?? [];
    const ends = await this.#client.admin().listOffsets(partitions);
    return ends.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  }

  /** Produces what is missing of the first `limit` flights; resolves with how many were produced. */
  async load(limit: number, observer: LoadObserver): Promise<number> {
    const schema = await this.#schemas.latest(`${this.#topic}-value`);
    if (schema === undefined)
      throw new MillraceError('SCHEMA_NOT_FOUND', `the registry has no schema for ${this.#topic}`);
    const codec = (await loadAvro())<Flight>(await resolveReferences(this.#schemas, schema.schema));
    const missing = await this.present();
    const producer = this.#client.producer({ lingerMs: 5, batchSize: 512 * 1024 });
    const places = new Map<string, { key: Buffer; partition: number }>();
    const out = new ByteWriter(1024);
    let loaded = 0;
    let produced = 0;
    for await (const flights of readFlights(limit)) {
      observer.stretch(flights);
      const { origin, destination, delay, distance, departure } = flights;
      for (let i = 0; i < flights.count; i++) {
        let place = places.get(origin[i]!);
        if (place === undefined) {
          const key = Buffer.from(origin[i]!);
          place = { key, partition: partitionForKey(key, missing.length) };
          places.set(origin[i]!, place);
        }
        loaded++;
        // The topic's records are the file's, in order: as many as it holds have been produced before.
        if (missing[place.partition]! > 0) missing[place.partition]!--;
        else {
          produced++;
          out.reset();
          writeEnvelope(schema.id, out);
          codec.encode(
            { DESTINATION: destination[i]!, DELAY: delay[i]!, DISTANCE: distance[i]!, DEPARTURE: departure[i]! },
            out,
          );
          producer.enqueue(this.#topic, place.partition, place.key, out.view(), departure[i]!);
        }
        if (loaded % SLICE === 0) {
          observer.progress(loaded, i);
          await this.#breathe(producer, () => observer.ahead(loaded));
        }
      }
    }
    await producer.flush();
    await producer.close();
    return produced;
  }

  /** Lets everything else in the process run, and waits while the broker or the queries are behind. */
  async #breathe(producer: Producer, ahead: () => number): Promise<void> {
    do {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    } while (producer.bufferedBytes > BUFFERED_BYTES_MAX || ahead() > AHEAD_MAX);
  }
}
