import type { CstNode, IToken } from 'chevrotain';
import { assert } from '../../util/index.ts';
import type {
  ColumnElement,
  Expression,
  Literal,
  Location,
  Properties,
  ShowTopic,
  SourceKind,
  Statement,
} from './ast.ts';
import { buildExpression, buildType, fail } from './build-expression.ts';
import { buildQuery, duration, limitOf } from './build-query.ts';
import {
  has,
  locationOf,
  nameOf,
  node,
  nodes,
  onlyChild,
  optionalNode,
  optionalToken,
  stringOf,
  token,
  tokens,
} from './cst.ts';

/** The meaning of one statement's tree. */
export function buildStatement(cst: CstNode): Statement {
  const child = onlyChild(cst) as CstNode;
  const build = statements[child.name];
  assert(build !== undefined, `no meaning for ${child.name}`);
  return build(child);
}

const statements: Record<string, (cst: CstNode) => Statement> = {
  query: (cst) => ({ kind: 'query', query: buildQuery(cst), at: locationOf(cst) }),
  create,
  insert,
  deleteRows,
  updateRows,
  drop,
  alter,
  manageQuery,
  explain,
  show,
  describe,
  print,
  session,
  assertThat,
};

// --- data definition -------------------------------------------------------------------------------------------------

function create(cst: CstNode): Statement {
  const at = locationOf(cst);
  const orReplace = has(cst, 'REPLACE');
  const side = has(cst, 'SOURCE') ? 'SOURCE' : has(cst, 'SINK') ? 'SINK' : undefined;
  const type = optionalNode(cst, 'createType');
  const declared = optionalNode(cst, 'createFunction');
  if (declared !== undefined) {
    if (side !== undefined) throw fail(at, `${side} does not apply to functions`);
    return createFunction(declared, orReplace, at);
  }
  const index = optionalNode(cst, 'createIndex');
  if (index !== undefined) {
    if (side !== undefined || orReplace) throw fail(at, `${side ?? 'OR REPLACE'} does not apply to indexes`);
    return createIndex(index, at);
  }
  const connector = optionalNode(cst, 'createConnector');
  if ((type !== undefined || connector !== undefined) && orReplace)
    throw fail(at, 'OR REPLACE applies to streams, tables and functions only');
  if (type !== undefined) {
    if (side !== undefined) throw fail(at, `${side} does not apply to types`);
    const name = nameOf(node(type, 'name'));
    return { kind: 'createType', name, ifNotExists: has(type, 'ifNotExists'), type: buildType(node(type, 'type')), at };
  }
  if (connector !== undefined) {
    if (side === undefined) throw fail(at, 'CREATE CONNECTOR needs SOURCE or SINK');
    return {
      kind: 'createConnector',
      type: side,
      name: nameOf(node(connector, 'name')),
      ifNotExists: has(connector, 'ifNotExists'),
      config: literals(optionalNode(connector, 'withProperties')),
      at,
    };
  }
  const source = node(cst, 'createSource');
  if (side === 'SINK') throw fail(at, 'SINK applies to connectors only');
  const head = {
    type: sourceKind(node(source, 'sourceKind')),
    name: nameOf(node(source, 'name')),
    orReplace,
    ifNotExists: has(source, 'ifNotExists'),
    properties: properties(optionalNode(source, 'withProperties')),
    at,
  };
  const elements = optionalNode(source, 'tableElements');
  const query = optionalNode(source, 'query');
  if (query === undefined) {
    const built =
      elements === undefined ? [] : nodes(elements, 'tableElement').map((element) => columnElement(element, head.type));
    const extensionAt = connectorAt(optionalNode(source, 'withProperties'));
    return { kind: 'createSource', ...head, isSource: side === 'SOURCE', elements: built, extensionAt };
  }
  if (elements !== undefined) throw fail(locationOf(elements), 'AS SELECT takes its columns from the query');
  if (side === 'SOURCE') throw fail(at, 'SOURCE does not apply to AS SELECT');
  return { kind: 'createAsSelect', ...head, query: buildQuery(query) };
}

