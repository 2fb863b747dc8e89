export { redisSink } from './sink.ts';
export { redisStreamSource } from './source.ts';
