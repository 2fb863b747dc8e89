// What runs Millrace elsewhere: the image, the compose files, the systemd unit. Where a container daemon is to be had the image is built
// and run. Everywhere its steps are carried out: the package is installed as the image has it, the image's own command starts it, and its
// own health check looks at it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Millrace } from './cli/support.ts';

const root = join(import.meta.dirname, '..');
const text = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** A Dockerfile's instructions; those of its last stage are the image's. */
const instructions: readonly Instruction[] = text('Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }));
const image = instructions.slice(instructions.map(({ name }) => name).lastIndexOf('FROM'));
const lastOf = (name: string): string => image.filter((each) => each.name === name).at(-1)!.rest;
const words = (json: string): string[] => JSON.parse(json) as string[];

interface Service {
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const PORTS = ['8081', '8082', '8083', '8088', '9092'];

describe('the image', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-image-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('is of the pinned Node, belongs to nobody with rights, and has the ports of the services', () => {
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> };
    for (const { rest } of instructions.filter(({ name }) => name === 'FROM')) {
      expect(rest).toMatch(new RegExp(`^node:${devDependencies['node']}-bookworm-slim`));
    }
    expect(lastOf('USER')).toBe('node');
    expect(lastOf('EXPOSE').split(' ').sort()).toEqual(PORTS);
  });

  test('starts by its command, and its health check passes', async () => {
    const [entry, ...rest] = [...words(lastOf('ENTRYPOINT')), ...words(lastOf('CMD'))];
    expect(entry).toBe('millrace');
    const here = rest.map((word) => word.replace(/^\/data$/, join(directory, 'data')));
    const ports = ['--port', '0', '--registry-port', '0', '--sql-port', '0', '--rest-port', '0', '--connect-port', '0'];
    const started = new Millrace([...here, ...ports]);
    await started.says(/is up after/);
    const address = (name: string): string =>
      new RegExp(`^${name} ready +(\\S+)`, 'm').exec(started.stdout)![1]!.replace('0.0.0.0', '127.0.0.1');
    const [, check] = /CMD (\[.*\])$/.exec(lastOf('HEALTHCHECK'))!;
    const [command, ...parameters] = words(check!);
    expect(command).toBe('millrace');
    const where = ['-b', address('Broker'), '--registry', address('Schema Registry')];
    const services = ['--sql', address('SQL'), '--rest', address('REST proxy'), '--connect', address('Connect')];
    expect(await new Millrace([...parameters, ...where, ...services]).ended).toMatchObject({ code: 0, stderr: '' });
    expect((await started.kill('SIGTERM')).code).toBe(0);
    expect((await new Millrace([...parameters, ...where, ...services]).ended).code).toBe(1);
  });

  const daemon = spawnSync('docker', ['info']).status === 0 ? false : 'no container daemon answers';
  if (daemon !== false) console.warn(`skipped: building and running the image: ${daemon}`);
  test.skipIf(daemon !== false)(
    'is built, becomes healthy, and stops',
    async () => {
      const docker = (...args: string[]): string => {
        const { status, stdout, stderr } = spawnSync('docker', args, { cwd: root, encoding: 'utf8' });
        if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
        return stdout.trim();
      };
      docker('build', '--tag', 'millrace-test', '.');
      const container = docker('run', '--detach', 'millrace-test');
      try {
        const health = (): string => docker('inspect', '--format', '{{.State.Health.Status}}', container);
        await expect.poll(health, { timeout: 60_000, interval: 500 }).toBe('healthy');
        expect(docker('exec', container, 'whoami')).toBe('node');
        docker('stop', container);
        expect(docker('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0');
      } finally {
        docker('rm', '--force', container);
      }
    },
    600_000,
  );
});

describe.each(['compose.yaml', 'compose.kafka.yaml'])('%s', (file) => {
  const { services, volumes } = parse(text(file)) as Compose;

  test('has the ports of the services for this machine, volumes that are declared, and services that are waited for', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect([...ports].sort()).toEqual(PORTS.map((port) => `127.0.0.1:${port}:${port}`).sort());
    for (const { volumes: used = [], depends_on = {} } of Object.values(services)) {
      for (const volume of used) expect(Object.keys(volumes)).toContain(volume.split(':')[0]);
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect({ condition, healthcheck: services[name]?.healthcheck }).toEqual({
          condition: 'service_healthy',
          healthcheck: expect.anything() as unknown,
        });
      }
    }
  });

  test('starts Millrace in words that it knows', async () => {
    const { command = ['start'] } = services['millrace']!;
    const said = await new Millrace([...command, '--help']).ended;
    expect(said).toMatchObject({ code: 0, stderr: '' });
  });
});

const withoutSystemd = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not here';
if (withoutSystemd !== false) console.warn(`skipped: the systemd unit: ${withoutSystemd}`);
test.skipIf(withoutSystemd !== false)('the systemd unit is one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-unit-'));
  try {
    mkdirSync(join(folder, 'units'));
    symlinkSync(join(root, 'deploy', 'millrace.service'), join(folder, 'units', 'millrace.service'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, 'units', 'millrace.service')], {
      encoding: 'utf8',
    });
    // Of other units of the machine it tells, too.
    expect(stderr.split('\n').filter((line) => line.includes('millrace.service'))).toEqual([]);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the unit starts and reloads in words that Millrace knows', async () => {
  const unit = text('deploy/millrace.service');
  const [, command] = /^ExecStart=\/usr\/bin\/env millrace (.*)$/m.exec(unit)!;
  expect((await new Millrace([...command!.split(' '), '--help']).ended).code).toBe(0);
  expect(unit).toContain('ExecReload=/bin/kill -HUP $MAINPID');
});
