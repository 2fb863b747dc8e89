// Everything in one process: constructed, started and stopped in order.
export { Platform, type PlatformOptions } from './platform.ts';
export type { RunningService } from './services.ts';
export { checkSettings, readPropertiesFile, settingsFromEnvironment } from './settings.ts';
export { type SqlTestFiles, testSqlFiles } from './sql-test.ts';
export { version } from './version.ts';
