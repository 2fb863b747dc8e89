// Who is who, and what nobody else may read: keys and trust for TLS, for those who listen and those who connect.
export { FileBacked } from './file-backed.ts';
export { invalid, linesOf, readSettingFile } from './setting-files.ts';
export { endpointIdentification, JAVA_SSL_SETTINGS, type SslSetting, sslSettings } from './ssl-settings.ts';
export { hasKey, hasTrust, type SslSource, tlsContext } from './tls.ts';
