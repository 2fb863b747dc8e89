// The stores of a Streams application over HTTP: each instance answers for what it has, and asks the others for the rest.
export { askOverHttp, type AskOverHttpOptions } from './ask.ts';
export { StoreServer, type StoreServerOptions, storeServerSettings } from './rest.ts';
