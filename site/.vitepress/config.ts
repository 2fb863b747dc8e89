// The site: every page of docs/, and the API reference. Its navigation is made of what is there: a new page is in it under
// its own title, in the section of its folder.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig, type MarkdownOptions } from 'vitepress';

const PAGES = join(import.meta.dirname, '..', 'pages');

/** Folders of docs/ in the order in which they are shown; each with its title. */
const SECTIONS = [
  ['', 'Guides'],
  ['recipes', 'Recipes'],
  ['sql', 'SQL'],
  ['reference', 'Reference'],
  ['decisions', 'Why it is so'],
  ['pt', 'Em português'],
] as const;

const FIRST = ['getting-started.md'];

export default defineConfig({
  title: 'Millrace',
  description: 'A Kafka-protocol broker, Schema Registry, Streams and ksqlDB-compatible SQL in one Node.js process.',
  srcDir: 'pages',
  outDir: 'dist',
  cacheDir: 'node_modules/.cache/vitepress',
  lastUpdated: false,
  markdown: { config: nameFiles },
  // The index of the search is large, and loaded when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      ...(existsSync(join(PAGES, 'sql')) ? [{ text: 'SQL', link: firstOf('sql') }] : []),
      { text: 'API', link: '/api/' },
      { text: 'Settings', link: '/reference/settings' },
    ],
    sidebar: [
      ...SECTIONS.flatMap(([folder, text]) => {
        const items = pagesOf(folder);
        return items.length === 0 ? [] : [{ text, items, collapsed: folder !== '' }];
      }),
      { text: 'API', items: apiPages(), collapsed: true },
    ],
    outline: [2, 3],
    search: { provider: 'local' },
  },
});

function pagesOf(folder: string): DefaultTheme.SidebarItem[] {
  const path = join(PAGES, folder);
  if (!existsSync(path)) return [];
  const files = readdirSync(path).filter((file) => file.endsWith('.md') && file !== 'index.md');
  const isFirst = (file: string) => FIRST.includes(file);
  const rest = files.filter((file) => !isFirst(file)).map((file) => pageOf(folder, file));
  return [
    ...files.filter(isFirst).map((file) => pageOf(folder, file)),
    ...rest.sort((a, b) => (a.text < b.text ? -1 : 1)),
  ];
}

function pageOf(folder: string, file: string): { readonly text: string; readonly link: string } {
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(PAGES, folder, file), 'utf8')) ?? [];
  if (title === undefined) throw new Error(`docs/${join(folder, file)} has no title`);
  return { text: title.replaceAll('`', ''), link: `/${join(folder, file.replace(/\.md$/, ''))}` };
}

function firstOf(folder: string): string {
  return existsSync(join(PAGES, folder, 'index.md')) ? `/${folder}/` : pagesOf(folder)[0]!.link!;
}

/** One for each entry of the package. */
function apiPages(): DefaultTheme.SidebarItem[] {
  const names = readdirSync(join(PAGES, 'api')).filter((file) => file !== 'index.md');
  return names.map((file) => {
    const name = file.replace(/\.md$/, '');
    return { text: name === 'millrace' ? name : `millrace/${name}`, link: `/api/${name}` };
  });
}

/** A block of code that begins with ```js hello.mjs says the name of its file. */
function nameFiles(md: Parameters<NonNullable<MarkdownOptions['config']>>[0]): void {
  const fence = md.renderer.rules.fence!;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const [, name] = tokens[index]!.info.trim().split(/\s+/);
    const code = fence(tokens, index, ...rest);
    return name?.includes('.') === true ? `<p><code>${md.utils.escapeHtml(name)}</code></p>${code}` : code;
  };
}
