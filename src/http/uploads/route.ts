import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError } from '../../core/error.ts';
import { finish } from '../../uploads/finish.ts';
import type { Answer } from '../../uploads/idempotency.ts';
import { requireScope } from '../auth.ts';
import type { HttpParts, Service } from '../parts.ts';
import { fail, requestIdOf } from '../request.ts';
import { serving } from '../serving.ts';
import { renderUpload } from './answer.ts';
import { lengthOf } from './body.ts';
import { idempotencyKey, reprDigest } from './headers.ts';
import { isForm, receiveUpload } from './receive.ts';

/** A refused body is read on for so long, so that the client gets to see the answer rather than a reset. */
const lingerMs = 2000;

/**
 * `POST /api/uploads`, on the bare request: it is what Holdfast does most, and a framework would cost a third of it.
 * Answers every failure itself.
 */
export async function handleUpload(
  parts: HttpParts,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    const service = serving(parts);
    const caller = requireScope(req, service.keyring, 'upload');
    requireLength(req, parts);
    const repeatable = admit(req, service, caller.keyId);
    try {
      if (continueWanted.has(req)) res.writeContinue();
      const { files, release } = await receiveUpload(req, {
        intake: service.intake,
        settings: parts.settings,
      });
      try {
        const render = (results: Parameters<typeof renderUpload>[0]) =>
          renderUpload(results, requestIdOf(req));
        send(
          res,
          await finish(service.finish, requireFiles(files), { owner: caller.keyId, repeatable, render }),
        );
      } finally {
        release();
      }
    } finally {
      repeatable?.release();
    }
  } catch (error) {
    if (!req.complete) lingerThenClose(req, res);
    fail(req, res, error, parts.log);
  }
}

/** Requests with `Expect: 100-continue`: they are told to go on only when their headers are good. */
export const continueWanted = new WeakSet<IncomingMessage>();

/** As Express would match it: in any case, with a slash behind it, or with the host in front (RFC 9112 §3.2.2). */
const uploadUrl = /^(?:https?:\/\/[^/?#]*)?\/api\/uploads\/?(?:\?|$)/i;

export function isUpload(req: IncomingMessage): boolean {
  return req.method === 'POST' && uploadUrl.test(req.url ?? '');
}

/** Too much is refused before it is sent. @throws too-large */
function requireLength(req: IncomingMessage, { settings }: HttpParts): void {
  const { maxUploadBytes, maxFiles } = settings;
  const most = isForm(req) ? maxUploadBytes * maxFiles + formBytes : maxUploadBytes;
  if ((lengthOf(req) ?? 0) <= most) return;
  throw new HoldfastError(
    'too-large',
    `A file may have at most ${maxUploadBytes} bytes. Send a smaller one.`,
    {
      facts: { maxBytes: maxUploadBytes },
    },
  );
}

/** What a form adds to its files. */
const formBytes = 1024 * 1024;

function admit(req: IncomingMessage, service: Service, owner: string | null) {
  const key = idempotencyKey(req);
  return key === undefined ? undefined : service.admit(owner, key);
}

function requireFiles<T>(files: readonly T[]): readonly T[] {
  if (files.length > 0) return files;
  throw new HoldfastError(
    'malformed',
    'The form has no file. Send it in a field named file: curl -F file=@photo.jpg',
  );
}

function send(res: ServerResponse, { status, location, body, replayed }: Answer): void {
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Holdfast-Durable': 'disk',
  };
  if (location !== undefined) headers['Location'] = location;
  const sha256 = location === undefined ? undefined : /"sha256":"([0-9a-f]{64})"/.exec(body)?.[1];
  if (sha256 !== undefined) headers['Repr-Digest'] = reprDigest(sha256);
  if (replayed) headers['Idempotency-Replayed'] = 'true';
  res.writeHead(status, headers).end(body);
}

function lingerThenClose(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Connection', 'close');
  req.resume();
  const timer = setTimeout(() => req.destroy(), lingerMs);
  req.once('close', () => clearTimeout(timer));
}
