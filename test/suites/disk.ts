// What every disk must do for the log: the real one, and the one in memory that tests break.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Disk } from '../../src/broker/index.ts';

export function diskSuite(name: string, open: () => { disk: Disk; directory: string }): void {
  describe(`the disk ${name}`, () => {
    test('writes pieces one behind the other, and reads what is there', () => {
      const { disk, directory } = open();
      const file = disk.open(join(directory, 'f'));
      file.write([Buffer.from('hello '), Buffer.from(''), Buffer.from('world')], 0);
      file.write([Buffer.from('!')], 11);
      expect(file.size()).toBe(12);
      const target = Buffer.alloc(20);
      expect(file.read(target, 6)).toBe(6);
      expect(target.subarray(0, 6).toString()).toBe('world!');
      file.truncate(5);
      expect(file.size()).toBe(5);
      file.close();
      expect(disk.readFile(join(directory, 'f')).toString()).toBe('hello');
    });

    test('writes more pieces than one system call takes', () => {
      const { disk, directory } = open();
      const file = disk.open(join(directory, 'f'));
      const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.from(`${i},`));
      file.write(pieces, 0);
      const whole = Buffer.concat(pieces);
      const target = Buffer.alloc(whole.length);
      expect(file.read(target, 0)).toBe(whole.length);
      expect(target.equals(whole)).toBe(true);
      file.close();
    });

    test('keeps what a file holds when it is opened again, and syncs it', async () => {
      const { disk, directory } = open();
      const first = disk.open(join(directory, 'f'));
      first.write([Buffer.from('kept')], 0);
      await first.sync();
      first.syncNow();
      first.close();
      const second = disk.open(join(directory, 'f'));
      expect(second.size()).toBe(4);
      second.close();
    });

    test('replaces, renames, lists and removes', () => {
      const { disk, directory } = open();
      const path = join(directory, 'sub');
      disk.makeDirectory(path);
      disk.replaceFile(join(path, 'a'), 'old', true);
      disk.replaceFile(join(path, 'a'), 'new', false);
      expect(disk.readFile(join(path, 'a')).toString()).toBe('new');
      expect(disk.list(path)).toEqual(['a']);
      disk.syncDirectory(path);
      disk.rename(path, join(directory, 'moved'));
      expect(disk.exists(path)).toBe(false);
      expect(disk.exists(join(directory, 'moved', 'a'))).toBe(true);
      disk.remove(join(directory, 'moved'));
      disk.remove(join(directory, 'moved'));
      expect(disk.exists(join(directory, 'moved', 'a'))).toBe(false);
    });
  });
}