/** Where a WITH clause has the word CONNECTOR, which ksqlDB takes in quotes only. */
function connectorAt(cst: CstNode | undefined): Location | undefined {
  const words = cst === undefined ? [] : nodes(cst, 'property').map((property) => optionalToken(property, 'CONNECTOR'));
  const word = words.find((found) => found !== undefined);
  return word && locationOf(word);
}

function createIndex(cst: CstNode, at: Location): Statement {
  return {
    kind: 'createIndex',
    name: nameOf(node(cst, 'name')),
    ifNotExists: has(cst, 'ifNotExists'),
    table: nameOf(node(cst, 'table')),
    columns: nodes(node(cst, 'columnNames'), 'name').map(nameOf),
    wordAt: locationOf(token(cst, 'INDEX')),
    at,
  };
}

function createFunction(cst: CstNode, orReplace: boolean, at: Location): Statement {
  const textAt = (label: string): string | undefined => {
    const literal = optionalToken(cst, label);
    return literal === undefined ? undefined : stringOf(literal);
  };
  return {
    kind: 'createFunction',
    name: nameOf(node(cst, 'name')),
    orReplace,
    parameters: nodes(cst, 'functionParameter').map((parameter) => ({
      name: nameOf(node(parameter, 'name')),
      type: buildType(node(parameter, 'type')),
      isVariadic: has(parameter, 'DOT'),
    })),
    returns: buildType(node(cst, 'type')),
    language: nameOf(node(cst, 'language')),
    module: textAt('module')!,
    exported: textAt('export'),
    hash: textAt('hash'),
    at,
  };
}

function columnElement(cst: CstNode, of: SourceKind): ColumnElement {
  const at = locationOf(cst);
  const name = nameOf(node(cst, 'name'));
  const headerKey = optionalToken(cst, 'STRING');
  const constraint = has(cst, 'PRIMARY')
    ? 'PRIMARY KEY'
    : has(cst, 'KEY')
      ? 'KEY'
      : has(cst, 'HEADERS') || has(cst, 'HEADER')
        ? 'HEADERS'
        : undefined;
  const wrong =
    of === 'TABLE' && constraint === 'KEY'
      ? "a 'KEY' column: please use 'PRIMARY KEY' for tables."
      : of === 'STREAM' && constraint === 'PRIMARY KEY'
        ? "a 'PRIMARY KEY' column: please use 'KEY' for streams."
        : undefined;
  if (wrong !== undefined) {
    const error = fail(at, '');
    error.message = `Line: ${at.line}, Col: ${at.column}: Column \`${name}\` is ${wrong}`;
    throw error;
  }
  return {
    name,
    type: buildType(node(cst, 'type')),
    constraint,
    headerKey: headerKey === undefined ? undefined : stringOf(headerKey),
    at,
  };
}

function insert(cst: CstNode): Statement {
  const at = locationOf(cst);
  const target = nameOf(node(cst, 'name'));
  const withProperties = optionalNode(cst, 'withProperties');
  const query = optionalNode(cst, 'query');
  if (query !== undefined) {
    return {
      kind: 'insertIntoSelect',
      target,
      targetAt: locationOf(node(cst, 'name')),
      properties: properties(withProperties),
      query: buildQuery(query),
      at,
    };
  }
  if (withProperties !== undefined)
    throw fail(locationOf(withProperties), 'INSERT INTO ... VALUES takes no WITH clause');
  const columns = optionalNode(cst, 'columnNames');
  return {
    kind: 'insertValues',
    target,
    columns: columns === undefined ? [] : nodes(columns, 'name').map(nameOf),
    values: nodes(cst, 'expression').map(buildExpression),
    at,
  };
}

function deleteRows(cst: CstNode): Statement {
  return { kind: 'deleteRows', target: nameOf(node(cst, 'name')), where: whereOf(cst), at: locationOf(cst) };
}

function updateRows(cst: CstNode): Statement {
  const set = nodes(cst, 'setColumn').map((column) => ({
    column: nameOf(node(column, 'name')),
    value: buildExpression(node(column, 'expression')),
    at: locationOf(column),
  }));
  return { kind: 'updateRows', target: nameOf(node(cst, 'name')), set, where: whereOf(cst), at: locationOf(cst) };
}

