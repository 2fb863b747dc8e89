// Sources of files: what those of S3 and of folders share.
export { checkFileOffsets, type FolderReading, FolderTask, type SourceFile } from './folder-task.ts';
export { RecordReader } from './record-reader.ts';
export { checkTailOffsets, TailTask, type TailReading } from './tail-task.ts';
export { isMine, shareConfig, shares } from './task-share.ts';
