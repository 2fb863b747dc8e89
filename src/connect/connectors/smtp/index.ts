export { smtpSink } from './sink.ts';
