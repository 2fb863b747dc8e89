// What the demo knows of flights and airports.

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
