import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** Headers a script of another origin needs to see. */
const exposed = [
  'Location',
  'ETag',
  'Link',
  'Retry-After',
  'X-Request-Id',
  'Repr-Digest',
  'Idempotency-Replayed',
  'Holdfast-Durable',
  'Accept-Ranges',
  'Content-Range',
  'Content-Disposition',
].join(', ');

const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Content-Disposition',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Range',
  'Repr-Digest',
  'X-Request-Id',
].join(', ');

const preflightSeconds = 600;

const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
});

/** Headers that keep a browser from doing anything clever with an answer: helmet's, asked once, as they never change. */
const securityHeaders = headersOf((req, res) => secure(req, res, () => undefined));

export function setSecurityHeaders(res: ServerResponse): void {
  for (const [name, value] of securityHeaders) res.setHeader(name, value);
}

function headersOf(set: (req: IncomingMessage, res: ServerResponse) => void): [string, string][] {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  const headers: [string, string][] = [];
  res.setHeader = (name, value) => {
    headers.push([name, String(value)]);
    return res;
  };
  set(req, res);
  return headers;
}

/**
 * CORS for the origins the operator named. Keys travel in a header and never in a cookie, so credentials are not allowed.
 * True: it was a preflight and is answered.
 */
export function answerCors(
  req: IncomingMessage,
  res: ServerResponse,
  allowed: '*' | readonly string[],
): boolean {
  if (allowed.length === 0) return false;
  if (allowed !== '*') res.appendHeader('Vary', 'Origin');
  const origin = req.headers.origin;
  if (origin === undefined || (allowed !== '*' && !allowed.includes(origin))) return false;
  res.setHeader('Access-Control-Allow-Origin', allowed === '*' ? '*' : origin);
  res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  res.setHeader('Access-Control-Expose-Headers', exposed);
  if (req.method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return false;
  res.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PATCH, DELETE, OPTIONS');
  res.setHeader('Access-Control-Allow-Headers', allowedHeaders);
  res.setHeader('Access-Control-Max-Age', preflightSeconds);
  res.statusCode = 204;
  res.end();
  return true;
}
