// Stores of files.
export { DirectoryStore } from './directory-store.ts';
export type { FileStore, StoredFile } from './store.ts';
