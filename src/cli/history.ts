// What was typed, kept between runs with its ends of lines: a JSON string per line of a file, so that what was several lines comes
// back as several lines, and a comment ends where it ended. Plain lines, as older versions wrote them, are read as they are.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const HISTORY_MAX = 1000;

export class History {
  readonly #file: string;

  /** `name` is a file in MILLRACE_HOME, or in `.millrace` of the user's home. */
  constructor(name: string) {
    this.#file = join(process.env['MILLRACE_HOME'] ?? join(homedir(), '.millrace'), name);
  }

  /** Oldest first. */
  entries(): string[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    return lines
      .filter((line) => line !== '')
      .slice(-HISTORY_MAX)
      .map(entryOf);
  }

  add(entry: string): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      appendFileSync(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    } catch {
      // A read-only home costs the history, not the session.
    }
  }
}

function entryOf(line: string): string {
  if (!line.startsWith('"')) return line;
  try {
    return String(JSON.parse(line));
  } catch {
    return line;
  }
}
