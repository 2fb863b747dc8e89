// Which tables the source reads, of those that there are.
import { JavaPattern } from '../../../../util/index.ts';
import { nameOfTable, type TableId } from '../database.ts';
import type { SourceConfig } from './settings.ts';

/** Lists name tables by their names, with or without what stands before them; patterns match whole names. */
export function chosen(tables: readonly TableId[], config: SourceConfig): TableId[] {
  const { 'table.whitelist': whitelist, 'table.blacklist': blacklist } = config;
  const includes = config['table.include.list'].map((pattern) => JavaPattern.whole(pattern));
  const excludes = config['table.exclude.list'].map((pattern) => JavaPattern.whole(pattern));
  const matches = (patterns: readonly JavaPattern[], table: TableId): boolean =>
    patterns.some((pattern) => pattern.exec(nameOfTable(table)) !== undefined);
  return tables
    .filter(({ schema }) => like(config['schema.pattern'], schema))
    .filter(({ catalog }) => like(config['catalog.pattern'], catalog))
    .filter((table) => whitelist.length === 0 || isNamed(whitelist, table))
    .filter((table) => !isNamed(blacklist, table))
    .filter((table) => includes.length === 0 || matches(includes, table))
    .filter((table) => !matches(excludes, table));
}

function isNamed(names: readonly string[], { catalog, schema, table }: TableId): boolean {
  const parts = [catalog, schema, table].filter((part) => part !== undefined);
  return names.some((name) =>
    parts.some((_part, from) => parts.slice(from).join('.') === name.replaceAll(/["`]/g, '')),
  );
}

/** As LIKE compares: `%` is any text, `_` any character. */
function like(pattern: string | null, name: string | undefined): boolean {
  if (pattern === null || pattern === '' || name === undefined) return true;
  const source = pattern
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}
