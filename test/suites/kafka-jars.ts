// The jars of Apache Kafka.
import { join } from 'node:path';
import { mavenJars } from './maven-jars.ts';

export const kafkaJars = (): ReturnType<typeof mavenJars> => mavenJars(join(import.meta.dirname, 'kafka', 'pom.xml'));
