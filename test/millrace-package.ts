// Programs that import `millrace/…` as its users' programs do, on the sources: the package is what a build makes of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string> };
const sources = Object.entries(exports)
  .filter(([, file]) => file.startsWith('./dist/'))
  .map(([name, file]) => {
    const source = file.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
    return [name.replace('.', 'millrace'), pathToFileURL(join(root, source)).href];
  });

const hook = `import { registerHooks } from 'node:module';
  const sources = ${JSON.stringify(Object.fromEntries(sources))};
  registerHooks({ resolve: (name, context, next) => next(sources[name] ?? name, context) });`;

/** Arguments for Node, before the program. */
export const WITH_PACKAGE: readonly string[] = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
