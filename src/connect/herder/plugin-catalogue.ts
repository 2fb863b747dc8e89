/**
 * PORT. What a herder has to know of plugins: which there are, what kind a connector is of, and whether a config may be. In the
 * form in which REST answers it.
 */
import type { RawConfig } from '../api/config-def.ts';

/** What connectors are. */
export type ConnectorKind = 'source' | 'sink';

/** A plugin, as `GET /connector-plugins` tells of it. */
export interface PluginInfo {
  readonly class: string;
  readonly type: ConnectorKind | 'converter' | 'header_converter' | 'transformation' | 'predicate';
  readonly version: string;
}

/** A declared setting. */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: string;
  readonly documentation: string;
  readonly group: string | null;
  readonly width: string;
  readonly display_name: string;
  readonly dependents: readonly string[];
  readonly order: number;
}

/** A setting's value, and what is wrong with it. */
export interface ConfigValueInfo {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly string[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

/** What `PUT …/config/validate` answers. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  /** Without a definition where nothing declares the name. */
  readonly configs: readonly { readonly definition: ConfigKeyInfo | null; readonly value: ConfigValueInfo }[];
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
  /** Whether a source's records can be written exactly once; undefined where the connector does not say. */
  exactlyOnce(config: RawConfig): Promise<'supported' | 'unsupported' | undefined>;
  /** Whether the connector says where transactions end. */
  definesTransactions(config: RawConfig): Promise<boolean>;
}
