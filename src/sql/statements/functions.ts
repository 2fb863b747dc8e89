// CREATE FUNCTION and DROP FUNCTION, and the functions that the extension directory has by itself. What a statement made is
// repeated at the next start with the hash that its module had, so that a module that has changed meanwhile is told.
import { basename } from 'node:path';
import { definitionKindOf } from '../../sql-api/index.ts';
import { messageOf } from '../../util/index.ts';
import { refuse, refuseName } from '../errors.ts';
import type { SqlFunction } from '../functions/function.ts';
import { type ModuleExport, moduleFile, modulesIn } from '../functions/modules.ts';
import {
  declaredSignature,
  definitionOf,
  parametersText,
  type UserOverload,
  userOverload,
  withOverload,
} from '../functions/user-defined.ts';
import type { CreateFunction, Statement, TypeNode } from '../parser/ast.ts';
import { printString, printType, quoteName } from '../parser/print.ts';
import { callsOf } from '../plan/plan.ts';
import { type SqlType, typeNodeOf } from '../types.ts';
import { type EngineContext, nothingToDo, type PreparedStatement, type Settings } from './context.ts';

const VARIABLE = /^[A-Z]$/;
const BY_DEFAULT = 'default';

/** CREATE FUNCTION: another overload, or another implementation of one. */
export async function createFunction(
  engine: EngineContext,
  statement: CreateFunction,
  setting: Settings,
): Promise<PreparedStatement> {
  // Whoever sends statements does not say where code is taken from.
  if ((setting('ksql.extension.dir') ?? '') !== engine.extensionDir)
    refuse('ksql.extension.dir is set for the service alone.');
  const { functions, topics } = engine;
  const { name, orReplace, language, hash: wanted } = statement;
  if (language !== 'TYPESCRIPT') refuse(`Functions are written in TYPESCRIPT, not in ${language}.`);
  const known = functions.find(name);
  if (known !== undefined && !isUsers(known)) refuse(`${name} is a function of SQL itself.`);
  const { exported, module } = await exportOf(engine, statement);
  const text = signatureText(engine, statement);
  const created = asFunction(statement, () => userOverload(name, exported, text, module));
  const parameterNames = statement.parameters.map((parameter) => parameter.name);
  const overload = { ...created.overload, parameterNames, createdWith: wanted ?? module.hash };
  if (known !== undefined && known.kind !== created.kind)
    refuse(
      `${name} is ${aOf(known.kind)} function already: one that is ${aOf(created.kind)} function needs another name.`,
    );
  const isThere = known?.overloads.some((other) => parametersText(other) === parametersText(overload)) === true;
  if (isThere && !orReplace)
    refuse(
      `${name}(${parametersText(overload)}) is there already: CREATE OR REPLACE FUNCTION puts this one in its place.`,
    );
  if (wanted !== undefined && wanted !== module.hash && !topics.areRepeated)
    refuse(`The module '${statement.module}' is not the one that is meant: its SHA-256 is ${module.hash}.`);
  const running = isThere ? usersOf(engine, name) : [];
  const late =
    running.length === 0
      ? ''
      : `; what runs goes on with the one it has until it is started anew: ${running.join(', ')}`;
  return {
    result: {
      kind: 'done',
      message: `Function ${name}(${parametersText(overload)}) ${isThere ? 'replaced' : 'created'}${late}`,
      repeatAs: repeatable(statement, module.hash),
    },
    carryOut: () =>
      functions.add(withOverload(functions.find(name), name, { ...created, overload } as UserOverload, exported)),
  };
}

/** DROP FUNCTION, with all its overloads; refused while queries call it. */
export function dropFunction(
  engine: EngineContext,
  { name, ifExists }: Extract<Statement, { kind: 'dropFunction' }>,
): PreparedStatement {
  const known = engine.functions.find(name);
  if (known === undefined) {
    if (ifExists) return nothingToDo({ kind: 'done', message: `Function ${name} does not exist.` });
    const known = engine.functions.all().filter(isUsers);
    return refuseName(
      `Function ${name} does not exist.`,
      name,
      known.map((each) => each.name),
    );
  }
  if (!isUsers(known)) return refuse(`${name} is a function of SQL itself.`);
  const users = usersOf(engine, name);
  if (users.length > 0) {
    refuse(
      `Cannot drop the function ${name}.\nThe following queries call it: [${users.join(', ')}].\nYou need to terminate them first.`,
    );
  }
  return {
    result: { kind: 'done', message: `Function ${name} was dropped.` },
    carryOut: () => engine.functions.remove(name),
  };
}

/** Declares what the modules of the extension directory export. One that can't be is told, and left out. */
export async function loadExtensions(engine: EngineContext, tell: (problem: string) => void): Promise<void> {
  const { functions, extensionDir } = engine;
  if (extensionDir === '') return;
  for (const file of modulesIn(extensionDir)) {
    let exports: Readonly<Record<string, unknown>>;
    let hash: string;
    try {
      ({ exports, hash } = await functions.modules.load(file));
    } catch (error) {
      tell(`the module ${basename(file)} can't be loaded, and its functions are not there: ${messageOf(error)}`);
      continue;
    }
    for (const [exported, value] of Object.entries(exports)) {
      // Others are for CREATE FUNCTION, or the module's own.
      if (definitionKindOf(value) === undefined) continue;
      try {
        declare(engine, value, { file, hash, name: exported });
      } catch (error) {
        tell(`${exported} of the module ${basename(file)} is no function of SQL: ${messageOf(error)}`);
      }
    }
  }
}

