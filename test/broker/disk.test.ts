import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Disk, nodeDisk } from '../../src/broker/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FilePool } from '../../src/broker/log/file-pool.ts';
import { diskSuite } from '../suites/disk.ts';
import { FaultDisk } from './fault-disk.ts';
import { createTopic, openBroker, send, temporaryDirectory, valuesOf } from './support.ts';

diskSuite('of the machine', () => ({ disk: nodeDisk, directory: temporaryDirectory() }));
diskSuite('with two files open at a time', () => ({
  disk: { ...nodeDisk, open: (path) => new FilePool(() => 2).open(path) },
  directory: temporaryDirectory(),
}));
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
  expect(readdirSync(directory)).toEqual(['.lock']);
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

test('a pool keeps no more files open than it may, and each holds what was written to it', async () => {
  const directory = temporaryDirectory();
  const pool = new FilePool(() => 3);
  const files = Array.from({ length: 20 }, (_, i) => pool.open(join(directory, `f${i}`)));
  for (let round = 0; round < 3; round++) {
    for (const [i, file] of files.entries()) file.write([Buffer.from(`${i},`.padStart(4))], round * 4);
    expect(pool.openFiles).toBeLessThanOrEqual(3);
  }
  renameSync(join(directory, 'f7'), join(directory, 'g7'));
  pool.renamed(join(directory, 'f7'), join(directory, 'g7'));
  await Promise.all(files.map((file) => file.sync()));
  for (const [i, file] of files.entries()) {
    const target = Buffer.alloc(12);
    expect(file.read(target, 0)).toBe(12);
    expect(target.toString()).toBe(`${i},`.padStart(4).repeat(3));
    file.close();
  }
  expect(pool.openFiles).toBe(0);
  expect(existsSync(join(directory, 'f7'))).toBe(false);
});

test('where fewer files may be open than are, those that were used longest ago are closed', () => {
  const directory = temporaryDirectory();
  let limit = 10;
  const pool = new FilePool(() => limit);
  const files = Array.from({ length: 10 }, (_, i) => pool.open(join(directory, `f${i}`)));
  for (const [i, file] of files.entries()) file.write([Buffer.from(String(i))], 0);
  expect(pool.openFiles).toBe(10);
  limit = 4;
  pool.makeRoom();
  expect(pool.openFiles).toBe(3);
  for (const [i, file] of files.entries()) {
    const target = Buffer.alloc(1);
    file.read(target, 0);
    expect(target.toString()).toBe(String(i));
    file.close();
  }
});

test('a file that has gone is not taken for an empty one', () => {
  const path = join(temporaryDirectory(), 'f');
  const pool = new FilePool(() => 1);
  const file = pool.open(path);
  file.write([Buffer.from('x')], 0);
  pool.open(`${path}2`).close();
  file.rest();
  rmSync(path);
  expect(() => file.size()).toThrow(/ENOENT/);
});

test('a broker with more segments than files serves them all, compacts and restarts', async () => {
  const pool = new FilePool(() => 5);
  const disk: Disk = {
    ...nodeDisk,
    open: (path) => pool.open(path),
    rename(from, to) {
      nodeDisk.rename(from, to);
      pool.renamed(from, to);
    },
  };
  const dataDir = temporaryDirectory();
  const clock = new ManualEnvironment(1_000_000);
  const settings = { 'tail.cache.bytes': 0, 'log.cleaner.min.cleanable.ratio': 0 };
  let broker = await openBroker({ dataDir, disk, settings, environment: clock });
  await createTopic(broker.connect(), 't', 4, { 'internal.segment.bytes': '400', 'cleanup.policy': 'compact' });
  for (let life = 0; life < 3; life++) {
    for (let i = 0; i < 80; i++) {
      const record = { key: `k${i % 7}`, value: `${life}/${i}` };
      expect((await send(broker.connect(), 't', [record], { partition: i % 4 })).errorCode).toBe(0);
      expect(pool.openFiles).toBeLessThanOrEqual(5);
    }
    clock.advance(20_000);
    for (let partition = 0; partition < 4; partition++) {
      expect((await valuesOf(broker.connect(), 't', { partition })).at(-1)).toBe(`${life}/${76 + partition}`);
    }
    await broker.close();
    broker = await openBroker({ dataDir, disk, settings, environment: clock });
  }
});

test.runIf(process.platform === 'linux')(
  'connections leave room for the files of the log',
  { timeout: 60_000 },
  async () => {
    const dataDir = temporaryDirectory();
    const script = join(import.meta.dirname, 'crash-child.ts');
    const limited = `ulimit -n 300; exec "${process.execPath}" "${script}" "${dataDir}"`;
    const child = spawn('sh', ['-c', limited], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const port = Number(String((await once(child.stdout, 'data'))[0]));
      const transport = await dialTcp({ host: '127.0.0.1', port });
      await createTopic(transport, 't', 400);
      const crowd = Array.from({ length: 400 }, () => createConnection({ host: '127.0.0.1', port }));
      for (const socket of crowd) socket.on('error', () => {});
      await Promise.all(crowd.map((socket) => once(socket, 'connect')));
      for (let partition = 0; partition < 400; partition++) {
        expect((await send(transport, 't', [`v${partition}`], { partition })).errorCode).toBe(0);
      }
      expect(await valuesOf(transport, 't', { partition: 7 })).toEqual(['v7']);
      for (const socket of crowd) socket.destroy();
      transport.close();
    } finally {
      child.kill('SIGKILL');
    }
  },
);
