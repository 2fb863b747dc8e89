import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../util/index.ts';

/** The package's version, the same from source and from `dist`. */
export const version: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;