/** What a start has to say of functions whose modules have changed since they were created. */
export function changedFunctions({ functions }: EngineContext): string[] {
  return functions
    .all()
    .flatMap(({ name, overloads }) =>
      overloads.flatMap(({ module, createdWith }) =>
        module === undefined || createdWith === undefined || createdWith === module.hash
          ? []
          : `the module ${basename(module.file)} of the function ${name} is not what it was when that was created (SHA-256 ${module.hash} instead of ${createdWith}): it is used as it is now; CREATE OR REPLACE FUNCTION says that this is meant`,
      ),
    );
}

function declare({ functions }: EngineContext, value: unknown, module: ModuleExport): void {
  const definition = definitionOf(value);
  const name = (definition.name ?? module.name).toUpperCase();
  const known = functions.find(name);
  if (known !== undefined && !isUsers(known)) refuse(`${name} is a function of SQL itself`);
  const overload = userOverload(name, value, declaredSignature(definition), module);
  if (known !== undefined && known.kind !== overload.kind) refuse(`${name} is ${aOf(known.kind)} function already`);
  functions.add(withOverload(known, name, overload, value));
}

/** Whether a function comes from a module. */
function isUsers({ overloads }: SqlFunction): boolean {
  return overloads.some(({ module }) => module !== undefined);
}

/** Queries that call a function. */
function usersOf({ queries }: EngineContext, name: string): string[] {
  return [...queries.values()]
    .filter(({ plan }) => callsOf(plan.root).some((call) => call.function === name))
    .map(({ queryId }) => queryId);
}

async function exportOf(
  { functions, extensionDir }: EngineContext,
  statement: CreateFunction,
): Promise<{ readonly exported: unknown; readonly module: ModuleExport }> {
  if (extensionDir === '')
    refuse('Functions are loaded from the extension directory, and there is none: set ksql.extension.dir.');
  const file = moduleFile(extensionDir, statement.module);
  const name = statement.exported ?? BY_DEFAULT;
  let loaded: Awaited<ReturnType<typeof functions.modules.load>>;
  try {
    loaded = await functions.modules.load(file);
  } catch (error) {
    return refuse(`The module '${statement.module}' can't be loaded: ${messageOf(error)}`);
  }
  const { exports, hash } = loaded;
  if (!Object.hasOwn(exports, name)) {
    const names = Object.keys(exports);
    const what = names.length === 0 ? 'nothing' : names.join(', ');
    return refuse(`The module '${statement.module}' exports ${what}, but not ${name}: EXPORT 'name' says which.`);
  }
  return { exported: exports[name], module: { file, hash, name } };
}

function asFunction<T>({ name, module }: CreateFunction, make: () => T): T {
  try {
    return make();
  } catch (error) {
    return refuse(`The module '${module}' has no function ${name}: ${messageOf(error)}`);
  }
}

/** The signature as functions have it: types that were created are written out. */
function signatureText({ catalog }: EngineContext, { parameters, returns }: CreateFunction): string {
  const text = (node: TypeNode): string => {
    switch (node.kind) {
      case 'array':
        return `ARRAY<${text(node.item)}>`;
      case 'map':
        return `MAP<${text(node.key)}, ${text(node.value)}>`;
      case 'struct':
        return `STRUCT<${node.fields.map((field) => `${fieldName(field.name)} ${text(field.type)}`).join(', ')}>`;
      default:
        return named(node);
    }
  };
  const named = (node: TypeNode & { kind: 'named' }): string => {
    if (VARIABLE.test(node.name) && catalog.type(node.name) === undefined) return node.name;
    if (node.name === 'DECIMAL' && node.parameters.length === 0) return node.name;
    const type: SqlType = catalog.resolveType(node);
    return type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT'
      ? text(typeNodeOf(type))
      : printType(typeNodeOf(type));
  };
  const variadic = parameters.filter(({ isVariadic }) => isVariadic);
  if (variadic.length > 1) refuse('One parameter of a function may come any number of times.');
  return `${parameters.map(({ type, isVariadic }) => `${text(type)}${isVariadic ? '...' : ''}`).join(', ')} -> ${text(returns)}`;
}

function fieldName(name: string): string {
  return /^\w+$/.test(name)
    ? name
    : refuse(`Fields of a function's types are named with letters and digits, not ${quoteName(name)}.`);
}

/** What the next start repeats: what has been accepted stays, and is compared with what there was. */
function repeatable({ name, parameters, returns, module, exported }: CreateFunction, hash: string): string {
  const list = parameters.map((p) => `${quoteName(p.name)} ${printType(p.type)}${p.isVariadic ? '...' : ''}`);
  const from = `AS ${printString(module)} EXPORT ${printString(exported ?? BY_DEFAULT)} HASH ${printString(hash)}`;
  return `CREATE OR REPLACE FUNCTION ${quoteName(name)} (${list.join(', ')}) RETURNS ${printType(returns)} LANGUAGE TYPESCRIPT ${from};`;
}

function aOf(kind: string): string {
  return kind === 'aggregate' ? 'an aggregate' : `a ${kind}`;
}
