// A body that is one JSON object behind the other, with or without white space between, as it comes in: each is handed out as
// soon as it is whole. An object that is longer than allowed ends it: nobody can say where the next one begins.
import { ProxyError } from '../errors.ts';

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** The texts of the objects. What stands between them and is no object is handed out, too: to be refused by who reads it. */
export async function* jsonObjects(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string, void> {
  const scanner = new Scanner();
  let parts: Uint8Array[] = [];
  let size = 0;
  const keep = (part: Uint8Array): void => {
    if (part.length === 0) return;
    size += part.length;
    if (size > bytesMax) throw new ProxyError(413, `A record has more than ${bytesMax} bytes.`);
    parts.push(part);
  };
  const take = (): string => {
    const text = Buffer.concat(parts).toString('utf8').trim();
    parts = [];
    size = 0;
    return text;
  };
  for await (const chunk of body) {
    let from = 0;
    for (let end = scanner.next(chunk, 0); end >= 0; end = scanner.next(chunk, end)) {
      keep(chunk.subarray(from, end));
      from = end;
      yield take();
    }
    keep(chunk.subarray(from));
    // White space between two records may go on for as long as it likes.
    if (!scanner.isInside && parts.every(isBlank)) take();
  }
  const rest = take();
  if (rest !== '') yield rest;
}

const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte <= 0x20);

/** Where objects end: it knows texts from what is between them, and how deep it is in braces. */
class Scanner {
  #depth = 0;
  #isInText = false;
  #isEscaped = false;

  get isInside(): boolean {
    return this.#depth > 0 || this.#isInText;
  }

  /** The place behind the next outer bracket that closes; -1 where none does. */
  next(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#isInText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInText = false;
      } else if (byte === QUOTE) this.#isInText = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth = Math.max(0, this.#depth - 1);
        if (this.#depth === 0) return at + 1;
      }
    }
    return -1;
  }
}