function whereOf(cst: CstNode): Expression {
  return buildExpression(node(node(cst, 'where'), 'expression'));
}

function drop(cst: CstNode): Statement {
  const at = locationOf(cst);
  const name = nameOf(node(cst, 'name'));
  const ifExists = has(cst, 'ifExists');
  const deleteTopic = has(cst, 'DELETE');
  const kind = optionalNode(cst, 'sourceKind');
  if (kind !== undefined) return { kind: 'dropSource', type: sourceKind(kind), name, ifExists, deleteTopic, at };
  if (deleteTopic) throw fail(at, 'DELETE TOPIC applies to streams and tables only');
  const index = optionalToken(cst, 'INDEX');
  if (index !== undefined) return { kind: 'dropIndex', name, ifExists, wordAt: locationOf(index), at };
  if (has(cst, 'FUNCTION')) return { kind: 'dropFunction', name, ifExists, at };
  return has(cst, 'TYPE') ? { kind: 'dropType', name, ifExists, at } : { kind: 'dropConnector', name, ifExists, at };
}

function alter(cst: CstNode): Statement {
  const at = locationOf(cst);
  const assignment = optionalNode(cst, 'assignment');
  if (assignment !== undefined) return { kind: 'alterSystem', ...assigned(assignment), at };
  const add = nodes(cst, 'addColumn').map((column) => ({
    name: nameOf(node(column, 'name')),
    type: buildType(node(column, 'type')),
  }));
  return { kind: 'alterSource', type: sourceKind(node(cst, 'sourceKind')), name: nameOf(node(cst, 'name')), add, at };
}

function sourceKind(cst: CstNode): SourceKind {
  return has(cst, 'STREAM') ? 'STREAM' : 'TABLE';
}

function properties(cst: CstNode | undefined): Properties {
  return new Map([...literals(cst)].map(([name, value]) => [name.toUpperCase(), value]));
}

/** Names as they were written. */
function literals(cst: CstNode | undefined): Properties {
  const found = new Map<string, Literal>();
  for (const property of cst === undefined ? [] : nodes(cst, 'property')) {
    const quoted = optionalToken(property, 'STRING');
    const word = has(property, 'CONNECTOR') ? 'CONNECTOR' : undefined;
    const name = word ?? (quoted === undefined ? nameOf(node(property, 'name')) : stringOf(quoted));
    found.set(name, literal(node(property, 'literalValue')));
  }
  return found;
}

function literal(cst: CstNode): Literal {
  const string = optionalToken(cst, 'STRING');
  if (string !== undefined) return stringOf(string);
  if (has(cst, 'TRUE')) return true;
  if (has(cst, 'FALSE')) return false;
  const number = optionalNode(cst, 'number');
  if (number === undefined) throw fail(locationOf(cst), 'NULL is not a value for a property');
  const text = (has(cst, 'MINUS') ? '-' : '') + (onlyChild(number) as IToken).image;
  const value = Number(text);
  return Number.isSafeInteger(value) || text.includes('.') ? value : BigInt(text);
}

function assigned(cst: CstNode): { name: string; value: string } {
  const [name, value] = tokens(cst, 'STRING').map(stringOf);
  assert(name !== undefined && value !== undefined, 'an assignment has two sides');
  return { name, value };
}

// --- what is asked of the engine --------------------------------------------------------------------------------------

function manageQuery(cst: CstNode): Statement {
  const kind = has(cst, 'TERMINATE') ? 'terminate' : has(cst, 'PAUSE') ? 'pause' : 'resume';
  const id = optionalNode(cst, 'name');
  return { kind, queryId: id === undefined ? undefined : nameOf(id), at: locationOf(cst) };
}

function explain(cst: CstNode): Statement {
  const at = locationOf(cst);
  const id = optionalNode(cst, 'name');
  const analyze = optionalToken(cst, 'ANALYZE');
  if (id !== undefined) return { kind: 'explain', queryId: nameOf(id), analyzeAt: analyze && locationOf(analyze), at };
  const inner = optionalNode(cst, 'query') ?? optionalNode(cst, 'create') ?? node(cst, 'insert');
  const build = statements[inner.name];
  assert(build !== undefined, `no meaning for ${inner.name}`);
  return { kind: 'explain', statement: build(inner), at };
}

