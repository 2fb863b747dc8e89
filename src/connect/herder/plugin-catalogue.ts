/**
 * PORT. What a herder has to know of plugins: which there are, what kind a connector is of, and whether a config may be. In the
 * form in which REST answers it.
 */
import type { RawConfig } from '../api/config-def.ts';
import { connectorConfigSections } from '../plugins/connector-config.ts';
import type { PluginOf, Plugins } from '../plugins/plugins.ts';
import {
  type ConfigInfos,
  type ConfigKeyInfo,
  describeConfig,
  validateConnector,
  type WorkerFacts,
} from '../plugins/validation.ts';

export type { ConfigInfos, ConfigKeyInfo } from '../plugins/validation.ts';

/** What connectors are. */
export type ConnectorKind = 'source' | 'sink';

/** A plugin, as `GET /connector-plugins` tells of it. */
export interface PluginInfo {
  readonly class: string;
  readonly type: ConnectorKind | 'converter' | 'header_converter' | 'transformation' | 'predicate';
  readonly version: string;
}

export interface PluginCatalogue {
  /** Sinks, sources, transformations, predicates, converters, header converters. */
  list(): readonly PluginInfo[];
  /** A connector by its class name or an alias; undefined where there is none. */
  connector(
    name: string,
  ): { readonly className: string; readonly kind: ConnectorKind; readonly version: string } | undefined;
  /** The settings of a plugin of any kind; undefined where there is none of that name. */
  configOf(name: string): Promise<readonly ConfigKeyInfo[] | undefined>;
  /** Everything that can be said against a connector's config. Rejects with `ConnectError` where it names no connector that there is. */
  validate(config: RawConfig): Promise<ConfigInfos>;
}

const KINDS: readonly PluginInfo['type'][] = [
  ...(['sink', 'source', 'transformation'] as const),
  ...(['predicate', 'converter', 'header_converter'] as const),
];

/** What a worker's plugins are to its herder. `resolve` puts what providers have in place of `${provider:path:key}`. */
export function catalogueOf(
  plugins: Plugins,
  worker: WorkerFacts & { readonly resolve: (config: RawConfig) => Promise<RawConfig> },
): PluginCatalogue {
  return {
    list: () => KINDS.flatMap((kind) => plugins.list().filter(({ type }) => type === kind)),
    connector(name) {
      const found = plugins.find(name, 'source', 'sink');
      return found === undefined
        ? undefined
        : { className: found.className, kind: found.kind as ConnectorKind, version: found.version };
    },
    async configOf(name) {
      const found = plugins.find(name);
      if (found === undefined) return undefined;
      const plugin = await plugins.load(found.className, found.kind);
      const own = describeConfig(plugin.config);
      return plugin.kind === 'source' || plugin.kind === 'sink' ? withCommon(own, plugin) : own;
    },
    validate: async (config) => validateConnector(await worker.resolve(config), plugins, worker),
  };
}

/** A connector's own settings, and those that all have. */
function withCommon(own: readonly ConfigKeyInfo[], plugin: PluginOf<'source' | 'sink'>): ConfigKeyInfo[] {
  const names = new Set(own.map(({ name }) => name));
  const common = connectorConfigSections(plugin.kind, {}).flatMap(({ config, first }) =>
    describeConfig(config).map((info, i) => ({ ...info, order: first + i })),
  );
  return [...own, ...common.filter(({ name }) => !names.has(name))];
}
