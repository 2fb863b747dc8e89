// Pages of documentation taken apart: a page has sections, a section has blocks of code, and a plain block says what the one
// before it has to show.

export interface Block {
  /** `sh`, `sql`, `ts`, … or empty: what the block before has to show. */
  readonly kind: string;
  /** The word behind the kind: of commands how they run (`install`, `stays`), else the name of a file. */
  readonly mark: string;
  readonly text: string;
}

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The fenced blocks of a page in Markdown, in their order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w*) ?(\S*)\n([^]*?)^```$/gm)].map(([, kind, mark, text]) => ({
    kind: kind!,
    mark: mark!,
    text: text!,
  }));
}

/** The sections of a page, by its headings of the second level; what stands before them is the first. */
export function sectionsOf(page: string): Section[] {
  return page.split(/^## /m).map((text) => ({ title: text.slice(0, text.indexOf('\n')), blocks: blocksOf(text) }));
}

/** Lines that have to be there in this order, others between them; "…" stands for anything within a line, blanks for blanks. */
function patternOf(shown: string): RegExp {
  const lines = shown.split('\n').filter((line) => line !== '');
  const escaped = lines.map((line) =>
    line
      .replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
      .replaceAll('…', '.*')
      .replaceAll(/ +/g, ' +'),
  );
  return new RegExp(escaped.join('[^]*'));
}

/** What the block at `index` has to show: the plain one behind it, if there is one. */
export function shownBehind(blocks: readonly Block[], index: number): string {
  const next = blocks[index + 1];
  return next?.kind === '' ? next.text : '';
}

/** Throws unless what was said is what the page shows. */
export function compare(typed: string, said: string, shown: string): void {
  if (!patternOf(shown).test(said)) throw new Error(`${typed}\ndoes not show\n\n${shown}\nbut\n\n${said}`);
}

/** Whether a statement looks at what is there and ends: it may be asked again until tables have followed their sources. */
export function onlyLooks(sql: string): boolean {
  return /^(SELECT|EXPLAIN|DESCRIBE)\b[^;]*;\s*$/.test(sql) && !sql.includes('EMIT');
}
