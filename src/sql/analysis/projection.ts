import { refuse } from '../errors.ts';
import type { Binding } from '../expressions/binding/binding.ts';
import type { Expression, SelectItem } from '../parser/ast.ts';
import { printExpression, quoteName } from '../parser/print.ts';
import { allColumns, isSystemColumn, pseudoColumns, windowColumns } from '../schema.ts';
import type { Scope } from './scope.ts';

/** One column of the result: qualified, and with its name. */
export interface ProjectionItem {
  readonly name: string;
  readonly expression: Expression;
  /** True for a column that was expanded from a star. */
  readonly fromStar: boolean;
}

export interface ProjectionOptions {
  /** The names of the fields behind `->*`. */
  readonly structFields: (base: Expression) => readonly string[];
  readonly syntheticKey: string | undefined;
  readonly partitioned: boolean;
}

/**
 * The items of a SELECT as single, named columns: stars expanded, names given where there are none.
 * `syntheticKey` is the key column of a join that only stars and its own name know.
 */
export function expandProjection(
  items: readonly SelectItem[],
  scope: Scope,
  options: ProjectionOptions,
): ProjectionItem[] {
  const { structFields, syntheticKey, partitioned } = options;
  const found: ProjectionItem[] = [];
  const names = new NameGenerator(scope);
  for (const item of items) {
    if (item.kind === 'all') {
      const sources = item.source === undefined ? scope.sources : [scope.aliased(item.source)];
      if (item.source === undefined && syntheticKey !== undefined)
        found.push({ name: syntheticKey, expression: { kind: 'column', name: syntheticKey }, fromStar: true });
      for (const { alias, source } of sources) {
        const { key, value } = source.schema;
        // Behind PARTITION BY the old key is a value among the others, and a join's rows show all they have.
        const rest = partitioned && scope.isJoin ? pseudoColumns : [];
        // Windows of what is joined are values: the result's own window is another thing.
        const window = source.window !== undefined && scope.isJoin ? windowColumns : [];
        for (const column of partitioned ? [...value, ...rest, ...key] : [...key, ...window, ...value]) {
          const expression: Expression = { kind: 'column', source: alias, name: column.name };
          found.push({ name: scope.internalName(alias, column.name), expression, fromStar: true });
        }
      }
      continue;
    }
    if (item.expression.kind === 'structAll') {
      const base = scope.qualify(item.expression.base, 'SELECT');
      for (const field of structFields(scope.internal(base)))
        found.push({ name: field, expression: { kind: 'dereference', base, field }, fromStar: false });
      continue;
    }
    const bare =
      item.expression.kind === 'column' && item.expression.source === undefined ? item.expression.name : undefined;
    if (bare !== undefined && isSystemColumn(bare) && (item.alias ?? bare) === bare && !scope.isJoin)
      refuse(`Reserved column name in select: ${quoteName(bare)}. Please remove or alias the column.`);
    const expression = scope.qualify(item.expression, 'SELECT');
    if (item.alias !== undefined) {
      const ownName = expression.kind === 'column' && expression.name === item.alias;
      if (isSystemColumn(item.alias)) {
        refuse(
          ownName
            ? `Reserved column name in select: ${quoteName(item.alias)}. Please remove or alias the column.`
            : `${quoteName(item.alias)} is a reserved column name. You cannot use it as an alias for a column.`,
        );
      }
      found.push({ name: item.alias, expression, fromStar: false });
      continue;
    }
    const name = names.nameOf(expression);
    if (isSystemColumn(name))
      refuse(`Reserved column name in select: ${quoteName(name)}. Please remove or alias the column.`);
    found.push({ name, expression, fromStar: false });
  }
  return found;
}

/** Names for expressions that got none, free of what the sources use. */
export class NameGenerator {
  readonly #taken: Set<string>;
  readonly #scope: Scope;
  #next = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#taken = new Set(
      scope.sources.flatMap(({ source }) => allColumns(source.schema).map((column) => column.name)),
    );
  }

  nameOf(e: Expression): string {
    if (e.kind === 'column') return this.#scope.defaultAlias(e);
    if (e.kind === 'dereference') return this.#free(e.field);
    for (;;) {
      const name = `KSQL_COL_${this.#next++}`;
      if (!this.#taken.has(name)) return name;
    }
  }

  #free(field: string): string {
    let name = field;
    for (let i = 1; this.#taken.has(name); i++) name = `${field}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** The names of the fields behind `->*`. */
export function fieldsOf(binding: Binding): (base: Expression) => readonly string[] {
  return (base) => {
    const { type } = binding.bind(base);
    if (type?.kind !== 'STRUCT') return refuse(`Cannot dereference non-struct type in ${printExpression(base)}->*`);
    return type.fields.map((field) => field.name);
  };
}
