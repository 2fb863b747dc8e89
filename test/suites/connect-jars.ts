// The jars of Kafka Connect.
import { join } from 'node:path';
import { mavenJars } from './maven-jars.ts';

export const connectJars = (): ReturnType<typeof mavenJars> =>
  mavenJars(join(import.meta.dirname, 'connect', 'pom.xml'));
