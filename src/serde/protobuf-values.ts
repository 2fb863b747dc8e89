// Between protobufjs's messages and plain values, one pair of functions per message type, made when first needed.
import protobuf from 'protobufjs';
import { SerializationError } from './serde.ts';

type Fields = Record<string, unknown>;

export interface MessageValues {
  readonly type: protobuf.Type;
  /** The value of a message that was read. */
  toValue(message: Fields): Fields;
  /** The message of a value. `path`: where the value stands, for errors; empty at the top. */
  toMessage(value: unknown, path: string): protobuf.Message;
}

type ToValue = (part: unknown) => unknown;
type ToPart = (value: unknown, path: string) => unknown;

/** What the 64-bit integers of protobufjs look like. */
interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** protobufjs brings it, but does not declare how it is made. */
const { Long: longs } = protobuf.util as unknown as {
  readonly Long: {
    fromNumber(value: number, unsigned: boolean): Long;
    fromBits(low: number, high: number, unsigned: boolean): Long;
  };
};

/** As deep as protobufjs reads. */
const MAX_DEPTH = protobuf.util.recursionLimit;

const made = new WeakMap<protobuf.Type, MessageValues>();

export function messageValues(type: protobuf.Type): MessageValues {
  let values = made.get(type);
  if (values === undefined) {
    values = makeValues(type);
    made.set(type, values);
  }
  return values;
}

interface FieldPlan {
  readonly field: protobuf.Field;
  readonly name: string;
  /** Undefined: absence means something, and the member is left out. */
  readonly absent: (() => unknown) | undefined;
  readonly toValue: ToValue;
  readonly toPart: ToPart;
}

function makeValues(type: protobuf.Type): MessageValues {
  const messageName = type.fullName.slice(1);
  // Made at the first use: messages contain themselves.
  let plans: readonly FieldPlan[] | undefined;
  let names: ReadonlySet<string>;
  const fieldPlans = (): readonly FieldPlan[] => {
    if (plans === undefined) {
      plans = type.fieldsArray.map((field) => fieldPlan(field.resolve()));
      names = new Set(plans.map(({ name }) => name));
    }
    return plans;
  };

  return {
    type,
    toValue(message) {
      const value: Fields = {};
      for (const { name, absent, toValue } of fieldPlans()) {
        if (Object.hasOwn(message, name)) set(value, name, toValue(message[name]));
        else if (absent !== undefined) set(value, name, absent());
      }
      return value;
    },
    toMessage(value, path) {
      const all = fieldPlans();
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
        throw misfit(path, value, `a ${messageName}`);
      }
      const given = value as Fields;
      if (path.length > MAX_DEPTH && path.split('.').length > MAX_DEPTH) {
        throw new SerializationError(`the value is more than ${MAX_DEPTH} messages deep`);
      }
      for (const name in given) {
        if (!names.has(name) && given[name] !== undefined) {
          throw new SerializationError(`${inside(path, name)}: the message ${messageName} has no such field`);
        }
      }
      const message = type.create() as protobuf.Message & Fields;
      for (const { field, name, toPart } of all) {
        const part = Object.hasOwn(given, name) ? given[name] : undefined;
        if (part === undefined || part === null) {
          if (field.required) throw new SerializationError(`${inside(path, name)} is required`);
          continue;
        }
        const { partOf } = field;
        const other = partOf?.fieldsArray.find((sibling) => sibling !== field && Object.hasOwn(message, sibling.name));
        if (other !== undefined) {
          throw new SerializationError(
            `${inside(path, name)}: ${other.name} is set, too, and only one field of ${partOf!.name} can be`,
          );
        }
        set(message, name, toPart(part, inside(path, name)));
      }
      return message;
    },
  };
}

function fieldPlan(field: protobuf.Field): FieldPlan {
  const { name } = field;
  const one = itemPlan(field);
  if (field instanceof protobuf.MapField) {
    return { field, name, absent: () => ({}), ...mapPlan(field, one) };
  }
  if (field.repeated) {
    return {
      field,
      name,
      absent: () => [],
      toValue: (items) => (items as readonly unknown[]).map(one.toValue),
      toPart(items, path) {
        if (!Array.isArray(items)) throw misfit(path, items, 'an array');
        return items.map((item, i) => one.toPart(item, `${path}[${i}]`));
      },
    };
  }
  const isScalar = field.resolvedType === null || field.resolvedType instanceof protobuf.Enum;
  const byDefault = field.typeDefault as unknown;
  const absent = field.hasPresence || !isScalar ? undefined : () => one.toValue(byDefault);
  return { field, name, absent, ...one };
}

interface ItemPlan {
  readonly toValue: ToValue;
  readonly toPart: ToPart;
}

