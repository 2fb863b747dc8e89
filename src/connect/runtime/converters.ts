// The converters of a connector: its own, with its own settings for them, or else the worker's, with the worker's.
import type { SchemaSource } from '../../serde/index.ts';
import { parseConfig, type RawConfig, withPrefix } from '../api/config-def.ts';
import type { Converter, HeaderConverter } from '../api/plugins.ts';
import { ConfigError } from '../data/errors.ts';
import type { Plugins } from '../plugins/index.ts';
import type { Named } from './record-path.ts';

const SIMPLE = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

export interface ConverterMaking {
  readonly plugins: Plugins;
  readonly schemaSource: (config: RawConfig) => SchemaSource;
}

/** The converter of keys or values. Rejects with `ConfigError` where there is none, or its settings are wrong. */
export async function converterOf(
  setting: 'key.converter' | 'value.converter',
  connector: RawConfig,
  worker: RawConfig,
  { plugins, schemaSource }: ConverterMaking,
): Promise<Named<Converter>> {
  const from = connector[setting] === undefined ? worker : connector;
  const className = from[setting];
  if (className === undefined) throw new ConfigError(`${setting} is given neither by the connector nor by the worker`);
  const raw = withPrefix(`${setting}.`, from);
  const plugin = await plugins.load(className, 'converter');
  const context = { isKey: setting === 'key.converter', schemaSource };
  return { className: plugin.className, use: plugin.create(parseConfig(plugin.config, raw), raw, context) };
}

/** The converter of headers. Rejects with `ConfigError` where its settings are wrong. */
export async function headerConverterOf(
  connector: RawConfig,
  worker: RawConfig,
  plugins: Plugins,
): Promise<Named<HeaderConverter>> {
  const from = connector['header.converter'] === undefined ? worker : connector;
  const raw = withPrefix('header.converter.', from);
  const plugin = await plugins.load(from['header.converter'] ?? SIMPLE, 'header_converter');
  return { className: plugin.className, use: plugin.create(parseConfig(plugin.config, raw), raw) };
}
