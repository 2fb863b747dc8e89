// The rim: what every service with an outside has in common, whatever it serves.
export { ANONYMOUS, type CheckPassword } from './authentication.ts';
export { liveGzip, takesGzip } from './compression.ts';
export { addHealth, type HealthCheck, healthOf } from './health.ts';
export { httpServer, type HttpServer, type Listenable } from './http.ts';
export { addMetrics, METRICS_PATH, type ServiceMetrics } from './metrics.ts';
export { Negotiation } from './negotiation.ts';
export { HttpRefusal } from './refusal.ts';
export type { QueryParameter, RouteDescription } from './route-description.ts';
export { FileBacked, invalid, linesOf } from '../security/index.ts';
export { readRimSettings, type RimSettings, rimSettingsOf } from './settings.ts';
