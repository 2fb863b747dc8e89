// Whether a record's schema needs a file of its own, and what becomes of the record if it does not (`schema.compatibility`).
import { DataError } from '../../data/errors.ts';
import type { Schema } from '../../data/schema.ts';
import { fieldValue } from '../../data/validate.ts';

export type Compatibility = 'NONE' | 'BACKWARD' | 'FORWARD' | 'FULL';

/** Whether files of a schema cannot have records of another. Throws `DataError` where versions are needed and there are none. */
export function needsNewFile(compatibility: Compatibility, current: Schema | null, given: Schema | null): boolean {
  if (current === given) return false;
  if (current === null || given === null) return true;
  if (current.equals(given)) return false;
  if (compatibility === 'NONE') return true;
  if (current.version === undefined || given.version === undefined)
    throw new DataError(`schema.compatibility=${compatibility} needs schemas with versions`);
  if (current.type !== given.type || current.name !== given.name) return true;
  return compatibility === 'FORWARD' ? given.version < current.version : given.version > current.version;
}

const WIDTHS: readonly Schema['type'][] = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];

/** A value of one schema as one of another, as Kafka's SchemaProjector has it. Throws `DataError` where there is none. */
export function projected(from: Schema, to: Schema, value: unknown, path = 'value'): unknown {
  if (from === to) return value;
  if (value === null || value === undefined) {
    if (to.optional) return null;
    if (to.default !== undefined) return to.default;
    throw new DataError(`${path} is null, and must not be in the schema of the file`);
  }
  if (from.type !== to.type) return widened(from, to, value, path);
  switch (to.type) {
    case 'struct': {
      const struct = value as Readonly<Record<string, unknown>>;
      const field = ({ name, schema: of }: Schema['fields'][number]): unknown => {
        const own = from.field(name);
        if (own !== undefined)
          return projected(own.schema, of, fieldValue(struct, name, own.schema), `${path}.${name}`);
        if (of.default !== undefined) return of.default;
        if (of.optional) return null;
        throw new DataError(`${path} has no field ${name}, which the schema of the file needs`);
      };
      return Object.fromEntries(to.fields.map((each) => [each.name, field(each)]));
    }
    case 'array':
      return (value as unknown[]).map((each) => projected(from.valueSchema, to.valueSchema, each, `${path}[]`));
    case 'map':
      return new Map(
        [...(value as Map<unknown, unknown>)].map(([key, each]) => [
          projected(from.keySchema, to.keySchema, key, `a key of ${path}`),
          projected(from.valueSchema, to.valueSchema, each, `${path}[]`),
        ]),
      );
    default:
      if (from.name !== to.name) throw mismatch(from, to, path);
      return value;
  }
}

function widened(from: Schema, to: Schema, value: unknown, path: string): unknown {
  const [narrow, wide] = [WIDTHS.indexOf(from.type), WIDTHS.indexOf(to.type)];
  if (narrow < 0 || wide < narrow || from.name !== undefined || to.name !== undefined) throw mismatch(from, to, path);
  if (to.type === 'int64') return BigInt(value as number);
  return to.type.startsWith('float') ? Number(value) : value;
}

function mismatch(from: Schema, to: Schema, path: string): DataError {
  return new DataError(
    `${path} is ${from.type.toUpperCase()}${from.name === undefined ? '' : ` (${from.name})`}, which cannot be the ${to.type.toUpperCase()} of the file`,
  );
}
