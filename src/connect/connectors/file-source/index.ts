// Sources of files: what those of S3 and of folders share.
export { type FolderReading, FolderTask, type SourceFile } from './folder-task.ts';
export { RecordReader } from './record-reader.ts';
export { isMine, shareConfig, shares } from './task-share.ts';
