/**
 * Records of every format of SQL with bytes that are not theirs: a reader gives a row, or says why it can't. A row that was
 * read can be written again, by the same format and as rows are within a query.
 */
import {
  DeserializationError,
  deserialize,
  MemorySchemas,
  SchemaNotLoaded,
  SerializationError,
  serialize,
} from '../../src/serde/index.ts';
import { FORMATS, type FormatName } from '../../src/sql/formats/all.ts';
import type { CodecColumn, RowSerde } from '../../src/sql/formats/codec.ts';
import { internalSerde } from '../../src/sql/formats/internal.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from '../../src/sql/types.ts';
import type { Row, SqlValue } from '../../src/sql/values/value.ts';
import { Decimal, MillraceError } from '../../src/util/index.ts';
import { Chance } from './chance.ts';
import { attempt, type FuzzOptions, newOutcome, note, type Outcome, PROBLEMS_MAX } from './outcome.ts';

const TRIES_PER_REPORT = 5000;

const PAIR = structOf([
  { name: 'X', type: INTEGER },
  { name: 'Y', type: STRING },
]);

/** A type and values of it. */
const KINDS: readonly (readonly [type: SqlType, values: readonly SqlValue[]])[] = [
  [BOOLEAN, [true, false]],
  [INTEGER, [0, -1, 2147483647, -2147483648]],
  [BIGINT, [0, 9007199254740991, 9223372036854775807n, -9223372036854775808n]],
  [DOUBLE, [0, -0.5, 1e308, 5e-324]],
  [STRING, ['', 'text', 'a,"b"\n', 'é𝒜\0']],
  [BYTES, [Buffer.alloc(0), Buffer.from([0, 255, 128])]],
  [decimalType(10, 2), [new Decimal(0n, 2), new Decimal(-9999999999n, 2)]],
  [DATE, [0, 19_000, -719_162]],
  [TIME, [0, 86_399_999]],
  [TIMESTAMP, [0, 1_700_000_000_000]],
  [arrayOf(INTEGER), [[], [1, 2, 3]]],
  [mapOf(STRING, BIGINT), [new Map(), new Map([['a', 1]])]],
  [PAIR, [[1, 'y']]],
  [arrayOf(PAIR), [[], [[5, 'z']]]],
];

interface Target {
  readonly name: string;
  readonly serde: RowSerde;
  readonly inside: RowSerde;
  readonly rows: readonly Row[];
}

export async function fuzzRecords(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const chance = new Chance(options.random);
  const targets = await allTargets(chance);
  while (outcome.tries < options.tries && outcome.problems.length < PROBLEMS_MAX) {
    const target = chance.pick(targets);
    const bytes = broken(serialize(target.serde, chance.pick(target.rows))!, chance);
    await attempt(outcome, `${target.name} ${bytes.toString('hex')}`, () => read(target, bytes, outcome));
    if (outcome.tries % TRIES_PER_REPORT === 0) options.progress?.(outcome);
  }
  return outcome;
}

/** Of each format all columns together that it can hold, and each alone. */
async function allTargets(chance: Chance): Promise<Target[]> {
  const targets: Target[] = [];
  const schemas = new MemorySchemas();
  for (const format of Object.keys(FORMATS) as FormatName[]) {
    const kinds = KINDS.filter(([type]) => holds(format, type));
    const sets =
      FORMATS[format].holds === 'value' ? kinds.map((kind) => [kind]) : [kinds, ...kinds.map((kind) => [kind])];
    for (const set of sets) {
      if (set.length === 0) continue;
      const columns = set.map(([type], i): CodecColumn => ({ name: `C${i}`, type }));
      const topic = `${format}-${targets.length}`;
      const serde = rowSerde({ schemas }, { format, properties: {} }, columns, { topic, part: 'value' });
      await serde.prepare?.();
      const rows = Array.from({ length: 4 }, () => set.map(([, values]) => chance.pick(values)));
      targets.push({
        name: `${format}(${set.map(([type]) => type.kind).join()})`,
        serde,
        inside: internalSerde(columns),
        rows,
      });
    }
  }
  return targets;
}

function holds(format: FormatName, type: SqlType): boolean {
  const { holds: what, refusal } = FORMATS[format];
  return what !== 'nothing' && refusal([{ name: 'C', type, namespace: 'VALUE' }]) === undefined;
}

async function read({ serde, inside }: Target, bytes: Buffer, outcome: Outcome): Promise<void> {
  let row: Row | null;
  try {
    row = await decoded(serde, bytes);
  } catch (error) {
    if (!(error instanceof DeserializationError)) throw error;
    note(outcome, 'refused');
    return;
  }
  note(outcome, 'read');
  try {
    if (row !== null) serialize(serde, row);
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error;
    note(outcome, 'read, but not to be written');
  }
  serialize(inside, row);
}

async function decoded(serde: RowSerde, bytes: Buffer): Promise<Row | null> {
  try {
    return deserialize(serde, bytes);
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    try {
      await error.load();
    } catch (failure) {
      if (!(failure instanceof MillraceError)) throw failure;
      throw new DeserializationError('its schema is not there', failure);
    }
    return deserialize(serde, bytes);
  }
}

/** Bytes with one to three changes. */
function broken(bytes: Buffer, chance: Chance): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let count = 1 + chance.below(3); count > 0; count--) {
    const at = chance.below(changed.length + 1);
    const before = changed.subarray(0, at);
    switch (chance.below(6)) {
      case 0:
        changed = Buffer.from(before);
        break;
      case 1:
        changed = Buffer.concat([before, Buffer.from([chance.below(256)]), changed.subarray(at)]);
        break;
      case 2:
        changed = Buffer.concat([before, changed.subarray(at + 1 + chance.below(4))]);
        break;
      case 3:
        changed = Buffer.concat([
          before,
          Buffer.alloc(1 + chance.below(20), chance.pick([0, 0xff, 0x80, 0x7f, 0x22, 0x5b])),
        ]);
        break;
      case 4:
        changed = Buffer.concat([before, changed.subarray(chance.below(changed.length + 1))]);
        break;
      default:
        if (changed.length > 0) changed[at % changed.length]! ^= 1 << chance.below(8);
    }
  }
  return changed;
}
