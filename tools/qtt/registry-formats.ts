import avro from 'avsc';
import {
  type AvroFixed,
  type AvroNode,
  type AvroPrimitive,
  type AvroUnion,
  parseStoredAvro,
  plainAvro,
  typeName,
} from '../../src/schemas/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { type Actual, integer } from './compare.ts';
import type { RecordFormat } from './record-formats.ts';
import { isObject, parseSpec, printSpec, type Spec, SpecNumber, type SpecObject } from './spec-json.ts';

/** Formats whose schemas come from the case's registry. Values go through the schema in both directions. */

export interface RegisteredText {
  readonly id: number;
  readonly schema: string;
  readonly references?: readonly { readonly name: string; readonly subject: string }[];
}

/** Where the formats find schemas: the newest of a subject to write, any by its id to read. */
export interface CaseRegistry {
  newest(subject: string): RegisteredText | undefined;
  cached(id: number): RegisteredText | undefined;
}

function envelope(id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, payload]);
}

function newest(registry: CaseRegistry, subject: string): RegisteredText {
  const found = registry.newest(subject);
  if (found === undefined) throw new MillraceError('QTT_SCHEMA', `there is no schema for ${subject}`);
  return found;
}

function member(spec: SpecObject, name: string): Spec {
  const exact = spec[name];
  if (exact !== undefined) return exact;
  const folded = name.toUpperCase();
  return Object.entries(spec).find(([key]) => key.toUpperCase() === folded)?.[1] ?? null;
}

// --- Avro --------------------------------------------------------------------------------------------------------------

const bigLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(value: bigint) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: (value: unknown) => BigInt(String(value)),
  toJSON: (value: unknown) => Number(value),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

interface AvroShape {
  readonly type: avro.Type;
  readonly root: AvroNode;
}

const shapes = new Map<string, AvroShape>();

function shapeOf(schema: string): AvroShape {
  let shape = shapes.get(schema);
  if (shape === undefined) {
    const root = parseStoredAvro({ schema, references: [] });
    const options = { wrapUnions: true, registry: { long: bigLong } } as never;
    shape = { type: avro.Type.forSchema(plainAvro(root) as never, options), root };
    shapes.set(schema, shape);
  }
  return shape;
}

function written(node: AvroNode, spec: Spec): unknown {
  switch (node.kind) {
    case 'union':
      return writtenBranch(realBranches(node), spec);
    case 'record':
    case 'error': {
      const object = isObject(spec) ? spec : {};
      return Object.fromEntries(node.fields.map(({ name, type }) => [name, written(type, member(object, name))]));
    }
    case 'array': {
      const entries = isObject(spec) ? Object.entries(spec).map(([key, value]): SpecObject => ({ key, value })) : spec;
      return (entries as readonly Spec[]).map((item) => written(node.items, item));
    }
    case 'map':
      return Object.fromEntries(
        Object.entries(spec as SpecObject).map(([key, value]) => [key, written(node.values, value)]),
      );
    case 'long':
      return BigInt(text(spec).split('.')[0]!);
    case 'int':
    case 'float':
    case 'double':
      return Number(text(spec));
    case 'bytes':
    case 'fixed': {
      const scale = decimalScale(node);
      return scale === undefined ? Buffer.from(spec as string, 'base64') : decimalBytes(text(spec), scale);
    }
    case 'boolean':
      return spec === true;
    default:
      return spec instanceof SpecNumber ? spec.text : spec;
  }
}

/** The branch that a case names, where there are several. */
function writtenBranch(branches: readonly AvroNode[], spec: Spec): unknown {
  if (spec === null) return null;
  const [only] = branches;
  if (branches.length === 1) return { [typeName(only!)]: written(only!, spec) };
  const object = isObject(spec) ? spec : {};
  for (const branch of branches) {
    const value = member(object, simpleName(branch));
    if (value !== null) return { [typeName(branch)]: written(branch, value) };
  }
  throw new MillraceError('QTT_VALUE', `no branch for ${printSpec(spec)}`);
}

