// The package as npm installs it, without asking a registry for it: what `npm pack` makes, unpacked in a folder's
// node_modules, and beside it the libraries that it names under `dependencies`, and no others.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Makes the package and lays it out in `folder`; returns its own folder there. */
export function unpackInto(folder: string): string {
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'millrace');
  mkdirSync(own, { recursive: true });
  const said = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { cwd: root });
  const [{ filename }] = JSON.parse(said.toString().slice(said.indexOf('['))) as [{ filename: string }];
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', own, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies)) link(name);

  function link(name: string): void {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return own;
}
