// What a worker can run: the built-in plugins and the users' own, found by their classes' names as Kafka Connect finds them. The
// life of a name: the entry that has it (`find`), loaded when it is used (`load`), so that a worker without Postgres does not load
// its driver.
import { nearestName } from '../../util/index.ts';
import type { Plugin } from '../api/plugins.ts';
import { ConnectError } from '../data/errors.ts';
import { BUILT_IN, MISSING, type PluginEntry, type PluginKind } from './built-in.ts';

/** A plugin of some kinds. */
export type PluginOf<K extends PluginKind> = Extract<Plugin, { readonly kind: K }>;

/** As `GET /connector-plugins` lists it. */
export interface ListedPlugin {
  readonly class: string;
  readonly type: PluginKind;
  readonly version: string;
}

/** The kinds in the order in which they are listed. */
const ORDER: readonly PluginKind[] = ['sink', 'source', 'transformation', 'predicate', 'converter', 'header_converter'];
const CONNECTORS: readonly PluginKind[] = ['source', 'sink'];

/** The endings of class names that may be left out, and what the kinds are called in errors. */
const KIND_NAMES: Readonly<Record<PluginKind, string>> = {
  source: 'Connector',
  sink: 'Connector',
  transformation: 'Transformation',
  predicate: 'Predicate',
  converter: 'Converter',
  header_converter: 'HeaderConverter',
};

/** All plugins of a worker. */
export class Plugins {
  readonly #entries: readonly PluginEntry[];
  readonly #loaded = new Map<PluginEntry, Promise<Plugin>>();

  /** `own`: the users'; they go before built-in ones of the same class and kind. */
  constructor(own: readonly Plugin[] = [], builtIn: readonly PluginEntry[] = BUILT_IN) {
    const given = own.map(entryOf);
    const isGiven = (entry: PluginEntry): boolean =>
      given.some(({ className, kind }) => className === entry.className && kind === entry.kind);
    this.#entries = [...given, ...builtIn.filter((entry) => !isGiven(entry))];
  }

  /** Every plugin, or the connectors only, by kind and name. */
  list(connectorsOnly = false): ListedPlugin[] {
    return this.#entries
      .filter(({ kind }) => !connectorsOnly || CONNECTORS.includes(kind))
      .map(({ className, kind, version }) => ({ class: className, type: kind, version }))
      .sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type) || compare(a.class, b.class));
  }

  /** The class names of some kinds, in their order. */
  names(...kinds: readonly PluginKind[]): string[] {
    return [...new Set(this.#of(kinds).map(({ className }) => className))].sort(compare);
  }

  /**
   * The entry that a name means: a class's whole name, its last part, or that without its ending. Undefined when there is none.
   * Throws `ConnectError` when the name means several.
   */
  find(name: string, ...kinds: readonly PluginKind[]): PluginEntry | undefined {
    const candidates = this.#of(kinds);
    const exact = candidates.find(({ className }) => className === name);
    if (exact !== undefined) return exact;
    const found = candidates.filter((entry) => aliasesOf(entry).includes(name));
    const classes = [...new Set(found.map(({ className }) => className))];
    if (classes.length > 1)
      throw new ConnectError(
        `More than one ${what(kinds)} matches alias ${name}. Please use full package and class name instead. Classes found: ${classes.join(', ')}`,
      );
    return found[0];
  }

  /** A connector by name. Throws `ConnectError` with those that there are. */
  async connector(name: string): Promise<PluginOf<'source' | 'sink'>> {
    return this.#load(this.#entry(name, 'source', 'sink')) as Promise<PluginOf<'source' | 'sink'>>;
  }

  /** A plugin of one kind by name. Throws `ConnectError` with those that there are. */
  async load<K extends PluginKind>(name: string, kind: K): Promise<PluginOf<K>> {
    return this.#load(this.#entry(name, kind)) as Promise<PluginOf<K>>;
  }

  #of(kinds: readonly PluginKind[]): readonly PluginEntry[] {
    return kinds.length === 0 ? this.#entries : this.#entries.filter(({ kind }) => kinds.includes(kind));
  }

  #entry(name: string, ...kinds: readonly PluginKind[]): PluginEntry {
    const found = this.find(name, ...kinds);
    if (found !== undefined) return found;
    const known = this.#of(kinds).flatMap((entry) => [entry.className, ...aliasesOf(entry)]);
    const nearest = nearestName(name, known);
    const [, instead] = Object.entries(MISSING).find(([beginning]) => name.startsWith(beginning)) ?? [];
    const hint = instead ?? (nearest === undefined ? undefined : `Did you mean ${nearest}?`);
    throw new ConnectError(
      `Failed to find any class that implements ${KIND_NAMES[kinds[0]!]} and which name matches ${name}, available ${what(kinds)}s are: ${this.names(...kinds).join(', ')}${hint === undefined ? '' : `. ${hint}`}`,
    );
  }

  #load(entry: PluginEntry): Promise<Plugin> {
    let loading = this.#loaded.get(entry);
    if (loading === undefined) {
      loading = entry.load();
      // What could not be loaded may be there at the next attempt.
      loading.catch(() => this.#loaded.delete(entry));
      this.#loaded.set(entry, loading);
    }
    return loading;
  }
}

function entryOf(plugin: Plugin): PluginEntry {
  const { className, kind, version, aliases = [] } = plugin;
  return { className, kind, version, aliases, load: async () => plugin };
}

/** `FileStreamSourceConnector` and `FileStreamSource`, for `org.apache.kafka.connect.file.FileStreamSourceConnector`. */
function aliasesOf({ className, kind, aliases = [] }: PluginEntry): string[] {
  const last = className.slice(className.lastIndexOf('.') + 1);
  const ending = KIND_NAMES[kind];
  const pruned = last.endsWith(ending) && last !== ending ? [last.slice(0, -ending.length)] : [];
  return [last, ...pruned, ...aliases];
}

function what(kinds: readonly PluginKind[]): string {
  return kinds.every((kind) => CONNECTORS.includes(kind)) ? 'connector' : 'plugin';
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
