// Builds the site: the pages of docs/ are copied as they are, TypeDoc adds the API reference from the doc comments of the
// sources, and VitePress makes it all into HTML. A link that leads nowhere fails the build.
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Application } from 'typedoc';
import { build } from 'vitepress';

const site = import.meta.dirname;
const root = dirname(site);
const pages = join(site, 'pages');

rmSync(pages, { recursive: true, force: true });
cpSync(join(root, 'docs'), pages, { recursive: true, filter: (path) => !path.endsWith('.ts') });
// What pages lead to that is no page itself.
mkdirSync(join(pages, 'public'), { recursive: true });
cpSync(join(root, 'examples'), join(pages, 'public', 'examples'), { recursive: true });
cpSync(join(root, 'docs', 'reference', 'openapi'), join(pages, 'public', 'reference', 'openapi'), { recursive: true });
await writeApi(join(pages, 'api'));
await build(site);

/** A folder for each entry of the package, by its name. */
async function writeApi(out: string): Promise<void> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  const entries = Object.entries(exports).filter(([, file]) => file.endsWith('.js'));
  const app = await Application.bootstrapWithPlugins(
    {
      plugin: ['typedoc-plugin-markdown'],
      tsconfig: join(site, 'tsconfig.json'),
      entryPoints: entries.map(([, file]) => join(root, file.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))),
      outputs: [{ name: 'markdown', path: out }],
      // A page for each entry.
      outputFileStrategy: 'modules',
      entryFileName: 'index',
      hidePageHeader: true,
      hideBreadcrumbs: true,
      name: 'API',
      readme: 'none',
      disableSources: true,
      // `npm run check` has seen to that.
      skipErrorChecking: true,
      excludePrivate: true,
      excludeInternal: true,
      logLevel: 'Error',
    },
    [],
  );
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources');
  // TypeDoc calls them by their places under src.
  const names = new Map(entries.map(([name, file]) => [/^.\/dist\/(.+?)(?:\/index)?\.js$/.exec(file)![1], name]));
  for (const module of project.children ?? []) {
    const name = names.get(module.name)!;
    module.name = name === '.' ? 'millrace' : basename(name);
  }
  await app.generateOutputs(project);
}
