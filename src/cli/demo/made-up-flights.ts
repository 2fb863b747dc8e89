// Flights for a demo without the real ones: the same every time, spread over a year, between airports that there are; big
// airports have more of them, and a few flights are very late.
import type { Airport, FlightColumns } from './flight-columns.ts';

const YEAR_MS = 365 * 86_400_000;
const FLIGHTS_PER_YEAR = 3_000_000;
const FIRST_DEPARTURE = Date.UTC(2001, 0, 1);
const MINUTE_MS = 60_000;
const STRETCH = 250_000;
const EARTH_RADIUS_MILES = 3958.8;

/** Code, name, city, state, latitude, longitude, and how many of a hundred thousand flights start there, more or less. */
const AIRPORTS: readonly (readonly [string, string, string, string, number, number, number])[] = [
  ['ATL', 'Hartsfield-Jackson', 'Atlanta', 'GA', 33.64, -84.43, 60],
  ['ORD', "O'Hare", 'Chicago', 'IL', 41.98, -87.9, 58],
  ['DFW', 'Dallas-Fort Worth', 'Dallas', 'TX', 32.9, -97.04, 52],
  ['LAX', 'Los Angeles', 'Los Angeles', 'CA', 33.94, -118.41, 42],
  ['PHX', 'Sky Harbor', 'Phoenix', 'AZ', 33.43, -112.01, 36],
  ['DEN', 'Denver', 'Denver', 'CO', 39.86, -104.67, 32],
  ['STL', 'Lambert', 'St Louis', 'MO', 38.75, -90.37, 30],
  ['DTW', 'Metropolitan', 'Detroit', 'MI', 42.21, -83.35, 29],
  ['MSP', 'Saint Paul', 'Minneapolis', 'MN', 44.88, -93.22, 27],
  ['LAS', 'Harry Reid', 'Las Vegas', 'NV', 36.08, -115.15, 26],
  ['IAH', 'George Bush', 'Houston', 'TX', 29.98, -95.34, 25],
  ['CLT', 'Douglas', 'Charlotte', 'NC', 35.21, -80.94, 23],
  ['SFO', 'San Francisco', 'San Francisco', 'CA', 37.62, -122.37, 22],
  ['EWR', 'Liberty', 'Newark', 'NJ', 40.69, -74.17, 22],
  ['PHL', 'Philadelphia', 'Philadelphia', 'PA', 39.87, -75.24, 21],
  ['LGA', 'LaGuardia', 'New York', 'NY', 40.78, -73.87, 20],
  ['PIT', 'Pittsburgh', 'Pittsburgh', 'PA', 40.49, -80.23, 20],
  ['BOS', 'Logan', 'Boston', 'MA', 42.36, -71.01, 20],
  ['SEA', 'Tacoma', 'Seattle', 'WA', 47.45, -122.31, 18],
  ['BWI', 'Thurgood Marshall', 'Baltimore', 'MD', 39.18, -76.67, 17],
  ['DCA', 'Reagan', 'Washington', 'DC', 38.85, -77.04, 17],
  ['MCO', 'Orlando', 'Orlando', 'FL', 28.43, -81.32, 16],
  ['SLC', 'Salt Lake City', 'Salt Lake City', 'UT', 40.79, -111.98, 15],
  ['SAN', 'San Diego', 'San Diego', 'CA', 32.73, -117.19, 14],
  ['OAK', 'Oakland', 'Oakland', 'CA', 37.72, -122.22, 13],
  ['MCI', 'Kansas City', 'Kansas City', 'MO', 39.3, -94.71, 12],
  ['TPA', 'Tampa', 'Tampa', 'FL', 27.98, -82.53, 12],
  ['PDX', 'Portland', 'Portland', 'OR', 45.59, -122.6, 11],
  ['MIA', 'Miami', 'Miami', 'FL', 25.79, -80.29, 11],
  ['BNA', 'Nashville', 'Nashville', 'TN', 36.12, -86.68, 11],
  ['JFK', 'John F Kennedy', 'New York', 'NY', 40.64, -73.78, 10],
  ['AUS', 'Austin-Bergstrom', 'Austin', 'TX', 30.19, -97.67, 8],
  ['MSY', 'Louis Armstrong', 'New Orleans', 'LA', 29.99, -90.26, 8],
  ['ABQ', 'Sunport', 'Albuquerque', 'NM', 35.04, -106.61, 6],
  ['HNL', 'Daniel K Inouye', 'Honolulu', 'HI', 21.32, -157.92, 4],
  ['ANC', 'Ted Stevens', 'Anchorage', 'AK', 61.17, -150.0, 3],
];

export function madeUpAirports(): Airport[] {
  return AIRPORTS.map(([iata, name, city, state, latitude, longitude]) => ({
    iata,
    name,
    city,
    state,
    latitude,
    longitude,
  }));
}

/** The first `limit` flights in the order of their departures, a stretch at a time. */
export function* madeUpFlights(limit: number): Generator<FlightColumns> {
  const random = chance();
  const weights = AIRPORTS.map((airport) => airport[6]);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const airport = (): number => {
    let left = random() * all;
    return weights.findIndex((weight) => (left -= weight) < 0);
  };
  const miles = AIRPORTS.map((from) => AIRPORTS.map((to) => milesBetween(from, to)));
  for (let start = 0; start < limit; start += STRETCH) {
    const count = Math.min(STRETCH, limit - start);
    const flights = {
      count,
      departure: new Float64Array(count),
      delay: new Int32Array(count),
      distance: new Int32Array(count),
      origin: [] as string[],
      destination: [] as string[],
    };
    for (let i = 0; i < count; i++) {
      const from = airport();
      const to = (from + 1 + Math.floor(random() * (AIRPORTS.length - 1))) % AIRPORTS.length;
      const ms = ((start + i) * YEAR_MS) / FLIGHTS_PER_YEAR;
      flights.departure[i] = FIRST_DEPARTURE + ms - (ms % MINUTE_MS);
      flights.delay[i] = Math.round(-12 + 16 * Math.log(1 / (1 - random())) + (random() < 0.02 ? random() * 240 : 0));
      flights.distance[i] = miles[from]![to]!;
      flights.origin.push(AIRPORTS[from]![0]);
      flights.destination.push(AIRPORTS[to]![0]);
    }
    yield flights;
  }
}

/** Numbers from 0 to below 1, the same ones every time (Marsaglia's xorshift with 32 bits). */
function chance(): () => number {
  let state = 2_463_534_242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Along the great circle. */
function milesBetween(from: (typeof AIRPORTS)[number], to: (typeof AIRPORTS)[number]): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half = (angle: number): number => Math.sin(angle / 2) ** 2;
  const [a, b] = [radians(from[4]), radians(to[4])];
  const h = half(b - a) + Math.cos(a) * Math.cos(b) * half(radians(to[5] - from[5]));
  return Math.round(2 * EARTH_RADIUS_MILES * Math.asin(Math.sqrt(h)));
}
