export { httpSink } from './sink.ts';
export { httpSource } from './source.ts';
export { webhookSource } from './webhook.ts';
