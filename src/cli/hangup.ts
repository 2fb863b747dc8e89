// SIGHUP, as servers take it: the settings are read again, and nothing ends. It also comes when the terminal goes away, and Node undoes
// what `nohup` does against that, so it must not stop what runs in the background.
import { checkSettings } from '../platform/index.ts';
import { messageOf } from '../util/index.ts';

type Settings = Readonly<Record<string, string | boolean>>;

/** `read` gives the settings as they would be at a start now, `inUse` are those of this one. */
export function onHangup(read: () => Settings, inUse: Settings, log: (message: string) => void): void {
  process.on('SIGHUP', () => log(hangupText(read, inUse)));
}

/** What to say of settings that were read again. */
export function hangupText(read: () => Settings, inUse: Settings): string {
  let now: Settings;
  try {
    now = read();
    checkSettings(now);
  } catch (error) {
    return `SIGHUP: the settings that are there now could not be used, those of the start stay in force: ${messageOf(error)}`;
  }
  const changed = [...new Set([...Object.keys(inUse), ...Object.keys(now)])].filter(
    (name) => inUse[name] !== now[name],
  );
  if (changed.length > 0) return `SIGHUP: changed since the start, and needs a restart: ${changed.sort().join(', ')}.`;
  return 'SIGHUP: the settings are those of the start. Certificates, passwords and access rules in files are read again by themselves.';
}
