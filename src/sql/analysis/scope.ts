import type { DataSource } from '../catalog.ts';
import { refuse, refuseName } from '../errors.ts';
import type { AliasedSource, ColumnReference, Expression, Location } from '../parser/ast.ts';
import { printExpression, printName } from '../parser/print.ts';
import { allColumns, isWindowBound, pseudoColumns, windowColumns } from '../schema.ts';
import type { SqlType } from '../types.ts';
import { replaceColumns } from './walk.ts';

/** The name of the key column that a join gets when no column of its sources can be its key. */
export type Clause = 'SELECT' | 'WHERE' | 'GROUP BY' | 'PARTITION BY' | 'HAVING' | 'JOIN ON' | 'SET';

export interface ScopeSource {
  readonly alias: string;
  readonly source: DataSource;
  /** The source's own columns and the ones that every source has. */
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** What its rows have because they are records; those of a query that is read at rest are none. */
  readonly pseudo: typeof pseudoColumns;
}

/**
 * The sources of a query and what their columns are called. A column goes through two forms: qualified (`L.A`, as messages
 * about keys show it) and internal (`A`, in a join `L_A`: the name in the rows).
 */
export class Scope {
  readonly sources: readonly ScopeSource[];
  /** Columns that belong to no source: synthetic keys, windows of an aggregation, results of table functions. */
  readonly extra = new Set<string>();

  constructor(sources: readonly { aliased: AliasedSource; source: DataSource; isAtRest?: boolean }[]) {
    this.sources = sources.map(({ aliased, source, isAtRest = false }) => {
      const pseudo = isAtRest ? [] : pseudoColumns;
      const window = source.window === undefined ? [] : windowColumns;
      return { alias: aliased.alias, source, pseudo, columns: [...allColumns(source.schema), ...pseudo, ...window] };
    });
  }

  get isJoin(): boolean {
    return this.sources.length > 1;
  }

  /** The source with an alias. */
  aliased(alias: string): ScopeSource {
    const found = this.sources.find((source) => source.alias === alias);
    if (found === undefined)
      return refuseName(
        `Failed to prepare statement: '${alias}' is not a valid stream/table name or alias.`,
        alias,
        this.sources.map((source) => source.alias),
      );
    return found;
  }

  /** Gives every column its source, or refuses it. */
  qualify(e: Expression, clause: Clause): Expression {
    for (const alias of this.sourcesIn(e)) this.aliased(alias);
    return replaceColumns(e, (column) => this.#qualifyColumn(column, clause));
  }

  #qualifyColumn(column: ColumnReference, clause: Clause): Expression {
    if (column.source !== undefined) {
      const { columns } = this.aliased(column.source);
      if (columns.some((known) => known.name === column.name)) return column;
      // The window that a query aggregates in may be called its source's.
      if (!this.isJoin && isWindowBound(column.name) && this.extra.has(column.name))
        return { ...column, source: undefined };
      return this.#unresolved(column, clause);
    }
    const owners = this.sources.filter(({ columns }) => columns.some((known) => known.name === column.name));
    if (owners.length > 1) {
      const could = owners.map(({ alias }) => `${printName(alias)}.${printName(column.name)}`);
      const list = could.length === 2 ? could.join(' or ') : `${could.slice(0, -1).join(', ')} or ${could.at(-1)}`;
      return refuse(
        `Exception while preparing statement: ${place(column.at)}Column '${column.name}' is ambiguous. Could be ${list}.`,
      );
    }
    const [owner] = owners;
    if (owner !== undefined) return { ...column, source: owner.alias };
    if (this.extra.has(column.name)) return column;
    return this.#unresolved(column, clause);
  }

  #unresolved(column: ColumnReference, clause: Clause): never {
    const name = printExpression(column);
    const why =
      clause === 'PARTITION BY'
        ? ` '${column.name}' must be a column in the source schema since PARTITION BY is applied on the input.`
        : '';
    const sources = column.source === undefined ? this.sources : [this.aliased(column.source)];
    const known = sources.flatMap(({ columns }) => columns.map((each) => each.name));
    refuseName(`${place(column.at)}${clause} column '${name}' cannot be resolved.${why}`, column.name, known);
  }

  /** Qualified columns to the names that the rows have. */
  internal(e: Expression): Expression {
    return replaceColumns(e, ({ source, name, at }) => ({
      kind: 'column',
      name: source === undefined ? name : this.internalName(source, name),
      ...(at === undefined ? {} : { at }),
    }));
  }

  internalName(alias: string, name: string): string {
    return this.isJoin ? `${alias}_${name}` : name;
  }

  /** What a column is called in the result when nothing else is said. */
  defaultAlias(column: ColumnReference): string {
    if (column.source === undefined || !this.isJoin) return column.name;
    const owners = this.sources.filter(({ columns }) => columns.some((known) => known.name === column.name));
    return owners.length > 1 ? `${column.source}_${column.name}` : column.name;
  }

  /** The aliases of the sources that an expression names. */
  sourcesIn(e: Expression): Set<string> {
    const found = new Set<string>();
    replaceColumns(e, (column) => {
      if (column.source !== undefined) found.add(column.source);
      return column;
    });
    return found;
  }
}

export function place(at: Location | undefined): string {
  return at === undefined ? '' : `Line: ${at.line}, Col: ${at.column}: `;
}
