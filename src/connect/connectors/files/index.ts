export { folderSink } from './folder-sink.ts';
export { folderSource } from './folder-source.ts';
export { spoolCsv } from './spool-dir/csv.ts';
export { spoolJson, spoolLines } from './spool-dir/texts.ts';
