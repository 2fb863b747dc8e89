import { equalValues, type SqlValue } from '../values/value.ts';
import { nullable, pure, type ScalarFunction, scalar } from './function.ts';

const EARTH_RADIUS: Record<string, number> = { KM: 6371, MI: 3959, MILE: 3959, MILES: 3959 };

function distance(lat1: number, lon1: number, lat2: number, lon2: number, units = 'KM'): number {
  const radius = EARTH_RADIUS[units.toUpperCase()];
  if (radius === undefined)
    throw new RangeError(`GEO_DISTANCE function units value should be one of KM, MI, MILE or MILES. Got ${units}`);
  for (const lat of [lat1, lat2])
    if (Math.abs(lat) > 90)
      throw new RangeError(
        `valid latitude values for GEO_DISTANCE function are in the range of -90 to 90 decimal degrees. Got ${lat}`,
      );
  for (const lon of [lon1, lon2])
    if (Math.abs(lon) > 180)
      throw new RangeError(
        `valid longitude values for GEO_DISTANCE function are in the range of -180 to +180 decimal degrees. Got ${lon}`,
      );
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const a =
    Math.sin(radians(lat2 - lat1) / 2) ** 2 +
    Math.sin(radians(lon2 - lon1) / 2) ** 2 * Math.cos(radians(lat1)) * Math.cos(radians(lat2));
  return radius * 2 * Math.asin(Math.sqrt(a));
}

export const otherFunctions: readonly ScalarFunction[] = [
  scalar('AS_VALUE', 'OTHER', 'Copies a key column into the value.', [pure('T -> T', (value: SqlValue) => value)]),
  scalar('COALESCE', 'CONDITIONAL', 'The first argument that is not null.', [
    nullable('T, T... -> T', (...values: SqlValue[]) => values.find((value) => value !== null) ?? null),
  ]),
  scalar('IFNULL', 'CONDITIONAL', 'The first argument, or the second when that is null.', [
    nullable('T, T -> T', (value: SqlValue, otherwise: SqlValue) => value ?? otherwise),
  ]),
  scalar('NULLIF', 'CONDITIONAL', 'Null when both arguments are equal, else the first.', [
    nullable('T, T -> T', (value: SqlValue, other: SqlValue) =>
      value !== null && other !== null && equalValues(value, other) ? null : value,
    ),
  ]),
  scalar(
    'GEO_DISTANCE',
    'OTHER',
    'The distance between two points on the earth.',
    [
      pure('DOUBLE, DOUBLE, DOUBLE, DOUBLE -> DOUBLE', distance),
      nullable(
        'DOUBLE, DOUBLE, DOUBLE, DOUBLE, STRING -> DOUBLE',
        (a: number | null, b: number | null, c: number | null, d: number | null, units: string | null) =>
          a === null || b === null || c === null || d === null ? null : distance(a, b, c, d, units ?? 'KM'),
      ),
    ],
    'geo_distance',
  ),
];
