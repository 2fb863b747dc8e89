import { FunctionCatalog } from './function.ts';

/** All functions that the engine has by itself. */
export function builtInFunctions(): FunctionCatalog {
  return new FunctionCatalog([]);
}
