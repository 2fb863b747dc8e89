// What clocks of a zone show, and when they show it.

/** Whether the zone is one that can be counted in. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** The moment at which clocks of a zone show a time; of two, where clocks are set back, the first. */
export function fromWall(wall: number, zone: string): number {
  if (zone === 'UTC') return wall;
  const first = wall - (toWall(wall, zone) - wall);
  return wall - (toWall(first, zone) - first);
}

/** What clocks of a zone show, as if they were in UTC. */
export function toWall(ms: number, zone: string): number {
  if (zone === 'UTC') return ms;
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-hc-h23-ca-iso8601', {
      timeZone: zone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}
