// Reads messages of a known type into lists of values. What a value becomes is its caller's business; this file knows tags,
// packed and repeated fields, maps, absence, and what bytes of the wrong form mean.
import { type FieldType, type MessageField, type MessageType, wireOf } from './message-types.ts';
import { BrokenMessage, WIRE, type WireReader } from './wire-reader.ts';

/** Reads one value, behind its tag. */
export type ReadValue = (reader: WireReader) => unknown;

/** How one field's occurrences become a value. */
export interface FieldReading {
  readonly field: MessageField;
  readonly read: ReadValue;
  /** What the value is after another occurrence; `before`: so far. */
  readonly join: 'last' | 'list' | 'map';
  /** The value where the field does not occur; a list or map is empty then. */
  readonly absent?: unknown;
}

/** A field's last occurrence. */
export function lastOf(field: MessageField, read: ReadValue, absent: unknown): FieldReading {
  return { field, read, join: 'last', absent };
}

/** All occurrences of a repeated field as an array. */
export function listOf(field: MessageField, read: ReadValue): FieldReading {
  return { field, read, join: 'list' };
}

/** All entries as a Map; `read` answers pairs of a key and a value. */
export function mapOf(field: MessageField, read: (reader: WireReader) => readonly unknown[]): FieldReading {
  return { field, read, join: 'map' };
}

/** Reads a message in a field: behind its length, or up to the end of its group. */
export function embedded({ number, type }: MessageField, read: ReadValue): ReadValue {
  const isGroup = type.kind === 'message' && type.isGroup;
  return isGroup ? (reader) => reader.group(number, read) : (reader) => reader.message(read);
}

/**
 * Reads a message, up to its end, into the values of these fields, in this order; undefined ones are null. Other fields are
 * passed over, as Protobuf wants it. Throws `BrokenMessage` where the bytes are none of this type.
 */
export function messageReader(
  { name }: MessageType,
  fields: readonly (FieldReading | undefined)[],
): (reader: WireReader) => unknown[] {
  const initial: unknown[] = [];
  const collections: { readonly at: number; readonly make: () => unknown }[] = [];
  const required: { readonly at: number; readonly name: string }[] = [];
  // Most numbers are small: those are found without hashing.
  const near: (Plan | undefined)[] = Array.from({ length: NEAR });
  const far = new Map<number, Plan>();
  for (const [at, reading] of fields.entries()) {
    const isRequired = reading?.field.presence === 'required';
    initial.push(isRequired ? undefined : (reading?.absent ?? null));
    if (reading === undefined) continue;
    if (isRequired) required.push({ at, name: reading.field.name });
    if (reading.join === 'list') collections.push({ at, make: () => [] });
    if (reading.join === 'map') collections.push({ at, make: () => new Map() });
    const plan = planOf(reading, at, name);
    if (reading.field.number < NEAR) near[reading.field.number] = plan;
    else far.set(reading.field.number, plan);
  }

  return (reader) => {
    const values = initial.slice();
    for (const { at, make } of collections) values[at] = make();
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const number = tag >>> 3;
      const plan = number < NEAR ? near[number] : far.get(number);
      if (plan === undefined) reader.skip(tag);
      else if (tag === plan.tag && !plan.isCollected) values[plan.at] = plan.read(reader);
      else plan.add(reader, tag & 7, values[plan.at]);
    }
    for (const field of required) {
      if (values[field.at] === undefined) {
        throw new BrokenMessage(
          `Broken Protobuf message: the field "${field.name}" of ${name} is required, but missing`,
        );
      }
    }
    return values;
  };
}

/** Fields with numbers up to here are found by index. */
const NEAR = 64;

interface Plan {
  readonly at: number;
  /** The number and form that are expected. */
  readonly tag: number;
  readonly isCollected: boolean;
  readonly read: ReadValue;
  /** Adds an occurrence to the field's list or map, or refuses one of the wrong form. */
  readonly add: (reader: WireReader, wire: number, to: unknown) => void;
}

function planOf({ field, read, join }: FieldReading, at: number, owner: string): Plan {
  const wire = wireOf(field.type);
  const canBePacked = join === 'list' && wire !== WIRE.BYTES && wire !== WIRE.GROUP;
  const refuse = (found: number): never => {
    throw new BrokenMessage(
      `Broken Protobuf message: the field "${field.name}" of ${owner} has the wire type ${found}, but ${typeText(field.type)} has ${wire}`,
    );
  };
  return {
    at,
    // A product: shifted, the largest numbers would become negative.
    tag: field.number * 8 + wire,
    isCollected: join !== 'last',
    read,
    add(reader, found, to) {
      if (found === wire && join === 'list') (to as unknown[]).push(read(reader));
      else if (found === wire && join === 'map') {
        const [key, value] = read(reader) as readonly unknown[];
        (to as Map<unknown, unknown>).set(key, value);
      } else if (found === WIRE.BYTES && canBePacked) reader.packed(() => (to as unknown[]).push(read(reader)));
      else refuse(found);
    },
  };
}

function typeText(type: FieldType): string {
  if (type.kind === 'scalar') return type.scalar;
  return type.kind === 'enum' ? `the enum ${type.enumeration.name}` : `the message ${type.message.name}`;
}
