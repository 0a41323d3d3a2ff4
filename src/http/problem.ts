import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError, isHoldfastError, type ErrorCode } from '../core/error.ts';

/** The only place where a code becomes a status. docs/ERRORS.md is held against this table by a test. */
export const statusOf: Record<ErrorCode, number> = {
  malformed: 400,
  'digest-mismatch': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  timeout: 408,
  conflict: 409,
  busy: 409,
  'idempotency-running': 409,
  'length-required': 411,
  'precondition-failed': 412,
  'too-large': 413,
  'unsupported-type': 415,
  'range-not-satisfiable': 416,
  'unreadable-image': 422,
  'idempotency-mismatch': 422,
  'backup-damaged': 422,
  'too-many-requests': 429,
  damaged: 503,
  unavailable: 503,
  recovering: 503,
  stopping: 503,
  'no-space': 507,
  internal: 500,
};

const titles: Record<ErrorCode, string> = {
  malformed: 'The request is malformed',
  'digest-mismatch': 'The bytes do not match their digest',
  unauthorized: 'A key is needed',
  forbidden: 'The key may not do this',
  'not-found': 'Not found',
  'method-not-allowed': 'The method is not allowed here',
  timeout: 'The request took too long',
  conflict: 'It conflicts with what is there',
  busy: 'Something that excludes it is running',
  'idempotency-running': 'The same request is still running',
  'length-required': 'A length is needed',
  'precondition-failed': 'It has changed meanwhile',
  'too-large': 'It is too large',
  'unsupported-type': 'Not a picture or video that is taken',
  'range-not-satisfiable': 'The range lies outside the bytes',
  'unreadable-image': 'The image cannot be read',
  'idempotency-mismatch': 'The key was used for something else',
  'backup-damaged': 'The backup is damaged',
  'too-many-requests': 'Too many requests',
  damaged: 'The stored bytes are damaged',
  unavailable: 'Unavailable for now',
  recovering: 'Still recovering',
  stopping: 'Shutting down',
  'no-space': 'There is no room left',
  internal: 'Something went wrong',
};

const retryAfterSeconds: Partial<Record<ErrorCode, number>> = {
  busy: 5,
  'idempotency-running': 1,
  'too-many-requests': 5,
  damaged: 60,
  unavailable: 5,
  recovering: 2,
  stopping: 5,
};

/** RFC 9457, as it is sent. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly requestId: string;
  readonly [fact: string]: unknown;
}

export function problemOf(error: HoldfastError, requestId: string): Problem {
  const { retryAfterSeconds: _header, ...facts } = error.facts;
  return {
    ...facts,
    type: `urn:holdfast:problem:${error.code}`,
    title: titles[error.code],
    status: statusOf[error.code],
    code: error.code,
    detail: error.message,
    requestId,
  };
}

/** Answers with a problem; cuts the connection when an answer was already under way. */
export function sendProblem(
  req: IncomingMessage,
  res: ServerResponse,
  error: HoldfastError,
  requestId: string,
): void {
  if (res.headersSent) {
    res.destroy(error);
    return;
  }
  const problem = problemOf(error, requestId);
  const body = JSON.stringify(problem);
  for (const name of ['ETag', 'Last-Modified', 'Content-Disposition', 'Repr-Digest']) res.removeHeader(name);
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.setHeader('Cache-Control', 'no-store');
  const wait = error.facts['retryAfterSeconds'] ?? retryAfterSeconds[error.code];
  if (typeof wait === 'number') res.setHeader('Retry-After', wait);
  if (error.code === 'unauthorized') res.setHeader('WWW-Authenticate', 'Bearer realm="holdfast"');
  res.statusCode = problem.status;
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Any failure as one of ours: what is not is a mistake of this program, and its text is nobody's business. */
export function asHoldfastError(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  if (error instanceof URIError)
    return new HoldfastError('malformed', 'The path has a broken % sequence.', { cause: error });
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (type === 'entity.parse.failed') {
    return new HoldfastError('malformed', 'The body is not valid JSON.', { cause: error });
  }
  if (type === 'entity.too.large') {
    return new HoldfastError('too-large', 'This JSON body may have at most 100 kB.', {
      cause: error,
      facts: { maxBytes: 102_400 },
    });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new HoldfastError('malformed', 'The request cannot be read as it was sent.', { cause: error });
  }
  return new HoldfastError(
    'internal',
    'Something went wrong here. The operator finds it in the log by requestId.',
    {
      cause: error,
    },
  );
}
