export { elasticsearchSink } from './sink.ts';
