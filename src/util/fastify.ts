/**
 * For `fastify({ schemaController })`: our routes declare no schemas, so the libraries that would compile them (a hundred
 * modules) need not be loaded at every start. Nothing is ever compiled, so what the compilers' types say doesn't matter.
 */
export const noRouteSchemas = {
  compilersFactory: {
    buildValidator: (() => () => () => true) as never,
    buildSerializer: (() => () => JSON.stringify) as never,
  },
};
