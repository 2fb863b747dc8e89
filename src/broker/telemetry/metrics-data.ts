/**
 * What clients push: `MetricsData` of OpenTelemetry (opentelemetry/proto/metrics/v1/metrics.proto). Gauges and sums are read,
 * which is what the Kafka clients push. Histograms and summaries are counted and left out, and so are labels that are neither
 * texts, numbers nor truth values.
 */
import { MillraceError, WIRE, WireReader } from '../../util/index.ts';

/** One value of one metric, as it was pushed. */
export interface DataPoint {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum';
  /** True where a sum is what came in since the last push. */
  readonly isDelta: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds since 1970, by the client's clock. */
  readonly timestamp: number;
}

/** One push. */
export interface MetricsData {
  /** What the client says of itself: `client_id`, `client_rack`, `group_id` … */
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly DataPoint[];
  /** Metrics that are neither gauges nor sums. */
  readonly left: number;
}

type Labels = Record<string, string>;
type NumberPoint = Pick<DataPoint, 'labels' | 'value' | 'timestamp'>;

const MOST_POINTS = 20_000;
const LONGEST_NAME = 512;
const NANOS_PER_MS = 1_000_000;
const DELTA = 1;

const { VARINT, FIXED64, BYTES } = WIRE;

/** Reads a push. Throws `BrokenMessage` where it is none, and TELEMETRY_TOO_LARGE where it has more than 20,000 values. */
export function readMetricsData(bytes: Buffer): MetricsData {
  const labels: Labels = noLabels();
  const points: DataPoint[] = [];
  let left = 0;
  const add = (metric: ReturnType<typeof readMetric>): void => {
    if (metric === undefined) left++;
    else for (const point of metric) points.push(point);
    if (points.length > MOST_POINTS) {
      throw new MillraceError('TELEMETRY_TOO_LARGE', `A push has more than ${MOST_POINTS} values.`);
    }
  };
  each(new WireReader(bytes), {
    [field(1, BYTES)]: (resourceMetrics) =>
      inside(resourceMetrics, {
        [field(1, BYTES)]: (resource) => inside(resource, { [field(1, BYTES)]: (from) => readLabel(from, labels) }),
        [field(2, BYTES)]: (scope) => inside(scope, { [field(2, BYTES)]: (from) => add(readMetric(from)) }),
      }),
  });
  return { labels, points, left };
}

type FieldReaders = Readonly<Record<number, (reader: WireReader) => void>>;

/** As `WireReader.tag` names a field. */
function field(number: number, wireType: number): number {
  return number * 8 + wireType;
}

/** Reads the fields that are known, and passes over the others. */
function each(reader: WireReader, fields: FieldReaders): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const read = fields[tag];
    if (read === undefined) reader.skip(tag);
    else read(reader);
  }
}

function inside(reader: WireReader, fields: FieldReaders): void {
  reader.message((inner) => each(inner, fields));
}

/** The values of a metric; undefined where it is of another kind. */
function readMetric(reader: WireReader): readonly DataPoint[] | undefined {
  let [name, unit] = ['', ''];
  let kind: DataPoint['kind'] | undefined;
  let isDelta = false;
  const points: NumberPoint[] = [];
  const point = (from: WireReader): void => {
    points.push(readPoint(from));
  };
  inside(reader, {
    [field(1, BYTES)]: (from) => (name = nameIn(from)),
    [field(3, BYTES)]: (from) => (unit = nameIn(from)),
    [field(5, BYTES)]: (from) => {
      kind = 'gauge';
      inside(from, { [field(1, BYTES)]: point });
    },
    [field(7, BYTES)]: (from) => {
      kind = 'sum';
      inside(from, { [field(1, BYTES)]: point, [field(2, VARINT)]: (sum) => (isDelta = sum.int32() === DELTA) });
    },
  });
  if (kind === undefined) return undefined;
  const found = kind;
  return points.map((each) => ({ name, unit, kind: found, isDelta, ...each }));
}

function readPoint(reader: WireReader): NumberPoint {
  const labels: Labels = noLabels();
  let [value, timestamp] = [0, 0];
  inside(reader, {
    [field(3, FIXED64)]: (from) => (timestamp = Math.floor(Number(from.fixed64()) / NANOS_PER_MS)),
    [field(4, FIXED64)]: (from) => (value = from.double()),
    [field(6, FIXED64)]: (from) => (value = Number(from.sfixed64())),
    [field(7, BYTES)]: (from) => readLabel(from, labels),
  });
  return { labels, value, timestamp };
}

function readLabel(reader: WireReader, into: Labels): void {
  let key = '';
  let value: string | undefined;
  inside(reader, {
    [field(1, BYTES)]: (from) => (key = nameIn(from)),
    [field(2, BYTES)]: (from) =>
      inside(from, {
        [field(1, BYTES)]: (any) => (value = any.string()),
        [field(2, VARINT)]: (any) => (value = String(any.bool())),
        [field(3, VARINT)]: (any) => (value = String(any.int64())),
        [field(4, FIXED64)]: (any) => (value = String(any.double())),
      }),
  });
  if (value !== undefined) into[key] = value;
}

/** Names stand in the keys of all their values: none may be so long that a push is multiplied by it. */
function nameIn(reader: WireReader): string {
  const name = reader.string();
  if (name.length <= LONGEST_NAME) return name;
  throw new MillraceError(
    'INVALID_RECORD',
    `A name in a push has ${name.length} characters: no more than ${LONGEST_NAME}.`,
  );
}

/** What outsiders name must not be found in what all objects have. */
function noLabels(): Labels {
  return Object.create(null) as Labels;
}
