// Queries in FROM: (SELECT …) AS name, what WITH names, and UNION ALL. To the query around it, such a query is a source like
// others: a stream, or a table with its primary key; it has no topic, and nothing of it is written but what it keeps itself.
import { refuse } from '../errors.ts';
import type { DataSource } from '../catalog.ts';
import { type FormatInfo, KEY_FORMAT } from '../formats/traits.ts';
import type { SourceKind } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { type Column, schemaOf } from '../schema.ts';
import { sameType, typeText } from '../types.ts';
import { keyFormatOf, sameFormat } from './key-formats.ts';
import type { ProjectStep, RowColumn, Step } from './plan.ts';

/** One of the queries, as it was planned. */
export interface Member {
  readonly root: Step;
  readonly sources: readonly DataSource[];
  readonly isFinal: boolean;
}

export interface Derived {
  /** What the query around it sees. */
  readonly source: DataSource;
  readonly inputs: readonly Step[];
  /** The sources in the catalogue that its rows come from. */
  readonly sources: readonly DataSource[];
  /** Its columns in the order of the rows of its inputs. */
  readonly names: readonly string[];
}

/** To a query that is read at rest, they are rows: no records, without a key. */
export function derivedAtRest(alias: string, members: readonly Omit<Member, 'isFinal'>[]): Derived {
  const inputs = members.map(({ root }) => root);
  const [{ columns }, ...others] = inputs as [Step, ...Step[]];
  for (const [i, other] of others.entries()) checkUnitedColumns(columns, other.columns, i + 2);
  return {
    source: sourceOf(
      alias,
      'STREAM',
      columns.map(({ name, type }) => ({ name, type, namespace: 'VALUE' })),
      KEY_FORMAT,
    ),
    inputs,
    sources: members.flatMap(({ sources }) => sources),
    names: columns.map(({ name }) => name),
  };
}

export function derivedFrom(alias: string, members: readonly Member[]): Derived {
  const parts = members.map((member) => partOf(alias, member));
  const [first, ...others] = parts as [Part, ...Part[]];
  for (const [i, other] of others.entries()) checkUnion(first, other, i + 2);
  const isTable = first.isTable && parts.length === 1;
  const isKeyed = parts.every((part) => sameKey(part, first));
  const columns = first.project.columns.map(({ name, type }, place): Column => {
    const namespace = isKeyed && first.keyPlaces.includes(place) ? 'KEY' : 'VALUE';
    return { name, type, namespace };
  });
  return {
    source: sourceOf(
      alias,
      isTable ? 'TABLE' : 'STREAM',
      [
        // The key's columns in the order of the key, wherever they were selected.
        ...(isKeyed ? first.keyPlaces.map((place) => columns[place]!) : []),
        ...columns.filter(({ namespace }) => namespace === 'VALUE'),
      ],
      first.keyFormat,
    ),
    inputs: parts.map(({ project }) => project),
    sources: members.flatMap(({ sources }) => sources),
    names: columns.map(({ name }) => name),
  };
}

/** What the query around it takes it for. */
function sourceOf(name: string, kind: SourceKind, columns: readonly Column[], keyFormat: FormatInfo): DataSource {
  const schema = schemaOf(columns);
  return {
    name,
    kind,
    schema,
    topic: '',
    keyFormat,
    valueFormat: { format: 'JSON', properties: {} },
    isSource: true,
    sql: '',
  };
}

/** What of a member matters to those beside it. */
interface Part {
  readonly project: ProjectStep;
  readonly isTable: boolean;
  /** Where in its rows the columns of its key are; empty when it has none, or not all of it is selected. */
  readonly keyPlaces: readonly number[];
  readonly keyFormat: FormatInfo;
}

function partOf(alias: string, { root, isFinal }: Member): Part {
  if (root.kind !== 'project') throw new Error('a query ends in its projection');
  const { input, items, table, window } = root;
  if (table && window !== undefined && !isFinal)
    refuse(
      `The windows of ${quoteName(alias)} change until they are closed: a query in FROM needs EMIT FINAL for them.`,
    );
  // A window's bounds are in no key here: whoever needs them selects them.
  const isTable = table && window === undefined;
  const places = input.key.map(({ name }) =>
    items.findIndex(({ expression }) => expression.kind === 'column' && expression.name === name),
  );
  const isKept = window === undefined && places.length > 0 && !places.includes(-1);
  if (isTable && !isKept)
    refuse(
      `${quoteName(alias)} is a table: a query in FROM has to select all columns of its primary key, each by itself.`,
    );
  return { project: root, isTable, keyPlaces: isKept ? places : [], keyFormat: keyFormatOf(root) ?? KEY_FORMAT };
}

function checkUnion(first: Part, other: Part, nth: number): void {
  if (first.isTable || other.isTable) refuse('UNION ALL is of streams: a table has one row per key.');
  checkUnitedColumns(first.project.columns, other.project.columns, nth);
}

function checkUnitedColumns(a: readonly RowColumn[], b: readonly RowColumn[], nth: number): void {
  if (a.length !== b.length)
    refuse(
      `The queries of a UNION need as many columns as the first, which has ${a.length}: number ${nth} has ${b.length}.`,
    );
  for (const [i, { name, type }] of a.entries()) {
    if (sameType(type, b[i]!.type)) continue;
    refuse(
      `Column ${i + 1} of a UNION is ${quoteName(name)} ${typeText(type)} in the first query, and ${quoteName(b[i]!.name)} ${typeText(b[i]!.type)} in number ${nth}: CAST one of them.`,
    );
  }
}

/** Whether records of both with one key have the same bytes for it. */
function sameKey(a: Part, b: Part): boolean {
  return a.keyPlaces.join() === b.keyPlaces.join() && sameFormat(a.keyFormat, b.keyFormat);
}
