// Signals: rows of a table, of three columns (id, type, data), by which a running connector is told what to do.
import { ConnectError } from '../../data/errors.ts';

/** What is signalled. Collections are patterns of `schema.table`. */
export type Signal =
  | { readonly type: 'log'; readonly message: string }
  | {
      readonly type: 'execute-snapshot';
      readonly collections: readonly string[];
      readonly conditions: readonly { readonly collection: string; readonly filter: string }[];
    }
  | { readonly type: 'stop-snapshot'; readonly collections: readonly string[] | undefined }
  | { readonly type: 'pause-snapshot' | 'resume-snapshot' };

/** Reads a row of the table of signals. Throws `ConnectError`. */
export function readSignal(row: readonly (string | null)[]): Signal {
  const [id, type, data] = row;
  const bad = (what: string): ConnectError => new ConnectError(`signal ${id} (${type}): ${what}`);
  const fields = fieldsOf(data ?? null, bad);
  const texts = (name: string): string[] | undefined => {
    const value = fields[name];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      throw bad(`${name} must be a list of texts`);
    return value as string[];
  };
  switch (type) {
    case 'log':
      if (typeof fields['message'] !== 'string') throw bad('message must be a text');
      return { type, message: fields['message'] };
    case 'execute-snapshot': {
      const kind = String(fields['type'] ?? 'incremental').toLowerCase();
      if (kind !== 'incremental') throw bad(`snapshots of type ${kind} are not supported; incremental ones are`);
      if (fields['surrogate-key'] !== undefined) throw bad('surrogate-key is not supported');
      const collections = texts('data-collections');
      if (collections === undefined || collections.length === 0) throw bad('data-collections must name tables');
      return { type, collections, conditions: conditionsOf(fields, bad) };
    }
    case 'stop-snapshot':
      return { type, collections: texts('data-collections') };
    case 'pause-snapshot':
    case 'resume-snapshot':
      return { type };
    default:
      throw bad('there is no such type; log, execute-snapshot, stop-snapshot, pause-snapshot and resume-snapshot are');
  }
}

type Fault = (what: string) => ConnectError;

function fieldsOf(data: string | null, bad: Fault): Record<string, unknown> {
  if (data === null || data.trim() === '') return {};
  try {
    const fields: unknown = JSON.parse(data);
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields))
      return fields as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw bad('data must be an object of JSON');
}

function conditionsOf(fields: Record<string, unknown>, bad: Fault): { collection: string; filter: string }[] {
  const list = fields['additional-conditions'];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw bad('additional-conditions must be a list');
  return list.map((each: unknown) => {
    const condition = (each ?? {}) as Record<string, unknown>;
    const [collection, filter] = [condition['data-collection'], condition['filter']];
    if (typeof collection !== 'string' || typeof filter !== 'string')
      throw bad('each of additional-conditions must have the texts data-collection and filter');
    return { collection, filter };
  });
}
