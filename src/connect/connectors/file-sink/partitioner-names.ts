// What the settings of partitioners mean.
import { ConfigError } from '../../data/errors.ts';

const PARTITIONERS = {
  DefaultPartitioner: 'default',
  FieldPartitioner: 'field',
  TimeBasedPartitioner: 'time',
  DailyPartitioner: 'daily',
  HourlyPartitioner: 'hourly',
} as const;
type PartitionerName = (typeof PARTITIONERS)[keyof typeof PARTITIONERS];

/** Which partitioner a class name means, by its last part. Throws `ConfigError`. */
export function partitionerName(className: string): PartitionerName {
  const last = className.split('.').at(-1)!;
  if (Object.hasOwn(PARTITIONERS, last)) return PARTITIONERS[last as keyof typeof PARTITIONERS];
  throw new ConfigError(`a partitioner is one of ${Object.keys(PARTITIONERS).join(', ')}`);
}

/** A pattern of Joda-Time in the letters of SimpleDateFormat, whose year of an era is `y`. Throws `ConfigError`. */
export function pathPattern(pattern: string): string {
  return pattern
    .split(/('(?:[^']|'')*')/)
    .map((part, i) => {
      if (i % 2 === 1) return part;
      if (/[zZX]/.test(part)) throw new ConfigError('path.format has no letters for time zones (z, Z)');
      return part.replaceAll('Y', 'y');
    })
    .join('');
}