/** Keys of objects are texts; 64-bit keys are eight characters in protobufjs's maps. */
function mapPlan(field: protobuf.MapField, item: ItemPlan): ItemPlan {
  const isLong = field.keyType in protobuf.types.long;
  const isUnsigned = field.keyType === 'uint64' || field.keyType === 'fixed64';
  const key = scalarPlan(field.keyType);
  return {
    toValue(map) {
      const value: Fields = {};
      for (const [hash, part] of Object.entries(map as Fields)) {
        const text = isLong ? String(integer(protobuf.util.longFromHash(hash, isUnsigned) as Long)) : hash;
        set(value, text, item.toValue(part));
      }
      return value;
    },
    toPart(map, path) {
      if (typeof map !== 'object' || map === null || Array.isArray(map)) throw misfit(path, map, 'an object');
      const part: Fields = {};
      for (const [text, value] of Object.entries(map)) {
        const at = `${path}[${JSON.stringify(text)}]`;
        key.toPart(keyValue(field.keyType, text), at);
        set(part, text, item.toPart(value, at));
      }
      return part;
    },
  };
}

function keyValue(type: string, text: string): unknown {
  if (type === 'string') return text;
  if (type === 'bool') return text === 'true' ? true : text === 'false' ? false : text;
  return /^-?\d+$/.test(text) ? safe(BigInt(text)) : text;
}

function itemPlan(field: protobuf.Field): ItemPlan {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Enum) return enumPlan(resolvedType);
  if (resolvedType instanceof protobuf.Type) {
    const values = messageValues(resolvedType);
    return {
      toValue: (message) => values.toValue(message as Fields),
      toPart: (value, path) => values.toMessage(value, path),
    };
  }
  return scalarPlan(field.type);
}

function enumPlan({ values, valuesById, name }: protobuf.Enum): ItemPlan {
  return {
    toValue: (number) => valuesById[number as number] ?? number,
    toPart(value, path) {
      if (typeof value === 'string' && Object.hasOwn(values, value)) return values[value];
      if (typeof value === 'number' && (value | 0) === value) return value;
      throw misfit(path, value, `a value of the enum ${name}`);
    },
  };
}

const same: ToValue = (part) => part;

function scalarPlan(type: string): ItemPlan {
  switch (type) {
    case 'double':
    case 'float':
      return { toValue: same, toPart: checked('number', 'a number') };
    case 'bool':
      return { toValue: same, toPart: checked('boolean', 'a boolean') };
    case 'string':
      return { toValue: same, toPart: checked('string', 'a string') };
    case 'bytes':
      return {
        toValue: (bytes) => Buffer.from(bytes as Uint8Array),
        toPart(value, path) {
          if (value instanceof Uint8Array) return value;
          throw misfit(path, value, 'bytes');
        },
      };
    case 'uint32':
    case 'fixed32':
      return { toValue: same, toPart: between(0, 0xffffffff, type) };
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return { toValue: same, toPart: between(-0x80000000, 0x7fffffff, type) };
    default:
      return { toValue: (part) => integer(part as Long), toPart: long(type) };
  }
}

function checked(type: 'number' | 'boolean' | 'string', what: string): ToPart {
  return (value, path) => {
    if (typeof value === type) return value;
    throw misfit(path, value, what);
  };
}

function between(least: number, most: number, type: string): ToPart {
  return (value, path) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value;
    throw misfit(path, value, type);
  };
}

function long(type: string): ToPart {
  const isUnsigned = type === 'uint64' || type === 'fixed64';
  return (value, path) => {
    if (Number.isSafeInteger(value) && (!isUnsigned || (value as number) >= 0)) {
      return longs.fromNumber(value as number, isUnsigned);
    }
    if (typeof value === 'bigint' && value === (isUnsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))) {
      const low = Number(BigInt.asIntN(32, value));
      const high = Number(BigInt.asIntN(32, value >> 32n));
      return longs.fromBits(low, high, isUnsigned);
    }
    throw misfit(path, value, type);
  };
}

function integer(part: Long | number): number | bigint {
  if (typeof part === 'number') return part;
  const { low, high, unsigned } = part;
  const number = (unsigned ? high >>> 0 : high) * 4294967296 + (low >>> 0);
  if (Number.isSafeInteger(number)) return number;
  return (BigInt(unsigned ? high >>> 0 : high) << 32n) | BigInt(low >>> 0);
}

function safe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function set(target: object, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, writable: true });
  else (target as Fields)[name] = value;
}

function inside(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function misfit(path: string, value: unknown, expected: string): SerializationError {
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 50))
      : typeof value === 'object' && value !== null
        ? Array.isArray(value)
          ? 'an array'
          : 'an object'
        : String(value);
  return new SerializationError(`${path === '' ? 'the value' : path} is ${shown}, not ${expected}`);
}
