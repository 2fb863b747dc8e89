export { s3Sink } from './sink.ts';
