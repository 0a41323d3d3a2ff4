/**
 * Everything that can go wrong in a way a caller may act on. The list is closed: docs/ERRORS.md explains each code,
 * http/problem.ts gives each a status and cli/exit.ts an exit code.
 */
export const errorCodes = [
  'malformed',
  'digest-mismatch',
  'unauthorized',
  'forbidden',
  'not-found',
  'method-not-allowed',
  'timeout',
  'conflict',
  'busy',
  'idempotency-running',
  'length-required',
  'precondition-failed',
  'too-large',
  'unsupported-type',
  'range-not-satisfiable',
  'unreadable-image',
  'idempotency-mismatch',
  'backup-damaged',
  'too-many-requests',
  'damaged',
  'unavailable',
  'recovering',
  'stopping',
  'no-space',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Facts for the caller, shown as extra members of the problem document. Never a path of the server or a query. */
export type ErrorFacts = Readonly<Record<string, unknown>>;

/** The one error class. `message` says what happened and what to do about it, in words a client may be shown. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; facts?: ErrorFacts } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}

const noSpaceCodes = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);

/** Turns a failure of the disk or the database into the code a caller can act on; keeps the cause. */
export function storageError(cause: unknown, doing: string): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  const code = systemCode(cause);
  if (noSpaceCodes.has(code)) {
    return new HoldfastError(
      'no-space',
      `There is no room left to ${doing}. Free some space, then send it again.`,
      {
        cause,
      },
    );
  }
  return new HoldfastError('unavailable', `The storage failed to ${doing}. Try again shortly.`, { cause });
}

/** The `code` of a Node or SQLite error, or '' when it has none. */
export function systemCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
