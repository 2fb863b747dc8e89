// The defaults of columns that can be told in a schema: constants, and what stands for the time of an insert, the next number
// of a sequence and a new UUID. Other expressions are the server's business.
import { LOGICAL } from '../../data/schema.ts';
import type { ValueType } from './types/value-type.ts';

/** A text in quotes, with the casts behind it, and bits. */
const QUOTED = /^(E|B)?'((?:[^']|'')*)'(?:::[^'()]+(?:\([\d,]+\))?[^'()]*)*$/s;
const NUMBER = /^\(?(-?\d+(?:\.\d+)?)\)?(?:::[\w" ]+(?:\([\d,]+\))?)*$/;
const NOW =
  /^\(?(now\(\)|CURRENT_(TIMESTAMP|DATE|TIME)|LOCALTIME(STAMP)?|(transaction|statement|clock)_timestamp\(\)|timezone\(.*(now\(\)|CURRENT_TIMESTAMP).*\))/i;
const NEW_UUID = /^(\w+\.)?(gen_random_uuid|uuid_generate_v\d\w*)\(\)/;
const SEQUENCE = /^nextval\(/;

/** What schemas of times of day, and of other times, are called. */
const TIMES_OF_DAY = new Set(
  ['Time', 'MicroTime', 'NanoTime', 'IsoTime'].map((name) => `io.debezium.time.${name}`).concat(LOGICAL.time),
);
const MOMENTS = /^io\.debezium\.time\.|^org\.apache\.kafka\.connect\.data\.(Date|Timestamp)$/;

/** A column's default as a value of its type; undefined: it has none, or none that can be told. */
export function defaultOf(expression: string | null, type: ValueType): unknown {
  if (expression === null) return undefined;
  const text = defaultText(expression, type.schema.name ?? type.schema.type);
  if (text === undefined) return undefined;
  try {
    return type.read(text) ?? undefined;
  } catch {
    // What is written otherwise than values are is not one of them.
    return undefined;
  }
}

/** As the server would write the value. */
function defaultText(expression: string, schema: string): string | undefined {
  const quoted = QUOTED.exec(expression);
  if (quoted !== null) {
    const text = quoted[2]!.replaceAll("''", "'");
    return quoted[1] === 'E' ? text.replaceAll('\\\\', '\\') : text;
  }
  if (expression === 'true' || expression === 'false') return expression.slice(0, 1);
  const number = NUMBER.exec(expression);
  if (number !== null) return number[1];
  if (SEQUENCE.test(expression)) return '0';
  if (NEW_UUID.test(expression)) return '00000000-0000-0000-0000-000000000000';
  if (NOW.test(expression))
    return TIMES_OF_DAY.has(schema) ? '00:00:00' : MOMENTS.test(schema) ? '1970-01-01 00:00:00+00' : undefined;
  return undefined;
}
