/** The version of Confluent's JDBC connectors whose settings these have. */
export const VERSION = '10.8.0';
