// The REST proxy: Kafka over HTTP, as Confluent's (v2 and v3), on a client of whatever cluster.
export { restProxyServer, type RestProxyOptions } from './rest.ts';
