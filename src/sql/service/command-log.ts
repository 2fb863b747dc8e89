// The durable list of statements that made the engine what it is: one topic with one partition. What changes the
// catalogue or the queries is appended before it is answered, and applied again in the same order at the next start.
import { type Client, type Producer, recordsOf } from '../../client/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';

/** One statement as it was run. `queryId` is the id that its persistent query was given, if it made one. */
export interface Command {
  readonly statement: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly queryId?: string;
}

export interface LoggedCommand extends Command {
  /** Counts up; ksqlDB calls it the command sequence number. */
  readonly sequence: number;
}

/** Bumped when a command can't be understood by an older version any more. */
const FORMAT_VERSION = 1;

export class CommandLog {
  readonly topic: string;
  readonly #producer: Producer;
  #failure: string | undefined;

  private constructor(client: Client, topic: string) {
    this.topic = topic;
    this.#producer = client.producer({ lingerMs: 0 });
  }

  /** Creates the topic at the first start, and reads every command that is in it. */
  static async open(client: Client, serviceId: string): Promise<{ log: CommandLog; commands: LoggedCommand[] }> {
    const topic = `_confluent-ksql-${serviceId}_command_topic`;
    const admin = client.admin();
    try {
      const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
      await admin.createTopics([{ name: topic, partitions: 1, configs }]);
    } catch (error) {
      if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
    const at = { topic, partition: 0 };
    const [end] = await admin.listOffsets([{ ...at, timestamp: -1 }]);
    const commands: LoggedCommand[] = [];
    const consumer = client.consumer();
    consumer.assign([{ ...at, offset: 0 }]);
    while (consumer.position(at) < end!.offset) {
      for (const { value, offset } of recordsOf(await consumer.poll(1000))) {
        if (value !== null) commands.push({ ...parse(value, topic, offset), sequence: offset });
      }
    }
    await consumer.close();
    return { log: new CommandLog(client, topic), commands };
  }

  /** Resolves with the command's sequence number once it is stored. */
  async append(command: Command): Promise<number> {
    const value = Buffer.from(JSON.stringify({ version: FORMAT_VERSION, ...command }));
    try {
      const { offset } = await this.#producer.send({ topic: this.topic, partition: 0, value });
      this.#failure = undefined;
      return offset;
    } catch (error) {
      this.#failure = messageOf(error);
      throw error;
    }
  }

  /** Why the last command could not be stored; undefined when it was. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

function parse(value: Buffer, topic: string, offset: number): Command {
  let command: Partial<Command> & { version?: number };
  try {
    command = JSON.parse(value.toString('utf8')) as Partial<Command> & { version?: number };
  } catch (error) {
    throw new MillraceError('COMMAND_LOG_BROKEN', `The command at offset ${offset} of ${topic} is not JSON.`, {
      cause: error,
    });
  }
  if (command.version !== FORMAT_VERSION || typeof command.statement !== 'string') {
    throw new MillraceError(
      'COMMAND_LOG_VERSION',
      `The command at offset ${offset} of ${topic} has version ${String(command.version)}, this engine understands ${FORMAT_VERSION}: start a newer one.`,
    );
  }
  const { statement, properties = {}, queryId } = command;
  return { statement, properties, ...(queryId === undefined ? {} : { queryId }) };
}
