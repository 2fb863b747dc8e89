export { fileStreamSink } from './sink.ts';
export { fileStreamSource } from './source.ts';
