/** The version of Apache Kafka whose plugins the built-in ones behave like: what they say is their version. */
export const KAFKA_VERSION = '4.1.1';

/** The version of Debezium whose transformations the built-in ones behave like. */
export const DEBEZIUM_VERSION = '3.6.1.Final';
