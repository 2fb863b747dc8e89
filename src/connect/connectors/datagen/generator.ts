// Values of an Avro schema by chance, as its `arg.properties` want them: options, iteration, range, length, regex, prefix, suffix, odds,
// keys. A schema is compiled once; a record is what its number and the seed say, and nothing else.
import type { AvroNode } from '../../../schemas/index.ts';
import { Decimal } from '../../../util/index.ts';
import { ConfigError } from '../../data/errors.ts';
import { LOGICAL, type Schema, scaleOf } from '../../data/schema.ts';
import { SeededRandom } from './random.ts';
import { type TextMaker, textMaker } from './regex-text.ts';

/** Where in a stream of records. */
interface At {
  readonly random: SeededRandom;
  /** The record's number, from 0. */
  readonly record: number;
}

type Make = (at: At) => unknown;

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** What may be said of a value. */
interface Args {
  readonly options?: readonly unknown[];
  readonly iteration?: { readonly start?: number; readonly restart?: number; readonly step?: number };
  readonly range?: Range;
  readonly length?: number | Range;
  readonly regex?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly odds?: number;
  readonly keys?: Args;
}

const KNOWN = ['options', 'iteration', 'range', 'length', 'regex', 'prefix', 'suffix', 'odds', 'keys'];
const LENGTH: Range = { min: 8, max: 16 };
const LIST_LENGTH: Range = { min: 1, max: 5 };
const LETTERS = textMaker('[a-z]');
const SQUARE = 2 ** 31;

/** Makes the record with a number. Throws `ConfigError` where the schema says what cannot be made. */
export function recordMaker(node: AvroNode, schema: Schema, seed: number): (record: number) => unknown {
  const make = maker(node, schema, 'the schema');
  return (record) => make({ random: new SeededRandom(seed, record), record });
}

function maker(node: AvroNode, schema: Schema, path: string): Make {
  const args = argsOf(node, path);
  if (args.options !== undefined) return optionMaker(args.options, schema, path);
  const logical = schema.name === undefined ? undefined : logicalMaker(schema, args, path);
  return logical ?? plainMaker(node, schema, args, path);
}

function argsOf(node: AvroNode, path: string): Args {
  const given = node.kind === 'union' ? undefined : node.properties['arg.properties'];
  if (given === undefined) return {};
  // Numbers that kept their text are numbers again.
  const args = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
  const unknown = Object.keys(args).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(`${path}: arg.properties has ${unknown}, which is not there; there are ${KNOWN.join(', ')}`);
  return args as Args;
}

function optionMaker(options: unknown, schema: Schema, path: string): Make {
  if (!Array.isArray(options) || options.length === 0)
    throw new ConfigError(`${path}: options must be a list of values; files of them are not read`);
  const values = options.map((option) => fromJson(schema, option));
  return ({ random }) => random.pick(values);
}

/** What stands in a list of options, as the schema has it. */
function fromJson(schema: Schema, json: unknown): unknown {
  if (schema.type === 'struct')
    return Object.fromEntries(
      schema.fields.map((field) => [field.name, fromJson(field.schema, (json as Record<string, unknown>)[field.name])]),
    );
  if (schema.type === 'array') return (json as unknown[]).map((element) => fromJson(schema.valueSchema, element));
  if (schema.type === 'map')
    return new Map(Object.entries(json as object).map(([key, value]) => [key, fromJson(schema.valueSchema, value)]));
  if (json === null) return null;
  if (schema.type === 'int64') return BigInt(json as number);
  return schema.type === 'bytes' ? Buffer.from(String(json), 'latin1') : json;
}

function logicalMaker(schema: Schema, args: Args, path: string): Make | undefined {
  const number = numberMaker(args, { min: 0, max: SQUARE }, path);
  switch (schema.name) {
    case LOGICAL.decimal: {
      const scale = scaleOf(schema);
      return (at) => new Decimal(BigInt(Math.floor(number(at))), scale);
    }
    case LOGICAL.date:
      return (at) => new Date(Math.floor(number(at)) * 86_400_000);
    case LOGICAL.time:
    case LOGICAL.timestamp:
      return (at) => new Date(Math.floor(number(at)));
    default:
      return undefined;
  }
}

