// The demo's data: real flights and airports, from the npm package vega-datasets (public domain records of the US Bureau
// of Transportation Statistics), read where npm put them.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { parseDelimited } from '../../serde/index.ts';
import { MillraceError, packageRoot } from '../../util/index.ts';

/** Columns of a stretch of flights, by row. Delays are minutes, distances miles, departures ms since the epoch (UTC). */
export interface FlightColumns {
  readonly count: number;
  readonly departure: Float64Array;
  readonly delay: Int32Array;
  readonly distance: Int32Array;
  readonly origin: readonly string[];
  readonly destination: readonly string[];
}

export interface Airport {
  readonly iata: string;
  readonly name: string;
  readonly city: string | null;
  readonly state: string | null;
  readonly latitude: number;
  readonly longitude: number;
}

/** Reads up to `limit` flights in the file's order, one stretch (about 270,000) at a time. */
export async function* readFlights(limit: number): AsyncGenerator<FlightColumns> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = await import('hyparquet');
  const file = await asyncBufferFromFile(dataFile('flights-3m.parquet'));
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
  const [, ...lines] = readFileSync(dataFile('airports.csv'), 'utf8').trimEnd().split(/\r?\n/);
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

function dataFile(name: string): string {
  let folder = '';
  try {
    const packageFile = createRequire(import.meta.url).resolve('vega-datasets');
    folder = packageFile.slice(0, packageFile.indexOf('vega-datasets') + 'vega-datasets'.length);
  } catch {
    folder = join(packageRoot, 'node_modules', 'vega-datasets');
  }
  const file = join(folder, 'data', name);
  if (!existsSync(file)) {
    throw new MillraceError(
      'DEMO_DATA_MISSING',
      'The demo needs the package vega-datasets (its flights): run it in a clone after npm ci, or npm install vega-datasets.',
    );
  }
  return file;
}