function show(cst: CstNode): Statement {
  const plain: ShowTopic[] = [
    'PROPERTIES',
    'TOPICS',
    'STREAMS',
    'TABLES',
    'INDEXES',
    'FUNCTIONS',
    'TYPES',
    'VARIABLES',
    'QUERIES',
  ];
  const what: ShowTopic =
    plain.find((word) => has(cst, word)) ??
    (has(cst, 'PLUGINS')
      ? 'CONNECTOR PLUGINS'
      : has(cst, 'SOURCE')
        ? 'SOURCE CONNECTORS'
        : has(cst, 'SINK')
          ? 'SINK CONNECTORS'
          : 'CONNECTORS');
  const ours = optionalToken(cst, 'INDEXES');
  return {
    kind: 'show',
    what,
    extended: has(cst, 'EXTENDED'),
    all: has(cst, 'ALL'),
    wordAt: ours === undefined ? undefined : locationOf(ours),
    at: locationOf(cst),
  };
}

function describe(cst: CstNode): Statement {
  const at = locationOf(cst);
  const extended = has(cst, 'EXTENDED');
  const name = optionalNode(cst, 'name');
  if (name === undefined) return { kind: 'describeAll', type: has(cst, 'STREAMS') ? 'STREAM' : 'TABLE', extended, at };
  if (has(cst, 'FUNCTION')) return { kind: 'describeFunction', name: nameOf(name), at };
  if (has(cst, 'CONNECTOR')) return { kind: 'describeConnector', name: nameOf(name), at };
  return { kind: 'describe', name: nameOf(name), extended, at };
}

function print(cst: CstNode): Statement {
  const quoted = optionalToken(cst, 'STRING');
  const bare = optionalNode(cst, 'name');
  const interval = optionalToken(cst, 'INTEGER_VALUE');
  const limit = optionalNode(cst, 'limit');
  // A topic's name is not folded: Kafka's names are case-sensitive.
  const topic = quoted === undefined ? unfolded(bare) : stringOf(quoted);
  return {
    kind: 'print',
    topic,
    fromBeginning: has(cst, 'BEGINNING'),
    interval: interval === undefined ? undefined : Number(interval.image),
    limit: limit === undefined ? undefined : limitOf(limit),
    at: locationOf(cst),
  };
}

/** A bare name as it was written. */
function unfolded(cst: CstNode | undefined): string {
  assert(cst !== undefined, 'a topic has a name');
  const image = (onlyChild(cst) as IToken).image;
  return /^["`]/.test(image) ? nameOf(cst) : image;
}

function session(cst: CstNode): Statement {
  const at = locationOf(cst);
  if (has(cst, 'SET')) return { kind: 'set', ...assigned(node(cst, 'assignment')), at };
  if (has(cst, 'UNSET')) return { kind: 'unset', name: stringOf(token(cst, 'STRING')), at };
  const name = unfolded(optionalNode(cst, 'name'));
  if (has(cst, 'UNDEFINE')) return { kind: 'undefine', name, at };
  return { kind: 'define', name, value: stringOf(token(cst, 'STRING')), at };
}

function assertThat(cst: CstNode): Statement {
  const at = locationOf(cst);
  const exists = !has(cst, 'EXISTS');
  const name = optionalNode(cst, 'name');
  const quoted = optionalToken(cst, 'STRING');
  const written = quoted !== undefined ? stringOf(quoted) : name !== undefined ? unfolded(name) : undefined;
  const timeoutNode = optionalNode(cst, 'duration');
  const timeout = timeoutNode === undefined ? undefined : duration(timeoutNode);
  if (has(cst, 'TOPIC')) {
    assert(written !== undefined, 'a topic has a name');
    const wanted = properties(optionalNode(cst, 'withProperties'));
    return { kind: 'assertTopic', topic: written, exists, properties: wanted, timeout, at };
  }
  const id = optionalToken(cst, 'INTEGER_VALUE');
  return {
    kind: 'assertSchema',
    subject: written,
    id: id === undefined ? undefined : Number(id.image),
    exists,
    timeout,
    at,
  };
}
