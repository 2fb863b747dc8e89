import type { StoredSchema } from './schema-records.ts';

/** The versions of one subject in ascending order, and by their texts: a subject may have ten thousand. */
export class SubjectVersions {
  readonly #byVersion = new Map<number, StoredSchema>();
  readonly #byText = new Map<string, Set<number>>();
  /** Those that refer to other schemas. */
  readonly #referring = new Set<number>();
  /** Made when asked for after a change; only a next version is simply put behind the others. */
  #all: StoredSchema[] | undefined;
  #live: StoredSchema[] | undefined;

  get size(): number {
    return this.#byVersion.size;
  }

  get(version: number): StoredSchema | undefined {
    return this.#byVersion.get(version);
  }

  all(): readonly StoredSchema[] {
    this.#all ??= [...this.#byVersion.values()].sort((a, b) => a.version - b.version);
    return this.#all;
  }

  /** Without those that are softly deleted. */
  live(): readonly StoredSchema[] {
    this.#live ??= this.all().filter(({ deleted }) => !deleted);
    return this.#live;
  }

  /** The versions that a schema with this text can be the same as: those with the text, and those that may be it inlined. */
  candidates(text: string): readonly StoredSchema[] {
    const numbers = this.#byText.get(text) ?? new Set<number>();
    const versions = this.#referring.size === 0 ? numbers : numbers.union(this.#referring);
    return [...versions].sort((a, b) => a - b).map((version) => this.#byVersion.get(version)!);
  }

  set(schema: StoredSchema): void {
    const { version } = schema;
    const isNext = this.#all !== undefined && version > (this.#all.at(-1)?.version ?? 0);
    if (isNext) {
      this.#all!.push(schema);
      if (!schema.deleted) this.#live?.push(schema);
    }
    if (!isNext) this.delete(version);
    this.#byVersion.set(version, schema);
    const sameText = this.#byText.get(schema.schema);
    if (sameText === undefined) this.#byText.set(schema.schema, new Set([version]));
    else sameText.add(version);
    if (schema.references.length > 0) this.#referring.add(version);
  }

  delete(version: number): void {
    const old = this.#byVersion.get(version);
    this.#all = undefined;
    this.#live = undefined;
    if (old === undefined) return;
    this.#byVersion.delete(version);
    this.#referring.delete(version);
    const sameText = this.#byText.get(old.schema)!;
    sameText.delete(version);
    if (sameText.size === 0) this.#byText.delete(old.schema);
  }
}
