// What the demo's queries must answer, computed without any of our own code: one pass over the columns, plain Maps.
import type { FlightColumns } from './flight-columns.ts';

/** The size of the windows in examples/flights.sql. */
export const DAY_MS = 86_400_000;

export interface WindowTotals {
  flights: number;
  delaySum: number;
  delayed: number;
  longest: number;
}

export interface RouteTotals {
  flights: number;
  delaySum: number;
  miles: number;
}

export class ExpectedResults {
  /** By `origin|window start`. */
  readonly windows = new Map<string, WindowTotals>();
  /** By `origin|destination`. */
  readonly routes = new Map<string, RouteTotals>();
  lateFlights = 0;
  flights = 0;

  /** Adds a stretch of flights. Returns for each the how-manieth of its window it is: what a result that includes it counts. */
  add({ count, departure, delay, distance, origin, destination }: FlightColumns): Int32Array {
    const ordinals = new Int32Array(count);
    this.flights += count;
    for (let i = 0; i < count; i++) {
      const start = Math.floor(departure[i]! / DAY_MS) * DAY_MS;
      const windowKey = `${origin[i]}|${start}`;
      let window = this.windows.get(windowKey);
      if (window === undefined) {
        window = { flights: 0, delaySum: 0, delayed: 0, longest: Number.NEGATIVE_INFINITY };
        this.windows.set(windowKey, window);
      }
      const minutes = delay[i]!;
      ordinals[i] = ++window.flights;
      window.delaySum += minutes;
      if (minutes > 15) window.delayed++;
      if (minutes > window.longest) window.longest = minutes;
      if (minutes > 120) this.lateFlights++;

      const routeKey = `${origin[i]}|${destination[i]}`;
      let route = this.routes.get(routeKey);
      if (route === undefined) {
        route = { flights: 0, delaySum: 0, miles: Number.NEGATIVE_INFINITY };
        this.routes.set(routeKey, route);
      }
      route.flights++;
      route.delaySum += minutes;
      if (distance[i]! > route.miles) route.miles = distance[i]!;
    }
    return ordinals;
  }
}

/** A row as a query answered it. */
type Row = Readonly<Record<string, unknown>>;

/** Every way in which the answers differ from what was expected, as sentences. */
export function differences(expected: ExpectedResults, windows: readonly Row[], routes: readonly Row[]): string[] {
  const found: string[] = [];
  const compare = (what: string, column: string, actual: unknown, wanted: number) => {
    if (typeof actual !== 'number' || Math.abs(actual - wanted) > 1e-9 * Math.max(1, Math.abs(wanted))) {
      found.push(`${what}: ${column} is ${String(actual)}, expected ${wanted}`);
    }
  };
  const seenWindows = new Set<string>();
  for (const row of windows) {
    const key = `${String(row['ORIGIN'])}|${String(row['WINDOWSTART'])}`;
    const wanted = expected.windows.get(key);
    if (wanted === undefined || seenWindows.has(key)) found.push(`window ${key}: was not expected`);
    else {
      compare(`window ${key}`, 'FLIGHTS', row['FLIGHTS'], wanted.flights);
      compare(`window ${key}`, 'AVERAGE_DELAY', row['AVERAGE_DELAY'], wanted.delaySum / wanted.flights);
      compare(`window ${key}`, 'SHARE_DELAYED', row['SHARE_DELAYED'], wanted.delayed / wanted.flights);
      compare(`window ${key}`, 'LONGEST_DELAY', row['LONGEST_DELAY'], wanted.longest);
    }
    seenWindows.add(key);
  }
  for (const key of expected.windows.keys()) if (!seenWindows.has(key)) found.push(`window ${key}: is missing`);

  const seenRoutes = new Set<string>();
  for (const row of routes) {
    const key = `${String(row['ORIGIN'])}|${String(row['DESTINATION'])}`;
    const wanted = expected.routes.get(key);
    if (wanted === undefined || seenRoutes.has(key)) found.push(`route ${key}: was not expected`);
    else {
      compare(`route ${key}`, 'FLIGHTS', row['FLIGHTS'], wanted.flights);
      compare(`route ${key}`, 'AVERAGE_DELAY', row['AVERAGE_DELAY'], wanted.delaySum / wanted.flights);
      compare(`route ${key}`, 'MILES', row['MILES'], wanted.miles);
    }
    seenRoutes.add(key);
  }
  for (const key of expected.routes.keys()) if (!seenRoutes.has(key)) found.push(`route ${key}: is missing`);
  return found;
}
