// Where Millrace lies: a checkout or an installed package. In a checkout modules run from `src`, in the package several
// of them are one file in `dist` (tools/build), so that a module's own place does not tell where the others are.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of Millrace's package.json. */
export const packageRoot: string = nearestPackage(import.meta.dirname);

/** The file of a module that is an entry of its own, named from `src` without its ending: `platform/query-work`. */
export function entryFile(name: string): string {
  return import.meta.filename.endsWith('.ts')
    ? join(packageRoot, 'src', `${name}.ts`)
    : join(packageRoot, 'dist', `${name}.js`);
}

function nearestPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : nearestPackage(dirname(folder));
}
