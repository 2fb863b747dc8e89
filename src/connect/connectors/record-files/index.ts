// Formats of files of records.
export { AVRO_CODECS, avroContainer } from './avro-container.ts';
export { csvFiles, csvRows, structOfRow } from './csv.ts';
export { type FileBytes, gzipped, type RecordFileWriter, type RecordFormat } from './format.ts';
export { jsonLines, rawBytes, textLines } from './lines.ts';
export { PARQUET_CODECS, parquetFiles } from './parquet.ts';
