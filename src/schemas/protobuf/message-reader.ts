// Reads messages of a known type into lists of values. What a value becomes is its caller's business; this file knows tags,
// packed and repeated fields, maps, absence, and what bytes of the wrong form mean.
import { type FieldType, type MessageField, type MessageType, wireOf } from './message-types.ts';
import { BrokenMessage, WIRE, type WireReader } from '../../util/index.ts';

/** Reads one value, behind its tag. */
export type ReadValue = (reader: WireReader) => unknown;

/** How one field's occurrences become a value. */
export interface FieldReading {
  readonly field: MessageField;
  readonly read: ReadValue;
  /** The value where the field does not occur. */
  readonly absent?: unknown;
  /** Where all occurrences count: what makes something empty for them, and puts another one into it. */
  readonly all?: { readonly make: () => unknown; readonly put: (into: never, value: never) => void };
}

/** A field's last occurrence. */
export function lastOf(field: MessageField, read: ReadValue, absent: unknown): FieldReading {
  return { field, read, absent };
}

/** All occurrences of a repeated field as an array. */
export function listOf(field: MessageField, read: ReadValue): FieldReading {
  return { field, read, all: { make: () => [], put: (into: unknown[], value: unknown) => into.push(value) } };
}

/** All entries of a map in whatever `make` makes; `read` returns pairs of a key and a value. */
export function mapOf<M>(
  field: MessageField,
  read: (reader: WireReader) => readonly unknown[],
  make: () => M,
  put: (into: M, pair: readonly unknown[]) => void,
): FieldReading {
  return { field, read, all: { make, put } };
}

/** Reads a message in a field: behind its length, or up to the end of its group. */
export function embedded<T>(
  { number, type }: MessageField,
  read: (reader: WireReader) => T,
): (reader: WireReader) => T {
  const isGroup = type.kind === 'message' && type.isGroup;
  return isGroup ? (reader) => reader.group(number, read) : (reader) => reader.message(read);
}

/**
 * Reads a message, up to its end, into the values of these fields, in this order; undefined ones are null. Other fields are
 * passed over, as Protobuf wants it. Throws `BrokenMessage` where the bytes are none of this type.
 */
export function messageReader(
  type: MessageType,
  fields: readonly (FieldReading | undefined)[],
): (reader: WireReader) => unknown[] {
  const initial: unknown[] = [];
  const collections: { readonly at: number; readonly make: () => unknown }[] = [];
  const required: { readonly at: number; readonly name: string }[] = [];
  // Most numbers are small: those are found without hashing.
  const near: (Plan | undefined)[] = Array.from({ length: NEAR });
  const far = new Map<number, Plan>();
  const add = (number: number, plan: Plan): void => {
    if (number < NEAR) near[number] = plan;
    else far.set(number, plan);
  };
  for (const [at, reading] of fields.entries()) {
    const isRequired = reading?.field.presence === 'required';
    initial.push(isRequired ? undefined : (reading?.absent ?? null));
    if (reading === undefined) continue;
    if (isRequired) required.push({ at, name: reading.field.name });
    if (reading.all !== undefined) collections.push({ at, make: reading.all.make });
    add(reading.field.number, planOf(reading, at, type.name));
  }
  for (const [field, others] of oneofs(type, fields)) {
    const plan = field.number < NEAR ? near[field.number] : far.get(field.number);
    add(field.number, { ...(plan ?? passedOver(field)), others });
  }

  return (reader) => {
    const values = initial.slice();
    for (const { at, make } of collections) values[at] = make();
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const number = tag >>> 3;
      const plan = number < NEAR ? near[number] : far.get(number);
      if (plan === undefined) {
        reader.skip(tag);
        continue;
      }
      if (plan.others !== undefined) for (const at of plan.others) values[at] = null;
      if (tag === plan.tag && !plan.isCollected) values[plan.at] = plan.read(reader);
      else plan.add(reader, tag & 7, values[plan.at]);
    }
    for (const field of required) {
      if (values[field.at] === undefined) {
        throw new BrokenMessage(
          `Broken Protobuf message: the field "${field.name}" of ${type.name} is required, but missing`,
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
  /** Where the other fields of its oneof are: those count no longer. */
  readonly others?: readonly number[];
  /** Adds an occurrence to the field's list or map, or refuses one of the wrong form. */
  readonly add: (reader: WireReader, wire: number, to: unknown) => void;
}

function planOf({ field, read, all }: FieldReading, at: number, owner: string): Plan {
  const wire = wireOf(field.type);
  const canBePacked = all !== undefined && wire !== WIRE.BYTES && wire !== WIRE.GROUP;
  const refuse = (found: number): never => {
    throw new BrokenMessage(
      `Broken Protobuf message: the field "${field.name}" of ${owner} has the wire type ${found}, but ${typeText(field.type)} has ${wire}`,
    );
  };
  return {
    at,
    // A product: shifted, the largest numbers would become negative.
    tag: field.number * 8 + wire,
    isCollected: all !== undefined,
    read,
    add(reader, found, to) {
      const put = all?.put as ((into: unknown, value: unknown) => void) | undefined;
      if (put === undefined) refuse(found);
      else if (found === wire) put(to, read(reader));
      else if (found === WIRE.BYTES && canBePacked) reader.packed(() => put(to, read(reader)));
      else refuse(found);
    },
  };
}

/** For each field in a oneof, where those that it takes the place of are read into. */
function oneofs(type: MessageType, fields: readonly (FieldReading | undefined)[]): [MessageField, number[]][] {
  return type.fields.flatMap((field): [MessageField, number[]][] => {
    const isOther = (reading: FieldReading | undefined): boolean =>
      reading !== undefined && reading.field.number !== field.number && reading.field.oneof === field.oneof;
    const others = field.oneof === undefined ? [] : fields.flatMap((reading, at) => (isOther(reading) ? [at] : []));
    return others.length === 0 ? [] : [[field, others]];
  });
}

/** A field that nobody reads, but that takes the place of others. */
function passedOver({ number }: MessageField): Plan {
  const skip = (reader: WireReader, wire: number) => reader.skip(number * 8 + wire);
  return { at: 0, tag: 0, isCollected: false, read: () => undefined, add: skip };
}

function typeText(type: FieldType): string {
  if (type.kind === 'scalar') return type.scalar;
  return type.kind === 'enum' ? `the enum ${type.enumeration.name}` : `the message ${type.message.name}`;
}
