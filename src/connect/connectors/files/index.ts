export { folderSink } from './folder-sink.ts';
