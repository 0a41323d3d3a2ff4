/** What a key may do. `admin` includes all the others. */
export const scopes = ['upload', 'read', 'manage', 'backup', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** A key as the catalog holds it; the secret itself is only ever held by its owner. */
export interface Key {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, hexadecimal. The secret is random, so that a slow hash would add nothing. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  readonly createdMs: number;
  readonly expiresMs: number | null;
}

/** Who asks. */
export interface Caller {
  /** null: no key was shown; what such a caller may do is in `scopes`. */
  readonly keyId: string | null;
  readonly scopes: ReadonlySet<Scope>;
}

export function may(caller: Caller, scope: Scope): boolean {
  return caller.scopes.has(scope) || caller.scopes.has('admin');
}
