// What the demo shows while it works: on a terminal a block that is redrawn in place, elsewhere plain lines now and then.
import { renderTable } from '../table.ts';

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
  readonly results: number;
}

const REDRAW_MS = 200;
const LINES_EVERY = 10;
const BAR = 30;

export class Screen {
  readonly #live = process.stdout.isTTY === true;
  #drawnLines = 0;
  #drawnAt = 0;
  #announced = 0;

  line(text = ''): void {
    this.clear();
    process.stdout.write(`${text}\n`);
  }

  table(headings: readonly string[], rows: readonly (readonly unknown[])[]): void {
    this.line(renderTable(rows, { width: process.stdout.columns ?? 110, headings }));
  }

  progress(progress: Progress, headings: readonly string[], rows: () => readonly (readonly unknown[])[]): void {
    const { done, total, perSecond, results } = progress;
    const finished = done >= total;
    const share = total === 0 ? 1 : done / total;
    const leftSeconds = perSecond > 0 ? Math.ceil((total - done) / perSecond) : undefined;
    const numbers = `${count(done)} of ${count(total)} flights, ${count(perSecond)}/s, ${count(results)} result rows`;
    if (!this.#live) {
      const step = Math.floor(share * LINES_EVERY);
      if (step === this.#announced) return;
      this.#announced = step;
      process.stdout.write(`${String(Math.round(share * 100)).padStart(3)} %  ${numbers}\n`);
      return;
    }
    if (!finished && performance.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = performance.now();
    const filled = Math.round(share * BAR);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
    const left = finished || leftSeconds === undefined ? '' : `, ${leftSeconds} s left`;
    const width = process.stdout.columns ?? 110;
    const block = [`${bar}  ${numbers}${left}`.slice(0, width - 1), renderTable(rows(), { width, headings })].join(
      '\n',
    );
    this.clear();
    process.stdout.write(`${block}\n`);
    this.#drawnLines = block.split('\n').length;
  }

  /** Takes the block off the terminal, so that what follows stands in its place. */
  clear(): void {
    if (this.#drawnLines === 0) return;
    process.stdout.write(`\u001b[${this.#drawnLines}A\u001b[J`);
    this.#drawnLines = 0;
  }
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}
