// What is logged of connectors and of the worker itself: loggers have names with dots, and a level of their own or that of the
// nearest name above them that has one. `/admin/loggers` reads and sets levels while everything runs.
import type { Clock } from '../../util/index.ts';
import type { Log } from '../api/plugins.ts';

/** From what says least to what says most, in the words of log4j. */
export const LOG_LEVELS = ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL'] as const;

/** How much a logger says. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger's level as `/admin/loggers` tells it. */
export interface LoggerLevel {
  readonly level: LogLevel;
  /** Milliseconds since the epoch; null where nobody has set it since the start. */
  readonly last_modified: number | null;
}

/** What a logger is whose name has no other one above it. */
const ROOT = 'root';

/** A level by its name, in whatever case. */
export function logLevelOf(text: string): LogLevel | undefined {
  return LOG_LEVELS.find((level) => level === text.trim().toUpperCase());
}

export class Loggers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #write: (message: string) => void;
  /** Of those that have a level of their own. */
  readonly #levels = new Map<string, LogLevel>();
  readonly #modifiedAt = new Map<string, number>();
  /** Those that somebody writes to. */
  readonly #known = new Set<string>([ROOT]);

  constructor(clock: Pick<Clock, 'now'>, write: (message: string) => void, level: LogLevel = 'INFO') {
    this.#clock = clock;
    this.#write = write;
    this.#levels.set(ROOT, level);
  }

  /** What writes under a name from now on. */
  log(name: string): Log {
    this.#known.add(name);
    const at = (level: LogLevel) => (message: string) => {
      if (this.isLogged(name, level)) this.#write(`${level} ${name}: ${message}`);
    };
    return { error: at('ERROR'), warn: at('WARN'), info: at('INFO'), debug: at('DEBUG') };
  }

  isLogged(name: string, level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.#levelOf(name));
  }

  /** All loggers that are written to, or were set, by name; without those that are off. */
  levels(): Record<string, LoggerLevel> {
    const names = [...new Set([...this.#known, ...this.#levels.keys()])].sort();
    const entries = names.map((name) => [name, this.#loggerLevel(name)] as const);
    return Object.fromEntries(entries.filter(([, { level }]) => level !== 'OFF'));
  }

  /** Undefined for a logger that nobody has written to or set. */
  level(name: string): LoggerLevel | undefined {
    const logger = nameOf(name);
    return this.#known.has(logger) || this.#levels.has(logger) ? this.#loggerLevel(logger) : undefined;
  }

  /** Sets a logger and all whose names begin so (`root`: all); the names of those whose level is another one now, in order. */
  setLevel(name: string, level: LogLevel): string[] {
    const logger = nameOf(name);
    const all = [...new Set([...this.#known, ...this.#levels.keys(), logger])];
    const affected = logger === ROOT ? all : all.filter((each) => each.startsWith(logger));
    const changed: string[] = [];
    for (const each of affected) {
      const isKnown = this.#known.has(each) || this.#levels.has(each);
      if (!isKnown || this.#levelOf(each) !== level) {
        changed.push(each);
        this.#modifiedAt.set(each, this.#clock.now());
      }
    }
    for (const each of affected) this.#levels.set(each, level);
    return changed.sort();
  }

  /** The same with a level's name; nothing changes where there is no such level. */
  setLevelNamed(name: string, level: string): string[] {
    const found = logLevelOf(level);
    return found === undefined ? [] : this.setLevel(name, found);
  }

  #loggerLevel(name: string): LoggerLevel {
    return { level: this.#levelOf(name), last_modified: this.#modifiedAt.get(name) ?? null };
  }

  #levelOf(name: string): LogLevel {
    for (let each = name; each !== ''; each = each.slice(0, Math.max(0, each.lastIndexOf('.')))) {
      const level = this.#levels.get(each);
      if (level !== undefined) return level;
    }
    return this.#levels.get(ROOT)!;
  }
}

/** Log4j calls the root by an empty name, too. */
function nameOf(name: string): string {
  return name === '' || name.toLowerCase() === ROOT ? ROOT : name;
}
