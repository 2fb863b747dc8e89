// Who somebody is, as access rules name them: `User:alice`.

/** A type, a colon and a name. */
export type Principal = `${string}:${string}`;

/** Whoever did not have to say who it is. */
export const ANONYMOUS: Principal = 'User:ANONYMOUS';
/** The platform's own clients, in this process. That they are is known from where they are, not from this name. */
export const PLATFORM: Principal = 'User:millrace';

export function userPrincipal(name: string): Principal {
  return `User:${name}`;
}
