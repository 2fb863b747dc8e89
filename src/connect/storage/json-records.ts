// What the config and the status topic have in common: values are JSON objects without a schema, keys end with tasks' names.
import { DataError } from '../data/errors.ts';
import type { TaskId } from '../data/states.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Null for a tombstone. Throws `DataError` for what is no JSON object. */
export function readJsonObject(bytes: Uint8Array | null): JsonObject | null {
  if (bytes === null || bytes.length === 0) return null;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (cause) {
    throw new DataError('its value is no JSON', cause);
  }
  return value === null ? null : asObject(value, 'its value');
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DataError(`${what} is no JSON object`);
  return value as JsonObject;
}

export function numberIn(value: JsonObject, name: string): number {
  const number = value[name];
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new DataError(`${name} is no whole number`);
  return number;
}

/** `orders-0`: the connector's name may have dashes itself. */
export function taskIdOf(text: string): TaskId {
  const [, connector, task] = /^(.*)-(\d{1,10})$/s.exec(text) ?? [];
  if (connector === undefined || task === undefined) throw new DataError(`${JSON.stringify(text)} is no task`);
  return { connector, task: Number(task) };
}
