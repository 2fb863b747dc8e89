/** The version of Apache Kafka whose plugins the built-in ones behave like: what they say is their version. */
export const KAFKA_VERSION = '4.1.1';
