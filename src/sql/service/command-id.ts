import type { Statement } from '../parser/ast.ts';

/** `type/entity/action`, as ksqlDB names commands. */
export function commandIdOf(statement: Statement): string {
  switch (statement.kind) {
    case 'createSource':
    case 'createAsSelect':
      return `${statement.type.toLowerCase()}/\`${statement.name}\`/create`;
    case 'alterSource':
      return `${statement.type.toLowerCase()}/\`${statement.name}\`/alter`;
    case 'dropSource':
      return `${statement.type.toLowerCase()}/\`${statement.name}\`/drop`;
    case 'insertIntoSelect':
      return `stream/\`${statement.target}\`/create`;
    case 'deleteRows':
      return `table/\`${statement.target}\`/delete`;
    case 'updateRows':
      return `table/\`${statement.target}\`/update`;
    case 'createType':
      return `type/${statement.name}/create`;
    case 'dropType':
      return `type/${statement.name}/drop`;
    case 'createFunction':
      return `function/${statement.name}/create`;
    case 'dropFunction':
      return `function/${statement.name}/drop`;
    case 'createIndex':
      return `index/${statement.name}/create`;
    case 'dropIndex':
      return `index/${statement.name}/drop`;
    case 'alterSystem':
      return `cluster/${statement.name}/alter`;
    case 'terminate':
    case 'pause':
    case 'resume':
      return `terminate/${statement.queryId ?? 'ALL'}/execute`;
    default:
      return `${statement.kind}/-/execute`;
  }
}

/** What a file of queries is made of, besides statements about its session. */
const OF_FILES: ReadonlySet<Statement['kind']> = new Set([
  'createSource',
  'createAsSelect',
  'insertIntoSelect',
  'createType',
  'dropType',
  'dropSource',
  'alterSource',
  'createIndex',
  'dropIndex',
]);

export function isOfFiles({ kind }: Statement): boolean {
  return OF_FILES.has(kind);
}
