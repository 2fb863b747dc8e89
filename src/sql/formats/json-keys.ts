/** Which column a key of a JSON object means: the one of exactly its name, else the one of its name in upper case. */
export class JsonKeys {
  readonly names: readonly string[];
  readonly #places: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#places = new Map(names.map((name, i) => [name, i]));
  }

  /** The column of this very name; -1: there is none. */
  exact(key: string): number {
    return this.#places.get(key) ?? -1;
  }

  /** The column that this key means as long as its own name does not occur; -1: there is none. */
  folded(key: string): number {
    return this.#places.get(key.toUpperCase()) ?? -1;
  }
}
