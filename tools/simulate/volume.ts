/**
 * What a disk holds, twice: as the running system sees it, and as a machine would find it whose power went. Between the two
 * lie changes that nobody forced: of a file's writes any subset survives, each torn at any byte; of a directory's changes
 * the first ones do, a rename whole or not at all.
 */
import { assert } from '../../src/util/index.ts';
import type { Random } from './random.ts';

type Change = { readonly position: number; readonly bytes: Buffer } | { readonly size: number };

/** Bytes that grow. */
class Extent {
  length = 0;
  #buffer = Buffer.alloc(256);

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  apply(change: Change): void {
    if ('size' in change) this.#resize(change.size);
    else {
      if (change.position + change.bytes.length > this.length) this.#resize(change.position + change.bytes.length);
      change.bytes.copy(this.#buffer, change.position);
    }
  }

  #resize(size: number): void {
    if (size > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(size, this.#buffer.length * 2));
      this.bytes.copy(grown);
      this.#buffer = grown;
    }
    if (size < this.length) this.#buffer.fill(0, size, this.length);
    this.length = size;
  }
}

export class FileNode {
  readonly #seen = new Extent();
  readonly #forced = new Extent();
  #unforced: Change[] = [];

  get bytes(): Buffer {
    return this.#seen.bytes;
  }

  change(change: Change): void {
    this.#seen.apply(change);
    this.#unforced.push(change);
  }

  /** How many changes wait to be forced. */
  get unforced(): number {
    return this.#unforced.length;
  }

  /** The first `count` changes reach the disk. */
  force(count: number): void {
    for (const change of this.#unforced.splice(0, count)) this.#forced.apply(change);
  }

  /** A failed sync: some of the changes reached the disk, in no order; all are still to be forced. */
  forceSome(random: Random): void {
    for (const change of this.#unforced) if (random.chance(0.5)) this.#forced.apply(change);
  }

  surviving(random: Random): FileNode {
    const survivor = new FileNode();
    survivor.change({ position: 0, bytes: Buffer.from(this.#forced.bytes) });
    const tendency = random.next();
    for (const change of this.#unforced) {
      if (!random.chance(tendency)) continue;
      if ('size' in change || random.chance(0.7)) survivor.change(change);
      else
        survivor.change({
          position: change.position,
          bytes: change.bytes.subarray(0, random.below(change.bytes.length + 1)),
        });
    }
    survivor.force(survivor.unforced);
    return survivor;
  }

  copy(): FileNode {
    const copy = new FileNode();
    copy.#forced.apply({ position: 0, bytes: this.#forced.bytes });
    copy.#seen.apply({ position: 0, bytes: this.#seen.bytes });
    copy.#unforced = [...this.#unforced];
    return copy;
  }
}

type Node = FileNode | DirectoryNode;
/** What one operation does to a directory: all of it or nothing. */
type EntryChange = readonly (readonly [name: string, node: Node | undefined])[];

export class DirectoryNode {
  readonly #seen = new Map<string, Node>();
  readonly #forced = new Map<string, Node>();
  #unforced: EntryChange[] = [];

  get(name: string): Node | undefined {
    return this.#seen.get(name);
  }

  get names(): Iterable<string> {
    return this.#seen.keys();
  }

  change(change: EntryChange): void {
    apply(this.#seen, change);
    this.#unforced.push(change);
  }

  force(): void {
    for (const change of this.#unforced.splice(0)) apply(this.#forced, change);
  }

  surviving(random: Random): DirectoryNode {
    const found = new Map(this.#forced);
    for (const change of this.#unforced.slice(0, random.below(this.#unforced.length + 1))) apply(found, change);
    return copyOf(found, (node) => node.surviving(random));
  }

  /** The same, with what is not forced still to be forced: a process ended, the machine did not. */
  copy(): DirectoryNode {
    const copies = new Map<Node, Node>();
    const copied = (node: Node): Node => {
      const copy = copies.get(node) ?? node.copy();
      copies.set(node, copy);
      return copy;
    };
    const copy = new DirectoryNode();
    for (const [name, node] of this.#forced) copy.#forced.set(name, copied(node));
    for (const [name, node] of this.#seen) copy.#seen.set(name, copied(node));
    copy.#unforced = this.#unforced.map((change) =>
      change.map(([name, node]) => [name, node === undefined ? undefined : copied(node)] as const),
    );
    return copy;
  }
}

function apply(entries: Map<string, Node>, change: EntryChange): void {
  for (const [name, node] of change) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}

function copyOf(entries: ReadonlyMap<string, Node>, copy: (node: Node) => Node): DirectoryNode {
  const directory = new DirectoryNode();
  directory.change([...entries].map(([name, node]) => [name, copy(node)] as const));
  directory.force();
  return directory;
}

/** Paths over a root directory. */
export class Volume {
  readonly #root: DirectoryNode;

  constructor(root = new DirectoryNode()) {
    this.#root = root;
  }

  /** What a restarted machine finds. */
  afterPowerLoss(random: Random): Volume {
    return new Volume(this.#root.surviving(random));
  }

  /** What a restarted process finds. What the old one still does to its own is not seen here. */
  afterKill(): Volume {
    return new Volume(this.#root.copy());
  }

  at(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean))
      node = node instanceof DirectoryNode ? node.get(name) : undefined;
    return node;
  }

  file(path: string): FileNode | undefined {
    const node = this.at(path);
    return node instanceof FileNode ? node : undefined;
  }

  directory(path: string): DirectoryNode | undefined {
    const node = this.at(path);
    return node instanceof DirectoryNode ? node : undefined;
  }

  put(path: string, node: Node): void {
    this.#parentOf(path).change([[nameOf(path), node]]);
  }

  remove(path: string): void {
    this.#parentOf(path).change([[nameOf(path), undefined]]);
  }

  rename(from: string, to: string): void {
    const parent = this.#parentOf(from);
    assert(parent === this.#parentOf(to), 'the broker renames within a directory');
    parent.change([
      [nameOf(from), undefined],
      [nameOf(to), this.at(from)],
    ]);
  }

  #parentOf(path: string): DirectoryNode {
    const parent = this.directory(path.slice(0, path.lastIndexOf('/')));
    assert(parent !== undefined, `${path} lies in a directory`);
    return parent;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
