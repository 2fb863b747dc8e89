// Everything in one process: constructed, started and stopped in order.
export { Platform, type PlatformOptions, type RunningService } from './platform.ts';
export { readPropertiesFile, settingsFromEnvironment } from './settings.ts';
export { version } from './version.ts';
