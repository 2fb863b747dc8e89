// FileStreamSink, the classic: values as lines at the end of a file, or on the standard output.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ConfigOf, defineConfig } from '../../api/config-def.ts';
import { type SinkTask, sinkPlugin } from '../../api/plugins.ts';
import { ConnectError } from '../../data/errors.ts';
import { javaText } from '../../data/java-text.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import type { SinkRecord } from '../../data/record.ts';

const config = defineConfig({
  file: {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The file to write to, behind what it has. Without one: the standard output.',
  },
});
type Config = ConfigOf<typeof config>;

export const fileStreamSink = sinkPlugin({
  className: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  version: KAFKA_VERSION,
  config,
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new FileStreamSinkTask(),
});

class FileStreamSinkTask implements SinkTask<Config> {
  #file: FileHandle | undefined;

  async start({ file }: Config): Promise<void> {
    if (file === null) return;
    try {
      await mkdir(dirname(file), { recursive: true });
      this.#file = await open(file, 'a');
    } catch (error) {
      throw new ConnectError(`${file} cannot be written to`, { cause: error });
    }
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    const text = records.map(({ valueSchema, value }) => `${javaText(valueSchema, value)}\n`).join('');
    if (this.#file === undefined) process.stdout.write(text);
    else await this.#file.appendFile(text);
  }

  async flush(): Promise<void> {
    await this.#file?.sync();
  }

  async stop(): Promise<void> {
    await this.#file?.close();
  }
}
