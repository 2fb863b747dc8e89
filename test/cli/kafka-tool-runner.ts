// Kafka's tools in this process: a command line as a shell takes it apart, and what came of it.
import { Readable } from 'node:stream';
import { KAFKA_TOOLS } from '../../src/cli/kafka/index.ts';
import { runTool } from '../../src/cli/kafka/tool.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs command lines; `$B` in them is the flag that names the broker. */
export function toolRunner(server: () => string): (line: string, input?: string) => Promise<Said> {
  return async (line, input = '') => {
    const [name, ...words] = line
      .match(/'[^']*'|\S+/g)!
      .flatMap((word) => (word === '$B' ? ['--bootstrap-server', server()] : [word.replace(/^'(.*)'$/s, '$1')]));
    let out = '';
    let err = '';
    const code = await runTool(await KAFKA_TOOLS[name!]!(), words, {
      input: Readable.from([input]),
      out: (text) => (out += text),
      err: (text) => (err += text),
      drained: () => Promise.resolve(),
      interrupted: new Promise(() => {}),
    });
    return { code, out, err };
  };
}
