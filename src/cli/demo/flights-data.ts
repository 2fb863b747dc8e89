// The demo's data: real flights and airports, from the npm package vega-datasets (public domain records of the US Bureau
// of Transportation Statistics), read where npm put them. Where that is not installed they are made up.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { parseDelimited } from '../../serde/index.ts';
import { MillraceError, packageRoot } from '../../util/index.ts';
import type { Airport, FlightColumns } from './flight-columns.ts';
import { madeUpAirports, madeUpFlights } from './made-up-flights.ts';

/** Whether the flights and airports are real ones. */
export function areFlightsReal(): boolean {
  return dataFile('flights-3m.parquet') !== undefined;
}

/** Up to `limit` flights, always the same in the same order, one stretch (about 270,000) at a time. */
export async function* readFlights(limit: number): AsyncGenerator<FlightColumns> {
  const parquet = dataFile('flights-3m.parquet');
  if (parquet === undefined) yield* madeUpFlights(limit);
  else yield* readParquet(parquet, limit);
}

async function* readParquet(path: string, limit: number): AsyncGenerator<FlightColumns> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = await import('hyparquet');
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = Math.min(limit, start + Number(group.num_rows));
    if (end <= start) return;
    const columns = new Map<string, ArrayLike<unknown>>();
    await parquetRead({
      file,
      metadata,
      compressors,
      rowStart: start,
      rowEnd: end,
      onChunk: ({ columnName, columnData }) => {
        columns.set(columnName, columnData as ArrayLike<unknown>);
      },
    });
    const column = (name: string): ArrayLike<unknown> => {
      const found = columns.get(name);
      if (found === undefined || found.length < end - start) {
        throw new MillraceError('DEMO_DATA_BROKEN', `flights-3m.parquet has no column ${name} of ${end - start} rows`);
      }
      return found;
    };
    const count = end - start;
    yield {
      count,
      departure: Float64Array.from({ length: count }, (_, i) => (column('date')[i] as Date).getTime()),
      delay: Int32Array.from({ length: count }, (_, i) => Number(column('delay')[i])),
      distance: Int32Array.from({ length: count }, (_, i) => Number(column('distance')[i])),
      origin: column('origin') as string[],
      destination: column('destination') as string[],
    };
    start = end;
  }
}

export function readAirports(): Airport[] {
  const file = dataFile('airports.csv');
  if (file === undefined) return madeUpAirports();
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/);
  return lines.map((line) => {
    const [iata, name, city, state, , latitude, longitude] = parseDelimited(line);
    return {
      iata: iata!,
      name: name ?? '',
      city: city ?? null,
      state: state ?? null,
      latitude: Number(latitude),
      longitude: Number(longitude),
    };
  });
}

/** Undefined where vega-datasets is not installed. */
function dataFile(name: string): string | undefined {
  let folder: string;
  try {
    const packageFile = createRequire(import.meta.url).resolve('vega-datasets');
    folder = packageFile.slice(0, packageFile.indexOf('vega-datasets') + 'vega-datasets'.length);
  } catch {
    folder = join(packageRoot, 'node_modules', 'vega-datasets');
  }
  const file = join(folder, 'data', name);
  return existsSync(file) ? file : undefined;
}
