// Texts that match a regular expression: of what `arg.properties` use, characters, classes, groups, alternatives and repetitions. What
// is more than that (look-around, references back) is refused.
import { ConfigError } from '../../data/errors.ts';
import type { SeededRandom } from './random.ts';

/** Makes a text. */
export type TextMaker = (random: SeededRandom) => string;

/** `*` and `+` repeat no more than this. */
const REPEATS_MAX = 8;
const CLASSES: Readonly<Record<string, string>> = {
  d: '0123456789',
  w: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_',
  s: ' ',
};
const ANY = CLASSES['w']! + ' -.,';

/** Throws `ConfigError` for what cannot be made. */
export function textMaker(pattern: string): TextMaker {
  const parser = new Parser(pattern);
  const make = parser.alternatives();
  parser.end();
  return make;
}

class Parser {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
  }

  alternatives(): TextMaker {
    const makers = [this.#sequence()];
    while (this.#take('|')) makers.push(this.#sequence());
    return makers.length === 1 ? makers[0]! : (random) => random.pick(makers)(random);
  }

  end(): void {
    if (this.#at < this.#pattern.length) throw this.#refusal(`${this.#peek()} does not fit`);
  }

  #sequence(): TextMaker {
    const parts: TextMaker[] = [];
    while (this.#at < this.#pattern.length && this.#peek() !== '|' && this.#peek() !== ')')
      parts.push(this.#repeated());
    return (random) => parts.map((part) => part(random)).join('');
  }

  #repeated(): TextMaker {
    const part = this.#part();
    const [min, max] = this.#repetition();
    if (min === 1 && max === 1) return part;
    return (random) => Array.from({ length: random.below(min, max + 1) }, () => part(random)).join('');
  }

  #repetition(): readonly [number, number] {
    if (this.#take('?')) return [0, 1];
    if (this.#take('*')) return [0, REPEATS_MAX];
    if (this.#take('+')) return [1, REPEATS_MAX];
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#pattern.slice(this.#at));
    if (match === null) return [1, 1];
    this.#at += match[0].length;
    const min = Number(match[1]);
    if (match[2] === undefined) return [min, min];
    return [min, match[3] === '' ? min + REPEATS_MAX : Number(match[3])];
  }

  #part(): TextMaker {
    const character = this.#next();
    switch (character) {
      case '(': {
        if (this.#take('?') && !this.#take(':')) throw this.#refusal('a look around cannot be made');
        const inner = this.alternatives();
        if (!this.#take(')')) throw this.#refusal('a group has no end');
        return inner;
      }
      case '[':
        return oneOf(this.#class());
      case '.':
        return oneOf(ANY);
      case '\\':
        return oneOf(this.#escaped());
      default:
        return () => character;
    }
  }

  #escaped(): string {
    const character = this.#next();
    const known = CLASSES[character];
    if (known !== undefined) return known;
    if (/[A-Za-z0-9]/.test(character)) throw this.#refusal(`\\${character} cannot be made`);
    return character;
  }

  #class(): string {
    if (this.#peek() === '^') throw this.#refusal('a class of what is not in it cannot be made');
    let characters = '';
    while (this.#peek() !== ']') {
      const from = this.#next();
      if (from === '\\') {
        characters += this.#escaped();
        continue;
      }
      if (this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at++;
        const to = this.#next();
        for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) characters += String.fromCharCode(code);
      } else characters += from;
    }
    this.#at++;
    if (characters === '') throw this.#refusal('a class is empty');
    return characters;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at];
  }

  #next(): string {
    const character = this.#pattern[this.#at++];
    if (character === undefined) throw this.#refusal('it ends too early');
    return character;
  }

  #refusal(what: string): ConfigError {
    return new ConfigError(`the regular expression ${this.#pattern}: ${what}`);
  }
}

function oneOf(characters: string): TextMaker {
  return characters.length === 1 ? () => characters : (random) => characters[random.below(0, characters.length)]!;
}
