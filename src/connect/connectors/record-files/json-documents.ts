// Files of JSON documents, one behind the other, with or without line ends in them: each document as its text, without the spaces
// between its parts. Numbers keep all their digits.
import { messageOf } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';
import type { FileBytes } from './format.ts';

const DOCUMENT_CHARS_MAX = 64 * 1024 * 1024;
/** Texts, what opens and closes, spaces, and everything else: numbers and words. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{[]|[}\]]|[,:]|\s+|[^"{}[\],:\s]+/sy;

/** The documents of a file. Throws `DataError`. */
export async function* jsonDocuments(bytes: FileBytes): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const documents = new Documents();
  for await (const chunk of bytes)
    yield* documents.add(
      decoded(() => decoder.decode(chunk, { stream: true })),
      false,
    );
  yield* documents.add(
    decoded(() => decoder.decode()),
    true,
  );
}

class Documents {
  #rest = '';
  #document = '';
  #depth = 0;
  #count = 0;

  *add(text: string, isEnd: boolean): Generator<string> {
    const whole = this.#rest + text;
    let at = 0;
    for (;;) {
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(whole)?.[0];
      // What touches the end may go on in the next chunk.
      const isWhole = token !== undefined && (isEnd || at + token.length < whole.length || /^[{}[\],:]$/.test(token));
      if (!isWhole) break;
      at += token.length;
      yield* this.#take(token);
    }
    this.#rest = whole.slice(at);
    if (this.#rest.length + this.#document.length > DOCUMENT_CHARS_MAX)
      throw new DataError(`a JSON document has more than ${DOCUMENT_CHARS_MAX} characters`);
    if (isEnd && this.#document + this.#rest !== '') throw this.#broken('it ends in the middle');
  }

  *#take(token: string): Generator<string> {
    if (/^\s/.test(token)) return;
    this.#document += token;
    if (token === '{' || token === '[') this.#depth++;
    else if (token === '}' || token === ']') this.#depth--;
    if (this.#depth > 0) return;
    const document = this.#document;
    this.#document = '';
    this.#count++;
    try {
      JSON.parse(document);
    } catch (error) {
      throw this.#broken(messageOf(error), error);
    }
    yield document;
  }

  #broken(problem: string, cause?: unknown): DataError {
    return new DataError(`behind ${this.#count} documents the file is no JSON: ${problem}`, cause);
  }
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch (error) {
    throw new DataError('the file is no UTF-8', error);
  }
}
