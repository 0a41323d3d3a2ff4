import { randomBytes } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { BlobId, BlobReader, ByteRange } from '../../core/blob.ts';
import { HoldfastError } from '../../core/error.ts';
import { exactly, sendBody, type Bytes } from './body.ts';
import { checkConditions } from './conditions.ts';
import { formatHttpDate } from './dates.ts';
import { contentRange, multirange, rangeBytes } from './multirange.ts';
import { contentDisposition } from './names.ts';
import { pump } from './pump.ts';
import { selectRanges } from './ranges.ts';

/** Immutable bytes, and how to present them. */
export interface Sendable {
  readonly id: BlobId;
  readonly sizeBytes: number;
  /** The media type; ours, never the client's word. */
  readonly type: string;
  /** A name to save under; may be anything a client sent. */
  readonly name: string;
  readonly modifiedMs: number;
  readonly cacheControl: string;
  /** Whether a browser should save it rather than show it. */
  readonly download: boolean;
  open(range?: ByteRange): Promise<Readable>;
  /** For an answer of one range, where the bytes can be read at any place: saves what a stream costs. */
  reader?(): Promise<BlobReader>;
}

export interface SendParts {
  nowMs(): number;
  /** A multipart boundary nobody can guess, of letters and digits. */
  boundary(): string;
}

const systemParts: SendParts = { nowMs: () => Date.now(), boundary: () => randomBytes(16).toString('hex') };

/**
 * Answers a GET or HEAD as RFC 9110 §13 and §14 say. Resolves also when the client leaves early. When this throws with
 * `res.headersSent` false, `res` describes no success and waits for a problem document; when it throws with
 * `res.headersSent` true, the connection has been cut and there is nothing left to answer.
 * @throws precondition-failed, range-not-satisfiable (`res` has the headers these answers need); what `open` throws; damaged
 */
export async function sendBytes(
  req: IncomingMessage,
  res: ServerResponse,
  blob: Sendable,
  parts: SendParts = systemParts,
): Promise<void> {
  const nowMs = parts.nowMs();
  // A time that has not come yet must not be sent (§8.8.2.1).
  const current = { etag: `"${blob.id}"`, modifiedMs: Math.min(blob.modifiedMs, nowMs) };

  const verdict = checkConditions(req, current, nowMs);
  if (verdict === 'precondition-failed') throw preconditionFailed(res, current.etag);
  const shared = { ...protection, ETag: current.etag, 'Cache-Control': blob.cacheControl };
  if (verdict === 'not-modified') return sendHead(res, 304, shared);

  const ranges = verdict === 'send' ? selectRanges(req.headers.range, blob.sizeBytes) : 'whole';
  if (ranges === 'unsatisfiable') throw notSatisfiable(res, blob.sizeBytes);
  const { status, headers, open } = answer(blob, ranges, parts);
  const head = { ...shared, ...description(blob, current.modifiedMs), ...headers };
  if (req.method === 'HEAD') return sendHead(res, status, head);
  try {
    const range = oneRange(ranges, blob);
    if (range !== undefined && blob.reader !== undefined) {
      await sendRead(res, blob.reader, range, () => setHead(res, status, head));
      return;
    }
    await sendBody(
      res,
      () => open(opener(blob, res)),
      () => setHead(res, status, head),
    );
  } catch (error) {
    if (!res.headersSent) unsetHead(res, head);
    throw error;
  }
}

/** The one range that is answered; undefined: there are several, or no bytes at all. */
function oneRange(ranges: readonly ByteRange[] | 'whole', { sizeBytes }: Sendable): ByteRange | undefined {
  if (ranges === 'whole') return sizeBytes === 0 ? undefined : { start: 0, end: sizeBytes - 1 };
  return ranges.length === 1 ? ranges[0] : undefined;
}

async function sendRead(
  res: ServerResponse,
  open: () => Promise<BlobReader>,
  range: ByteRange,
  head: () => void,
): Promise<void> {
  const reader = await open();
  try {
    await pump(res, reader, range, head);
  } finally {
    reader.close();
  }
}

function sendHead(res: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  setHead(res, status, headers);
  res.end();
}

function setHead(res: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
}

/** What protects a picture protects a problem document as well, and may stay. */
function unsetHead(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (!(name in protection)) res.removeHeader(name);
}

/**
 * Whatever the bytes are, they stay inert. Cross-origin because galleries embed media from other sites, and nothing is
 * lost by it: media are public or need a key or a signature, which no browser adds by itself.
 */
const protection = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** Of the whole representation. Sent after If-Range too, where §15.3.7 would spare them: players want the type each time. */
function description(blob: Sendable, modifiedMs: number): OutgoingHttpHeaders {
  return {
    'Accept-Ranges': 'bytes',
    'Last-Modified': formatHttpDate(modifiedMs),
    'Content-Disposition': contentDisposition(blob.download ? 'attachment' : 'inline', blob.name),
    'Repr-Digest': `sha-256=:${Buffer.from(blob.id, 'hex').toString('base64')}:`,
  };
}

type Opener = (range?: ByteRange) => Promise<Bytes>;

interface Answer {
  readonly status: 200 | 206;
  readonly headers: OutgoingHttpHeaders;
  readonly open: (open: Opener) => Promise<Bytes>;
}

function answer(blob: Sendable, ranges: readonly ByteRange[] | 'whole', parts: SendParts): Answer {
  const { type, sizeBytes } = blob;
  if (ranges === 'whole') {
    const headers = { 'Content-Type': type, 'Content-Length': sizeBytes };
    return { status: 200, headers, open: (open) => open() };
  }
  if (ranges.length === 1) {
    const range = ranges[0]!;
    const headers = {
      'Content-Type': type,
      'Content-Length': rangeBytes(range),
      'Content-Range': contentRange(range, sizeBytes),
    };
    return { status: 206, headers, open: (open) => open(range) };
  }
  const several = multirange(ranges, blob, parts.boundary());
  const headers = { 'Content-Type': several.contentType, 'Content-Length': several.contentLength };
  return { status: 206, headers, open: (open) => several.open(open) };
}

/** Opens one source after the other, and lets go of the last when the client leaves, at once even if it has stalled. */
function opener(blob: Sendable, res: ServerResponse): Opener {
  let last: Readable | undefined;
  res.once('close', () => last?.destroy());
  return async (range) => {
    last = await blob.open(range);
    last.on('error', () => {}); // also when nobody reads it; who does meets the failure there
    if (res.destroyed) last.destroy();
    return exactly(range === undefined ? blob.sizeBytes : rangeBytes(range), last);
  };
}

function preconditionFailed(res: ServerResponse, etag: string): HoldfastError {
  res.setHeader('ETag', etag);
  return new HoldfastError(
    'precondition-failed',
    'The bytes are not the version that was asked for. See ETag.',
  );
}

function notSatisfiable(res: ServerResponse, sizeBytes: number): HoldfastError {
  res.setHeader('Accept-Ranges', 'bytes');
  res.setHeader('Content-Range', `bytes */${sizeBytes}`);
  const message = `No byte of the requested range exists: there are ${sizeBytes}. Ask for a range below that.`;
  return new HoldfastError('range-not-satisfiable', message, { facts: { sizeBytes } });
}
