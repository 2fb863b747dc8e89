// The SQL engine: text in, streams topologies out.
export { parseScript } from './parser/parse.ts';
export { SyntaxError } from './parser/syntax-error.ts';
