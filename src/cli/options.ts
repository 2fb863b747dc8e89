// What the command line says, per command.

export interface ServiceOptions {
  readonly dataDir?: string;
  readonly port?: string;
  readonly registryPort?: string;
  readonly sqlPort?: string;
  readonly restPort?: string;
  readonly connectPort?: string;
  readonly host?: string;
}

export interface StartOptions extends ServiceOptions {
  readonly config?: string;
  /** What a file said, where it was one of another program's. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly bootstrapServer?: string;
  readonly insecure?: boolean;
  readonly property: readonly string[];
}

/** How a service is spoken to. */
export interface LoginOptions {
  readonly user?: string;
  readonly ca?: string;
}

export interface SqlOptions extends LoginOptions {
  readonly execute: readonly string[];
  readonly file?: string;
  readonly output: string;
}

export interface SqlTestOptions {
  readonly sqlFile: string;
  readonly inputFile?: string;
  readonly outputFile: string;
  readonly extensionDir?: string;
}

export interface MigrationsOptions {
  readonly configFile?: string;
}

export interface ApplyOptions {
  readonly all?: boolean;
  readonly next?: boolean;
  readonly until?: string;
  readonly version?: string;
  readonly define: readonly string[];
  readonly dryRun?: boolean;
}

export interface DemoOptions extends ServiceOptions {
  readonly records?: string;
  readonly fresh?: boolean;
  readonly keep?: boolean;
}

export interface DescribeOptions {
  readonly format: string;
}

export interface ResetOptions {
  readonly applicationId: string;
  readonly bootstrapServers?: string;
  readonly configFile?: string;
  readonly inputTopics?: string;
  readonly intermediateTopics?: string;
  readonly internalTopics?: string;
  readonly toEarliest?: boolean;
  readonly toLatest?: boolean;
  readonly toOffset?: string;
  readonly toDatetime?: string;
  readonly byDuration?: string;
  readonly shiftBy?: string;
  readonly fromFile?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export interface RegistryOptions extends LoginOptions {
  readonly registry: string;
  readonly output: string;
}

export interface ListOptions extends RegistryOptions {
  readonly deleted?: boolean;
}

export interface GetOptions extends RegistryOptions {
  readonly id?: string;
  readonly references?: boolean;
}

export interface FileOptions extends RegistryOptions {
  readonly type?: string;
  readonly reference: readonly string[];
  readonly normalize?: boolean;
}

export interface RegisterOptions extends FileOptions {
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends RegistryOptions {
  readonly permanent?: boolean;
}
