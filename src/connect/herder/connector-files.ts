// The connectors that a standalone worker is started with, one to a file: a JSON object of settings; one with `name`, `config` and
// `initial_state` as REST takes it; or a file of properties, read as Java reads them.
import { readFileSync } from 'node:fs';
import { codeOf, parseProperties } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';
import type { TargetState } from '../data/states.ts';

/** A connector to be made. */
export interface ConnectorFile {
  readonly name: string;
  readonly config: RawConfig;
  readonly target?: TargetState;
}

const STATES: Readonly<Record<string, TargetState>> = { RUNNING: 'STARTED', PAUSED: 'PAUSED', STOPPED: 'STOPPED' };

/** Throws `ConfigError`, which names the file, for what is none, or has no name. */
export function readConnectorFile(path: string): ConnectorFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`The connector's file ${path} cannot be read: ${String(codeOf(cause))}`, cause);
  }
  const json = jsonObject(text);
  if (json === undefined) return named(path, Object.fromEntries(parseProperties(text)));
  const { name, config, initial_state: state } = json;
  if (!isObject(config)) return named(path, settings(path, json));
  const given = settings(path, config);
  if (typeof name !== 'string') throw missingName(path);
  if (given['name'] !== undefined && given['name'] !== name)
    throw new ConfigError(
      `Connector name configuration in 'config' doesn't match the one specified in 'name' at '${path}'`,
    );
  const target = state === undefined || state === null ? undefined : STATES[String(state).toUpperCase()];
  if (state !== undefined && state !== null && target === undefined)
    throw new ConfigError(`initial_state at '${path}' is none of ${Object.keys(STATES).join(', ')}`);
  return { name, config: { ...given, name }, ...(target === undefined ? {} : { target }) };
}

function named(path: string, config: RawConfig): ConnectorFile {
  const { name } = config;
  if (name === undefined) throw missingName(path);
  return { name, config };
}

function missingName(path: string): ConfigError {
  return new ConfigError(`Connector configuration at '${path}' is missing the mandatory 'name' configuration`);
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function settings(path: string, given: Readonly<Record<string, unknown>>): RawConfig {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw new ConfigError(`${name} at '${path}' is neither a text nor a number nor a boolean`);
      return [name, String(value)];
    }),
  );
}
