// The columns that an Avro schema stands for, after Kafka Connect's reading of it.
import {
  type AvroNode,
  type AvroPrimitive,
  type AvroRecord,
  type AvroUnion,
  parseStoredAvro,
  typeName,
} from '../../schemas/index.ts';
import type { ResolvedSchema } from '../../serde/index.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  TIME,
  TIMESTAMP,
} from '../types.ts';
import { CONNECT_DECIMAL, connectType, type InferredRecord, placeIn, SchemaWalk } from './schema-walk.ts';

/** The columns of a registered schema: a record's fields, or a value without a name. */
export function avroColumns(schema: ResolvedSchema, fold: (name: string) => string): InferredRecord {
  const root = parseStoredAvro(schema);
  const type = new AvroColumns(fold).typeOf(root, '');
  return type.kind === 'STRUCT' && recordOf(root) !== undefined ? { fields: type.fields } : { value: type };
}

/** The record that a schema describes, by itself or as the only alternative to null. */
export function recordOf(root: AvroNode): AvroRecord | undefined {
  const node = root.kind === 'union' ? onlyBranch(root) : root;
  return node?.kind === 'record' || node?.kind === 'error' ? node : undefined;
}

export function onlyBranch({ branches }: AvroUnion): AvroNode | undefined {
  const real = branches.filter(({ kind }) => kind !== 'null');
  return real.length === 1 ? real[0] : undefined;
}

export function logicalTypeOf(node: AvroNode): string | undefined {
  const logical = 'properties' in node ? node.properties['logicalType'] : undefined;
  return typeof logical === 'string' ? logical : undefined;
}

/** The name of a union's branch, as a field of the STRUCT that the union becomes. */
export function branchName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind;
}

/** The record of an array of keys and values: the form of maps whose keys are not just texts. */
export function entryOf(node: AvroNode): AvroRecord | undefined {
  if (node.kind !== 'array') return undefined;
  const entry = recordOf(node.items);
  if (entry === undefined || entry.fields.map(({ name }) => name).join() !== 'key,value') return undefined;
  return entry.properties['connect.internal.type'] === 'MapEntry' || entry.name.includes('MapEntry')
    ? entry
    : undefined;
}

/** The scale of a decimal; undefined when the schema is of something else. */
export function decimalScaleOf(node: AvroNode): number | undefined {
  if (node.kind !== 'bytes' && node.kind !== 'fixed') return undefined;
  const { properties } = node;
  if (logicalTypeOf(node) === 'decimal') return Number(properties['scale'] ?? 0);
  return properties['connect.name'] === CONNECT_DECIMAL ? Number(parametersOf(node)['scale'] ?? 0) : undefined;
}

function parametersOf(node: AvroNode): Readonly<Record<string, unknown>> {
  const parameters = 'properties' in node ? node.properties['connect.parameters'] : undefined;
  return typeof parameters === 'object' && parameters !== null ? { ...parameters } : {};
}

class AvroColumns {
  readonly #walk: SchemaWalk;

  constructor(fold: (name: string) => string) {
    this.#walk = new SchemaWalk('Avro', fold);
  }

  typeOf(node: AvroNode, place: string): SqlType {
    return this.#walk.within(node, place, () => this.#typeOf(node, place));
  }

  #typeOf(node: AvroNode, place: string): SqlType {
    switch (node.kind) {
      case 'null':
        return this.#walk.refuse(place, 'can only be null');
      case 'boolean':
        return BOOLEAN;
      case 'int':
      case 'long':
        return integerType(node);
      case 'float':
      case 'double':
        return DOUBLE;
      case 'string':
      case 'enum':
        return STRING;
      case 'bytes':
      case 'fixed': {
        const scale = decimalScaleOf(node);
        if (scale === undefined) return BYTES;
        const { precision, 'connect.decimal.precision': connect } = node.properties;
        return this.#walk.decimal(
          precision ?? connect ?? parametersOf(node)['connect.decimal.precision'],
          scale,
          place,
        );
      }
      case 'array': {
        const entry = entryOf(node);
        if (entry === undefined) return arrayOf(this.typeOf(node.items, `${place}[]`));
        const [key, value] = entry.fields.map((field) => this.typeOf(field.type, `${place}{}.${field.name}`));
        return mapOf(key!, value!);
      }
      case 'map':
        return mapOf(STRING, this.typeOf(node.values, `${place}{}`));
      case 'union':
        return this.#union(node, place);
      case 'record':
      case 'error': {
        const typed = ({ name, type }: AvroRecord['fields'][number]) => ({
          name: this.#walk.fold(name),
          type: this.typeOf(type, placeIn(place, name)),
        });
        return this.#walk.struct(node.fields.map(typed), place);
      }
    }
  }

  /** Of several branches one is set. */
  #union(node: AvroUnion, place: string): SqlType {
    const only = onlyBranch(node);
    if (only !== undefined) return this.typeOf(only, place);
    const real = node.branches.filter(({ kind }) => kind !== 'null');
    if (real.length === 0) this.#walk.refuse(place, 'can only be null');
    const fields = real.map((branch) => ({
      name: this.#walk.fold(branchName(branch)),
      type: this.typeOf(branch, `${place} (${typeName(branch)})`),
    }));
    return this.#walk.struct(fields, place);
  }
}

/** Times finer than milliseconds stay the integers that they are: a column that is declared as a time is one. */
function integerType(node: AvroPrimitive): SqlType {
  const named = connectType(node.properties['connect.name']);
  if (named !== undefined) return named;
  const logical = logicalTypeOf(node);
  if (node.kind === 'long') return logical === 'timestamp-millis' ? TIMESTAMP : BIGINT;
  return logical === 'date' ? DATE : logical === 'time-millis' ? TIME : INTEGER;
}
