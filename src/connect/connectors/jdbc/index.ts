export { jdbcSink } from './sink/index.ts';
export { jdbcSource } from './source/index.ts';
