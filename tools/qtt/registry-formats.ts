import avro from 'avsc';
import { MillraceError } from '../../src/util/index.ts';
import { type Actual, integer } from './compare.ts';
import type { RecordFormat } from './record-formats.ts';
import { isObject, parseSpec, printSpec, type Spec, SpecNumber, type SpecObject } from './spec-json.ts';

/** Formats whose schemas come from the case's registry. Values go through the schema in both directions. */

export interface RegisteredText {
  readonly id: number;
  readonly schema: string;
  readonly references?: readonly { readonly subject: string }[];
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
  /** Precision and scale of the decimals, by the path of the schema that they are in. */
  readonly json: Json;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const shapes = new Map<string, AvroShape>();

function shapeOf(text: string): AvroShape {
  let shape = shapes.get(text);
  if (shape === undefined) {
    const json = JSON.parse(/^[a-z]+$/.test(text) ? `"${text}"` : text) as Json;
    const type = avro.Type.forSchema(
      withoutLogicalTypes(json) as never,
      { wrapUnions: true, registry: { long: bigLong } } as never,
    );
    shape = { type, json };
    shapes.set(text, shape);
  }
  return shape;
}

/** avsc's registry is asked for bare names only, and logical types are read here. */
function withoutLogicalTypes(json: Json): Json {
  if (Array.isArray(json)) return json.map(withoutLogicalTypes);
  if (!isNode(json)) return json;
  const { type } = json;
  if (
    typeof type === 'string' &&
    ['int', 'long', 'bytes', 'string', 'boolean', 'float', 'double', 'null'].includes(type)
  )
    return type;
  const copy: Record<string, Json> = { ...json };
  delete copy['logicalType'];
  for (const key of ['type', 'items', 'values'])
    if (typeof copy[key] === 'object') copy[key] = withoutLogicalTypes(copy[key]!);
  if (Array.isArray(copy['fields'])) {
    copy['fields'] = (copy['fields'] as Json[]).map((field) =>
      isNode(field) ? { ...field, type: withoutLogicalTypes(field['type']!) } : field,
    );
  }
  return copy;
}

function isNode(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

class AvroWalk {
  readonly #named = new Map<string, { readonly [name: string]: Json }>();

  constructor(root: Json) {
    this.#collect(root, '');
  }

  #collect(json: Json | undefined, namespace: string): void {
    if (Array.isArray(json)) for (const item of json) this.#collect(item as Json, namespace);
    if (!isNode(json)) return;
    const own = typeof json['namespace'] === 'string' ? json['namespace'] : namespace;
    const name = json['name'];
    if (typeof name === 'string' && typeof json['type'] === 'string') {
      this.#named.set(name, json);
      this.#named.set(own === '' ? name : `${own}.${name}`, json);
    }
    if (Array.isArray(json['fields']))
      for (const field of json['fields'])
        if (isNode(field as Json)) this.#collect((field as { [name: string]: Json })['type'], own);
    this.#collect(json['items'], own);
    this.#collect(json['values'], own);
    if (typeof json['type'] === 'object') this.#collect(json['type'], own);
  }

  resolve(json: Json): { readonly [name: string]: Json } {
    if (typeof json === 'string') return this.#named.get(json) ?? { type: json };
    if (Array.isArray(json)) return { type: 'union', branches: json };
    const node = json as { readonly [name: string]: Json };
    if (typeof node['type'] === 'object') return this.resolve(node['type']!);
    return node;
  }

  write(json: Json, spec: Spec): unknown {
    const node = this.resolve(json);
    switch (node['type']) {
      case 'union': {
        const branches = node['branches'] as readonly Json[];
        if (spec === null) return null;
        const real = branches.filter((branch) => branch !== 'null');
        if (real.length === 1) return { [this.#branchName(real[0]!)]: this.write(real[0]!, spec) };
        const object = isObject(spec) ? spec : {};
        for (const branch of real) {
          const value = member(object, this.#simpleName(branch));
          if (value !== null) return { [this.#branchName(branch)]: this.write(branch, value) };
        }
        throw new MillraceError('QTT_VALUE', `no branch for ${printSpec(spec)}`);
      }
      case 'record': {
        const fields = node['fields'] as readonly {
          readonly name: string;
          readonly type: Json;
          readonly default?: Json;
        }[];
        const object = isObject(spec) ? spec : {};
        return Object.fromEntries(
          fields.map((field) => [field.name, this.write(field.type, member(object, field.name))]),
        );
      }
      case 'array': {
        if (isObject(spec) && !Array.isArray(spec)) {
          const entries = Object.entries(spec).map(([key, value]): SpecObject => ({ key, value }));
          return entries.map((entry) => this.write(node['items']!, entry));
        }
        return (spec as readonly Spec[]).map((item) => this.write(node['items']!, item));
      }
      case 'map':
        return Object.fromEntries(
          Object.entries(spec as SpecObject).map(([key, value]) => [key, this.write(node['values']!, value)]),
        );
      case 'long':
        return BigInt(text(spec).split('.')[0]!);
      case 'int':
      case 'float':
      case 'double':
        return Number(text(spec));
      case 'bytes':
      case 'fixed':
        if (node['logicalType'] === 'decimal') return decimalBytes(text(spec), Number(node['scale'] ?? 0));
        return Buffer.from(spec as string, 'base64');
      case 'boolean':
        return spec === true;
      default:
        return spec instanceof SpecNumber ? spec.text : spec;
    }
  }

  read(json: Json, value: unknown): Actual {
    if (value === null || value === undefined) return null;
    const node = this.resolve(json);
    switch (node['type']) {
      case 'union': {
        const branches = (node['branches'] as readonly Json[]).filter((branch) => branch !== 'null');
        const [name, inner] = Object.entries(value as Record<string, unknown>)[0]!;
        const chosen = branches.find((branch) => this.#branchName(branch) === name)!;
        const read = this.read(chosen, inner);
        if (branches.length === 1) return read;
        return new Map(branches.map((branch) => [this.#simpleName(branch), branch === chosen ? read : null]));
      }
      case 'record': {
        const fields = node['fields'] as readonly { readonly name: string; readonly type: Json }[];
        const object = value as Record<string, unknown>;
        return new Map(fields.map((field) => [field.name, this.read(field.type, object[field.name])]));
      }
      case 'array': {
        const items = (value as readonly unknown[]).map((item) => this.read(node['items']!, item));
        const item = this.resolve(node['items']!);
        if (item['connect.internal.type'] !== 'MapEntry') return items;
        return new Map(
          items.map((entry) => [
            String((entry as ReadonlyMap<string, Actual>).get('key')),
            (entry as ReadonlyMap<string, Actual>).get('value') ?? null,
          ]),
        );
      }
      case 'map':
        return new Map(
          Object.entries(value as Record<string, unknown>).map(([key, item]) => [
            key,
            this.read(node['values']!, item),
          ]),
        );
      case 'int':
        return integer(value as number, 32);
      case 'long':
        return integer(value as bigint);
      case 'float':
      case 'double':
        return { kind: 'double', value: value as number };
      case 'bytes':
      case 'fixed':
        if (node['logicalType'] === 'decimal')
          return { kind: 'decimal', text: decimalText(value as Buffer, Number(node['scale'] ?? 0)) };
        return { kind: 'bytes', value: value as Buffer };
      default:
        return value as Actual;
    }
  }

  #branchName(branch: Json): string {
    const node = this.resolve(branch);
    const name = node['name'];
    if (typeof name !== 'string') return String(node['type']);
    for (const [full, known] of this.#named) if (known === node && full.includes('.')) return full;
    return name;
  }

  #simpleName(branch: Json): string {
    const node = this.resolve(branch);
    return typeof node['name'] === 'string' ? node['name'] : String(node['type']);
  }
}

function text(spec: Spec): string {
  if (spec instanceof SpecNumber) return spec.text;
  if (typeof spec === 'string') return spec;
  throw new MillraceError('QTT_VALUE', `${printSpec(spec)} is no number`);
}

function decimalBytes(number: string, scale: number): Buffer {
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

function decimalText(bytes: Buffer, scale: number): string {
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
      const { type, json } = shapeOf(schema);
      const datum: unknown = new AvroWalk(json).write(json, spec);
      return envelope(id, type.typeName === 'bytes' ? (datum as Buffer) : type.toBuffer(datum));
    },
    decode(bytes) {
      if (bytes === null) return null;
      const registered = registry.cached(bytes.readInt32BE(1));
      if (registered === undefined)
        throw new MillraceError('QTT_SCHEMA', 'the record names a schema that nobody registered');
      const { type, json } = shapeOf(registered.schema);
      const payload = bytes.subarray(5);
      return new AvroWalk(json).read(json, type.typeName === 'bytes' ? payload : type.fromBuffer(payload));
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
