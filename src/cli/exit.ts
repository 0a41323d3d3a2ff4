import type { ErrorCode } from '../core/error.ts';

/** The only place where a code becomes an exit code. docs/OPERATING.md lists them; 0 is success, 1 everything not here. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  malformed: 2,
  'not-found': 3,
  conflict: 4,
  busy: 4,
  'backup-damaged': 5,
  damaged: 5,
  'no-space': 6,
  unavailable: 7,
  recovering: 7,
  stopping: 7,
  unauthorized: 8,
  forbidden: 8,
};

export function exitCodeOf(code: ErrorCode): number {
  return exitCodes[code] ?? 1;
}
