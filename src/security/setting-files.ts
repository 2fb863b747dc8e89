import { readFileSync } from 'node:fs';
import { codeOf, MillraceError } from '../util/index.ts';

export function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_CONFIG', message, { cause });
}

/** A file that a setting names. */
export function readSettingFile(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = codeOf(error) === 'ENOENT' ? 'it does not exist' : String(codeOf(error));
    throw invalid(`The file ${file} of "${setting}" can't be read: ${reason}.`, error);
  }
}

/** The lines of a file that say something, with their numbers; `#` starts a comment. */
export function linesOf(setting: string, file: string): { number: number; text: string }[] {
  return readSettingFile(setting, file)
    .toString('utf8')
    .split(/\r?\n/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}
