// millrace.transforms.Function: a function in TypeScript or JavaScript, which takes each record and returns the record as it goes on,
// or null. It may be async, and it is loaded anew with each task.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../util/index.ts';
import { defineConfig, nonEmpty } from '../api/config-def.ts';
import { type Transformation, transformationPlugin } from '../api/plugins.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import type { ConnectRecord } from '../data/record.ts';

const config = defineConfig({
  module: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The path of a .ts, .mts, .js or .mjs file.',
    validator: nonEmpty,
  },
  export: {
    type: 'STRING',
    default: 'default',
    importance: 'MEDIUM',
    doc: 'The name of the function that it exports.',
  },
});

/** What users write. */
type RecordFunction = (record: ConnectRecord) => unknown;

async function functionOf(path: string, name: string): Promise<RecordFunction> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`the module ${path} cannot be loaded: ${messageOf(error)}`, error);
  }
  const found = module[name];
  if (typeof found === 'function') return found as RecordFunction;
  const others = Object.keys(module).filter((each) => typeof module[each] === 'function');
  throw new ConfigError(
    `the module ${path} exports no function ${name}${others.length === 0 ? '' : `, only ${others.join(', ')}`}`,
  );
}

/** The record that a function has returned. Throws `DataError` where it is none. */
function checked<R extends ConnectRecord>(given: unknown, before: R): R | null {
  if (given === null) return null;
  if (given === undefined)
    throw new DataError('the function has returned nothing: return the record, or null to leave it out');
  if (typeof given !== 'object') throw new DataError(`the function has returned a ${typeof given}, and not a record`);
  // What it did not mention stays.
  const record = { ...before, ...given };
  if (typeof record.topic !== 'string' || record.topic === '')
    throw new DataError('the function has returned a record without a topic');
  if (!Array.isArray(record.headers))
    throw new DataError('the function has returned a record whose headers are no list');
  return record;
}

/** A user's function. */
export const functionTransform = transformationPlugin({
  className: 'millrace.transforms.Function',
  version: KAFKA_VERSION,
  config,
  async create(settings): Promise<Transformation> {
    const call = await functionOf(settings.module, settings.export);
    return {
      apply<R extends ConnectRecord>(record: R): R | null | Promise<R | null> {
        const result = call(record);
        return result instanceof Promise
          ? result.then((later: unknown) => checked(later, record))
          : checked(result, record);
      },
    };
  },
});
