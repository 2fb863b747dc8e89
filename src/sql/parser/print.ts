import { unreachable } from '../../util/index.ts';
import type {
  AliasedSource,
  Call,
  Duration,
  Expression,
  Join,
  Literal,
  Properties,
  Ordering,
  Over,
  Query,
  SelectItem,
  Statement,
  TypeNode,
  WindowClause,
} from './ast.ts';
import { RESERVED_WORDS } from './words.ts';

// The tree back to SQL, in the shape in which messages and EXPLAIN show it: operations in parentheses, columns with their
// source, names in back quotes only where they need them.

export function printName(name: string): string {
  return /^[A-Z_][A-Z0-9_@]*$/.test(name) && !RESERVED_WORDS.has(name) ? name : quoteName(name);
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function printType(type: TypeNode): string {
  switch (type.kind) {
    case 'named':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.join(', ')})`;
    case 'array':
      return `ARRAY<${printType(type.item)}>`;
    case 'map':
      return `MAP<${printType(type.key)}, ${printType(type.value)}>`;
    case 'struct':
      return `STRUCT<${type.fields.map((field) => `${printName(field.name)} ${printType(field.type)}`).join(', ')}>`;
    default:
      return unreachable(type);
  }
}

export function printString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function printExpression(e: Expression): string {
  const print = printExpression;
  switch (e.kind) {
    case 'null':
      return 'null';
    case 'boolean':
    case 'integer':
    case 'bigint':
      return String(e.value);
    case 'decimal':
      return e.text;
    case 'double':
      return printDouble(e.value);
    case 'string':
      return printString(e.value);
    case 'column':
      return e.source === undefined ? printName(e.name) : `${printName(e.source)}.${printName(e.name)}`;
    case 'call':
      return printCall(e);
    case 'dereference':
      return `${print(e.base)}->${printName(e.field)}`;
    case 'structAll':
      return `${print(e.base)}->*`;
    case 'subscript':
      return `${print(e.base)}[${print(e.index)}]`;
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return `(${print(e.left)} ${e.op} ${print(e.right)})`;
    case 'unary':
      return `${e.op}${print(e.operand)}`;
    case 'not':
      return `(NOT ${print(e.operand)})`;
    case 'isNull':
      return `(${print(e.operand)} IS ${e.negated ? 'NOT ' : ''}NULL)`;
    case 'between':
      return `(${print(e.operand)} BETWEEN ${print(e.low)} AND ${print(e.high)})`;
    case 'in':
      return `(${print(e.operand)} IN (${e.items.map(print).join(', ')}))`;
    case 'like':
      return `(${print(e.operand)} LIKE ${print(e.pattern)}${e.escape === undefined ? '' : ` ESCAPE ${printString(e.escape)}`})`;
    case 'searchedCase':
    case 'simpleCase': {
      const operand = e.kind === 'simpleCase' ? ` ${print(e.operand)}` : '';
      const whens = e.whens.map((branch) => ` WHEN ${print(branch.when)} THEN ${print(branch.result)}`).join('');
      const otherwise = e.otherwise === undefined ? '' : ` ELSE ${print(e.otherwise)}`;
      return `(CASE${operand}${whens}${otherwise} END)`;
    }
    case 'cast':
      return `CAST(${print(e.operand)} AS ${printType(e.type)})`;
    case 'array':
      return `ARRAY[${e.items.map(print).join(', ')}]`;
    case 'map':
      return `MAP(${e.entries.map((entry) => `${print(entry.key)}:=${print(entry.value)}`).join(', ')})`;
    case 'struct':
      return `STRUCT(${e.fields.map((field) => `${printName(field.name)}:=${print(field.value)}`).join(', ')})`;
    case 'lambda':
      return e.parameters.length === 1
        ? `${e.parameters[0]} => ${print(e.body)}`
        : `(${e.parameters.join(', ')}) => ${print(e.body)}`;
    case 'unit':
      return e.unit;
    default:
      return unreachable(e);
  }
}

function printCall({ name, args, star, distinct, filter, over }: Call): string {
  const given = star === true ? '*' : args.map(printExpression).join(', ');
  const rows = filter === undefined ? '' : ` FILTER (WHERE ${printExpression(filter)})`;
  return `${name}(${distinct === true ? 'DISTINCT ' : ''}${given})${rows}${over === undefined ? '' : ` OVER (${printOver(over)})`}`;
}

function printOver({ partitionBy, orderBy }: Over): string {
  const parts = partitionBy.length === 0 ? [] : [`PARTITION BY ${printList(partitionBy)}`];
  if (orderBy.length > 0) parts.push(`ORDER BY ${orderBy.map(printOrdering).join(', ')}`);
  return parts.join(' ');
}

function printDouble(value: number): string {
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}

// --- queries and the statements that hold them -----------------------------------------------------------------------

export function printQuery(query: Query): string {
  const lines = [
    `SELECT${query.distinct === true ? ' DISTINCT' : ''}\n${query.select.map((item) => `  ${printSelectItem(item)}`).join(',\n')}`,
  ];
  lines.push(`FROM ${printSource(query.from)}${query.joins.map(printJoin).join('')}`);
  if (query.window !== undefined) lines.push(`WINDOW ${printWindow(query.window)}`);
  if (query.where !== undefined) lines.push(`WHERE ${printExpression(query.where)}`);
  if (query.groupBy !== undefined) lines.push(`GROUP BY ${printList(query.groupBy)}`);
  if (query.partitionBy !== undefined) lines.push(`PARTITION BY ${printList(query.partitionBy)}`);
  if (query.having !== undefined) lines.push(`HAVING ${printExpression(query.having)}`);
  const { emit, emitAfter } = query;
  if (emit !== undefined)
    lines.push(`EMIT ${emit}${emitAfter === undefined ? '' : ` AFTER ${printDuration(emitAfter)}`}`);
  if (query.orderBy !== undefined) lines.push(`ORDER BY ${query.orderBy.map(printOrdering).join(', ')}`);
  if (query.limit !== undefined) lines.push(`LIMIT ${query.limit}`);
  if (query.offset !== undefined) lines.push(`OFFSET ${query.offset}`);
  return lines.join('\n');
}

function printList(list: readonly Expression[]): string {
  return list.length === 0 ? '()' : list.map(printExpression).join(', ');
}

function printOrdering({ expression, descending, nulls }: Ordering): string {
  const direction = descending ? ' DESC' : '';
  return `${printExpression(expression)}${direction}${nulls === undefined ? '' : ` NULLS ${nulls}`}`;
}

function printSelectItem(item: SelectItem): string {
  if (item.kind === 'all') return item.source === undefined ? '*' : `${printName(item.source)}.*`;
  return item.alias === undefined
    ? printExpression(item.expression)
    : `${printExpression(item.expression)} ${printName(item.alias)}`;
}

function printSource(source: AliasedSource): string {
  if (source.queries === undefined) return `${printName(source.name)} ${printName(source.alias)}`;
  return `(${source.queries.map(printQuery).join('\nUNION ALL\n')}) ${printName(source.alias)}`;
}

/** The words for a join type: what may be left out is in brackets. */
export const joinWords = {
  INNER: '[INNER]',
  LEFT: 'LEFT [OUTER]',
  RIGHT: 'RIGHT [OUTER]',
  FULL: '[FULL] OUTER',
} as const;

function printJoin(join: Join): string {
  const words = join.type === 'INNER' ? 'INNER' : `${join.type} OUTER`;
  const { within } = join;
  const range =
    within === undefined
      ? ''
      : within.beforeMs === within.afterMs
        ? ` WITHIN ${within.beforeMs} MILLISECONDS`
        : ` WITHIN (${within.beforeMs} MILLISECONDS, ${within.afterMs} MILLISECONDS)`;
  const grace = within?.graceMs === undefined ? '' : ` GRACE PERIOD ${within.graceMs} MILLISECONDS`;
  return `\n${words} JOIN ${printSource(join.source)}${range}${grace} ON (${printExpression(join.on)})`;
}

export function printDuration(duration: Duration): string {
  return `${duration.amount} ${duration.unit}`;
}

export function printWindow(window: WindowClause): string {
  const parts = [window.type === 'SESSION' ? printDuration(window.size) : `SIZE ${printDuration(window.size)}`];
  if (window.advance !== undefined) parts.push(`ADVANCE BY ${printDuration(window.advance)}`);
  if (window.retention !== undefined) parts.push(`RETENTION ${printDuration(window.retention)}`);
  if (window.grace !== undefined) parts.push(`GRACE PERIOD ${printDuration(window.grace)}`);
  if (window.ofProcessing === true) parts.push('PROCESSING TIME');
  return `${window.type} (${parts.join(', ')})`;
}

export function printProperties(properties: Properties): string {
  const named = (name: string): string => (/^[A-Z_][A-Z0-9_]*$/.test(name) ? name : printString(name));
  return `WITH (${[...properties].map(([name, value]) => `${named(name)}=${printLiteral(value)}`).join(', ')})`;
}

function printLiteral(value: Literal): string {
  return typeof value === 'string' ? printString(value) : String(value);
}

/** A statement that makes a source or feeds one, as the engine understood it. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'query':
      return printQuery(statement.query);
    case 'createAsSelect': {
      const replace = statement.orReplace ? 'OR REPLACE ' : '';
      const guard = statement.ifNotExists ? 'IF NOT EXISTS ' : '';
      const properties = statement.properties.size === 0 ? '' : ` ${printProperties(statement.properties)}`;
      const head = `CREATE ${replace}${statement.type} ${guard}${printName(statement.name)}${properties}`;
      return `${head} AS ${printQuery(statement.query)}`;
    }
    case 'insertIntoSelect': {
      const properties = statement.properties.size === 0 ? '' : ` ${printProperties(statement.properties)}`;
      return `INSERT INTO ${printName(statement.target)}${properties} ${printQuery(statement.query)}`;
    }
    case 'createSource': {
      const words = `CREATE ${statement.orReplace ? 'OR REPLACE ' : ''}${statement.isSource ? 'SOURCE ' : ''}${statement.type}`;
      const elements = statement.elements.map((element) => {
        const constraint =
          element.headerKey === undefined ? (element.constraint ?? '') : `HEADER(${printString(element.headerKey)})`;
        return `${printName(element.name)} ${printType(element.type)} ${constraint}`.trimEnd();
      });
      const list = elements.length === 0 ? '' : ` (${elements.join(', ')})`;
      const guard = statement.ifNotExists ? 'IF NOT EXISTS ' : '';
      return `${words} ${guard}${printName(statement.name)}${list} ${printProperties(statement.properties)}`;
    }
    default:
      return statement.kind;
  }
}
