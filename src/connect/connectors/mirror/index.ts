export { mirrorCheckpoint } from './checkpoints.ts';
export { mirrorHeartbeat } from './heartbeats.ts';
export { mirrorSource } from './source.ts';