function actual(node: AvroNode, value: unknown): Actual {
  if (value === null || value === undefined) return null;
  switch (node.kind) {
    case 'union': {
      const branches = realBranches(node);
      const [name, inner] = Object.entries(value as Record<string, unknown>)[0]!;
      const chosen = branches.find((branch) => typeName(branch) === name)!;
      const read = actual(chosen, inner);
      if (branches.length === 1) return read;
      return new Map(branches.map((branch) => [simpleName(branch), branch === chosen ? read : null]));
    }
    case 'record':
    case 'error': {
      const object = value as Record<string, unknown>;
      return new Map(node.fields.map(({ name, type }) => [name, actual(type, object[name])]));
    }
    case 'array':
      return actualItems(node.items, value as readonly unknown[]);
    case 'map': {
      const entries = Object.entries(value as Record<string, unknown>);
      return new Map(entries.map(([key, item]) => [key, actual(node.values, item)]));
    }
    case 'int':
      return integer(value as number, 32);
    case 'long':
      return integer(value as bigint);
    case 'float':
    case 'double':
      return { kind: 'double', value: value as number };
    case 'bytes':
    case 'fixed': {
      const scale = decimalScale(node);
      if (scale === undefined) return { kind: 'bytes', value: value as Buffer };
      return { kind: 'decimal', text: decimalText(value as Buffer, scale) };
    }
    default:
      return value as Actual;
  }
}

/** Entries of keys and values are a map. */
function actualItems(node: AvroNode, values: readonly unknown[]): Actual {
  const items = values.map((value) => actual(node, value));
  if (!('properties' in node) || node.properties['connect.internal.type'] !== 'MapEntry') return items;
  const entries = items as readonly ReadonlyMap<string, Actual>[];
  return new Map(entries.map((entry) => [String(entry.get('key')), entry.get('value') ?? null]));
}

function realBranches({ branches }: AvroUnion): readonly AvroNode[] {
  return branches.filter(({ kind }) => kind !== 'null');
}

function simpleName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind;
}

function decimalScale({ properties }: AvroPrimitive | AvroFixed): number | undefined {
  return properties['logicalType'] === 'decimal' ? Number(properties['scale'] ?? 0) : undefined;
}

function text(spec: Spec): string {
  if (spec instanceof SpecNumber) return spec.text;
  if (typeof spec === 'string') return spec;
  throw new MillraceError('QTT_VALUE', `${printSpec(spec)} is no number`);
}

export function decimalBytes(number: string, scale: number): Buffer {
  const [whole = '0', fraction = ''] = number.replace('-', '').split('.');
  const digits = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale));
  const value = number.startsWith('-') ? -digits : digits;
  let size = 1;
  while (BigInt.asIntN(size * 8, value) !== value) size++;
  return Buffer.from(
    BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  );
}

export function decimalText(bytes: Buffer, scale: number): string {
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex') || '0'}`));
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const at = digits.length - scale;
  return `${value < 0n ? '-' : ''}${digits.slice(0, at)}${scale === 0 ? '' : `.${digits.slice(at)}`}`;
}

export function avroFormat(registry: CaseRegistry, subject: string): RecordFormat {
  return {
    encode(spec) {
      if (spec === null) return null;
      const { id, schema } = newest(registry, subject);
      const { type, root } = shapeOf(schema);
      const datum = written(root, spec);
      return envelope(id, type.typeName === 'bytes' ? (datum as Buffer) : type.toBuffer(datum));
    },
    decode(bytes) {
      if (bytes === null) return null;
      const registered = registry.cached(bytes.readInt32BE(1));
      if (registered === undefined)
        throw new MillraceError('QTT_SCHEMA', 'the record names a schema that nobody registered');
      const { type, root } = shapeOf(registered.schema);
      const payload = bytes.subarray(5);
      return actual(root, type.typeName === 'bytes' ? payload : type.fromBuffer(payload));
    },
  };
}

// --- JSON with a schema ------------------------------------------------------------------------------------------------

export function jsonSchemaFormat(registry: CaseRegistry, subject: string): RecordFormat {
  return {
    encode(spec) {
      if (spec === null) return null;
      return envelope(newest(registry, subject).id, Buffer.from(printSpec(spec, true)));
    },
    decode(bytes) {
      if (bytes === null) return null;
      return jsonActual(parseSpec(bytes.subarray(5).toString('utf8')));
    },
  };
}

function jsonActual(spec: Spec): Actual {
  if (spec instanceof SpecNumber)
    return spec.isInteger ? integer(BigInt(spec.text)) : { kind: 'double', value: Number(spec.text) };
  if (Array.isArray(spec)) return spec.map(jsonActual);
  if (isObject(spec)) return new Map(Object.entries(spec).map(([name, item]) => [name, jsonActual(item)]));
  return spec;
}
