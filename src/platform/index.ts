// Everything in one process: constructed, started and stopped in order.
export type { ClientMetric, ClientMetrics, DumpOptions } from '../broker/index.ts';
export type { ConnectWorkerOptions, RunningConnectWorker } from './connect-worker.ts';
export { addScramUsers, dumpFile, registryAt, startConnectWorker } from './on-demand.ts';
export { Platform, type PlatformOptions } from './platform.ts';
export type { NewScramUser } from './scram-users.ts';
export type { RunningService } from './start.ts';
export { isWithoutEffect } from '../sql/settings.ts';
export { checkSettings, knowsSetting, readPropertiesFile, settingsFromEnvironment } from './settings.ts';
export { type SqlTestFiles, testSqlFiles } from './sql-test.ts';
export { version } from './version.ts';
