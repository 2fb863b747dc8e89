import type { Duration, TimeUnit } from './ast.ts';

const UNIT_MS: Record<TimeUnit, number> = {
  DAYS: 86_400_000,
  HOURS: 3_600_000,
  MINUTES: 60_000,
  SECONDS: 1000,
  MILLISECONDS: 1,
};

export function milliseconds(duration: Duration): number {
  return duration.amount * UNIT_MS[duration.unit];
}
