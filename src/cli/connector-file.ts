// Files that say what a connector is, as commands read them.
import { readFileSync } from 'node:fs';
import { readPropertiesFile } from '../platform/index.ts';
import { codeOf, MillraceError } from '../util/index.ts';

/** A connector of a file: properties, a JSON object of settings, or one with name and config. */
export function connectorIn(
  file: string,
  overrides: Readonly<Record<string, string>> = {},
): { readonly name: string; readonly config: Record<string, string> } {
  const given = { ...settingsIn(file), ...overrides };
  const { name } = given;
  if (name === undefined || name === '')
    throw new MillraceError('INVALID_CONFIG', `${file} does not say what the connector is called: name=…`);
  return { name, config: given };
}

function settingsIn(file: string): Record<string, string> {
  const text = textIn(file);
  if (!text.trimStart().startsWith('{')) return readPropertiesFile(file);
  const json = parsed(file, text) as Record<string, unknown>;
  const { name, config } = json;
  const settings =
    typeof config === 'object' && config !== null ? { ...config, ...(name === undefined ? {} : { name }) } : json;
  return Object.fromEntries(Object.entries(settings).map(([setting, value]) => [setting, String(value)]));
}

/** The JSON in a file. */
export function jsonIn(file: string): unknown {
  return parsed(file, textIn(file));
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new MillraceError('FILE_UNREADABLE', `${file} cannot be read: ${codeOf(error)}.`, { cause: error });
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError('FILE_UNREADABLE', `${file} is no JSON: ${(error as Error).message}.`, { cause: error });
  }
}
