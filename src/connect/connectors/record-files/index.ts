// Formats of files of records.
export { avroContainer } from './avro-container.ts';
export { csvFiles, csvRows } from './csv.ts';
export { type FileBytes, gzipped, type RecordFileWriter, type RecordFormat, unpackedByName } from './format.ts';
export { jsonDocuments } from './json-documents.ts';
export { jsonLines, rawBytes, textLines } from './lines.ts';
export { parquetFiles } from './parquet.ts';
export { formatConfig, formatName, formatOf } from './settings.ts';
