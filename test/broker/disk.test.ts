import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeDisk } from '../../src/broker/index.ts';
import { diskSuite } from '../suites/disk.ts';
import { FaultDisk } from './fault-disk.ts';
import { temporaryDirectory } from './support.ts';

diskSuite('of the machine', () => ({ disk: nodeDisk, directory: temporaryDirectory() }));
diskSuite('that can break', () => ({ disk: new FaultDisk(), directory: '/data' }));

test('a lock is held by one at a time, and a dead process holds nothing', () => {
  const directory = temporaryDirectory();
  const release = nodeDisk.lock(directory);
  expect(() => nodeDisk.lock(directory)).toThrow(/in use by process/);
  release();
  nodeDisk.lock(directory)();
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  writeFileSync(join(directory, '.lock'), `${dead} 1\n`);
  nodeDisk.lock(directory)();
  writeFileSync(join(directory, '.lock'), `${process.ppid}\n`);
  expect(() => nodeDisk.lock(directory)).toThrow(`process ${process.ppid}`);
});

test.runIf(process.platform === 'linux')(
  'on Linux, a dead process that nobody has asked for holds nothing',
  async () => {
    const directory = temporaryDirectory();
    // The shell becomes `cat`, which never asks for the shell's child.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const dead = Number(String((await once(parent.stdout, 'data'))[0]));
    const state = () => readFileSync(`/proc/${dead}/stat`, 'latin1').split(') ')[1]![0];
    await expect.poll(state).toBe('Z');
    writeFileSync(join(directory, '.lock'), `${dead}\n`);
    nodeDisk.lock(directory)();
    parent.stdin.end();
  },
);

test('what was not forced can be lost, what was forced can not', async () => {
  const disk = new FaultDisk();
  const file = disk.open('/data/f');
  file.write([Buffer.from('forced')], 0);
  await file.sync();
  file.write([Buffer.from(' or not')], 6);
  expect(
    disk
      .crash(() => 0)
      .readFile('/data/f')
      .toString(),
  ).toBe('forced');
  expect(() => disk.readFile('/data/f')).toThrow('the disk is gone');
});
