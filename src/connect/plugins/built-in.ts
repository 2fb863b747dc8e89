// The table of what is built in: what a class is called and what it is, known without loading it, and where it is when it is
// used. A connector has a line of its own here.
import type { Plugin } from '../api/plugins.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';

/** What a plugin can be, as `GET /connector-plugins` names it. */
export type PluginKind = Plugin['kind'];

/** A plugin that is loaded when it is used. */
export interface PluginEntry {
  readonly className: string;
  readonly kind: PluginKind;
  readonly version: string;
  /** Other names that mean it, beside those that are derived from the class name. */
  readonly aliases?: readonly string[];
  load(): Promise<Plugin>;
}

/** A module that has several plugins, each found by class and kind. */
function entries(
  kinds: readonly PluginKind[],
  classNames: readonly string[],
  load: () => Promise<readonly Plugin[]>,
): PluginEntry[] {
  return classNames.flatMap((className) =>
    kinds.map((kind) => ({
      className,
      kind,
      version: KAFKA_VERSION,
      async load() {
        const found = (await load()).find((plugin) => plugin.className === className && plugin.kind === kind);
        if (found === undefined) throw new Error(`the module of ${className} does not have it`);
        return found;
      },
    })),
  );
}

const BOTH = ['converter', 'header_converter'] as const;
const CONVERTERS = 'org.apache.kafka.connect.converters';

const FILE = 'org.apache.kafka.connect.file';

/** All that is built in. */
export const BUILT_IN: readonly PluginEntry[] = [
  ...entries(['source'], [`${FILE}.FileStreamSourceConnector`], async () => {
    return [(await import('../connectors/file-stream/index.ts')).fileStreamSource];
  }),
  ...entries(['sink'], [`${FILE}.FileStreamSinkConnector`], async () => {
    return [(await import('../connectors/file-stream/index.ts')).fileStreamSink];
  }),
  ...entries(BOTH, ['org.apache.kafka.connect.json.JsonConverter'], async () => {
    return (await import('../converters/json/converter.ts')).jsonConverters;
  }),
  ...entries(BOTH, ['org.apache.kafka.connect.storage.StringConverter'], async () => {
    return (await import('../converters/string.ts')).stringConverters;
  }),
  ...entries(
    BOTH,
    ['ByteArray', 'Short', 'Integer', 'Long', 'Float', 'Double', 'Boolean'].map(
      (type) => `${CONVERTERS}.${type}Converter`,
    ),
    async () => (await import('../converters/primitives.ts')).primitiveConverters,
  ),
];
