// How far a command is, for who waits at a terminal: one line on standard error that is redrawn, and gone at the end.
import type { CommandIo } from './io.ts';

const REDRAW_MS = 200;
const BAR = 30;

export class Progress {
  readonly #io: CommandIo;
  #drawnAt = Date.now();
  #isDrawn = false;

  constructor(io: CommandIo) {
    this.#io = io;
  }

  /** `share`: of 1, undefined where it is not known how much there is. `text`: only asked for when it is shown. */
  show(share: number | undefined, text: () => string): void {
    if (!this.#io.showsProgress || Date.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = Date.now();
    const filled = share === undefined ? 0 : Math.round(Math.min(1, share) * BAR);
    const bar = share === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}  `;
    this.#io.err(`\r\u001b[K${bar}${text()}`);
    this.#isDrawn = true;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) this.#io.err('\r\u001b[K');
    this.#isDrawn = false;
  }
}