function plainMaker(node: AvroNode, schema: Schema, args: Args, path: string): Make {
  switch (node.kind) {
    case 'record':
    case 'error': {
      const makers = node.fields.map(
        (field) => [field.name, maker(field.type, schema.field(field.name)!.schema, `${path}.${field.name}`)] as const,
      );
      return (at) => Object.fromEntries(makers.map(([name, make]) => [name, make(at)]));
    }
    case 'union':
      return unionMaker(node.branches, schema, path);
    case 'array': {
      const [make, count] = [
        maker(node.items, schema.valueSchema, `${path}[]`),
        countMaker(args.length ?? LIST_LENGTH),
      ];
      return (at) => Array.from({ length: count(at) }, () => make(at));
    }
    case 'map': {
      const [make, count] = [
        maker(node.values, schema.valueSchema, `${path}{}`),
        countMaker(args.length ?? LIST_LENGTH),
      ];
      const key = args.keys === undefined ? textOf({}, path) : textOf(args.keys, path);
      return (at) => new Map(Array.from({ length: count(at) }, () => [key(at), make(at)] as const));
    }
    case 'enum':
      return ({ random }) => random.pick(node.symbols);
    case 'fixed':
      return ({ random }) => Buffer.from(Array.from({ length: node.size }, () => random.below(0, 256)));
    case 'null':
      return () => null;
    case 'boolean': {
      const { odds = 0.5 } = args;
      return ({ random }) => random.next() < odds;
    }
    case 'int': {
      const number = numberMaker(args, { min: -SQUARE, max: SQUARE }, path);
      return (at) => Math.floor(number(at));
    }
    case 'long': {
      const number = numberMaker(args, { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }, path);
      return (at) => BigInt(Math.floor(number(at)));
    }
    case 'float': {
      const number = numberMaker(args, { min: 0, max: 1 }, path);
      return (at) => Math.fround(number(at));
    }
    case 'double':
      return numberMaker(args, { min: 0, max: 1 }, path);
    case 'bytes': {
      const count = countMaker(args.length ?? LENGTH);
      return (at) => Buffer.from(Array.from({ length: count(at) }, () => at.random.below(0, 256)));
    }
    case 'string':
      return textOf(args, path);
  }
}

/** One of the branches; a union that is null or something is that schema, optional. */
function unionMaker(branches: readonly AvroNode[], schema: Schema, path: string): Make {
  const others = branches.filter(({ kind }) => kind !== 'null');
  const hasNull = others.length < branches.length;
  if (others.length !== 1)
    throw new ConfigError(`${path}: a union of several types cannot be made up; one with null can`);
  const make = maker(others[0]!, schema, path);
  return (at) => (hasNull && at.random.next() < 0.5 ? null : make(at));
}

/** By its number, or by chance. */
function numberMaker({ iteration, range }: Args, usual: Required<Range>, path: string): (at: At) => number {
  if (iteration !== undefined) {
    const { start = 0, restart, step = 1 } = iteration;
    const span = restart === undefined ? undefined : Math.ceil((restart - start) / step);
    if (step === 0 || (span !== undefined && span <= 0))
      throw new ConfigError(`${path}: an iteration goes from start to restart by step, which is not 0`);
    return ({ record }) => start + (span === undefined ? record : record % span) * step;
  }
  const { min = usual.min, max = usual.max } = range ?? {};
  if (max <= min) throw new ConfigError(`${path}: a range goes from min to max`);
  return ({ random }) => min + random.next() * (max - min);
}

function countMaker(length: number | Range): (at: At) => number {
  if (typeof length === 'number') return () => length;
  const { min = 0, max = min + 1 } = length;
  return ({ random }) => random.below(min, max);
}

function textOf(args: Args, path: string): (at: At) => string {
  const { prefix = '', suffix = '' } = args;
  const text = bareText(args, path);
  return (at) => prefix + text(at) + suffix;
}

function bareText({ options, iteration, regex, range, length }: Args, path: string): (at: At) => string {
  if (options !== undefined) return ({ random }) => String(random.pick(options));
  if (regex !== undefined) {
    const make: TextMaker = textMaker(regex);
    return ({ random }) => make(random);
  }
  if (iteration !== undefined || range !== undefined) {
    const number = numberMaker(
      { ...(iteration && { iteration }), ...(range && { range }) },
      { min: 0, max: SQUARE },
      path,
    );
    return (at) => String(Math.floor(number(at)));
  }
  const count = countMaker(length ?? LENGTH);
  return (at) => Array.from({ length: count(at) }, () => LETTERS(at.random)).join('');
}
