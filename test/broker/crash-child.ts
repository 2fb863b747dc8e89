// The process that crash.test.ts kills: a broker that listens, and tells its port.
import { Broker } from '../../src/broker/index.ts';

const dataDir = process.argv[2]!;
const broker = await Broker.open({
  dataDir,
  settings: { 'internal.log.segment.bytes': 20_000 },
  log: (message) => process.stderr.write(`${message}\n`),
});
const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${port}\n`);
