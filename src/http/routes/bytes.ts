import { Readable } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError } from '../../core/error.ts';
import { may } from '../../core/key.ts';
import type { MediaWithFacts } from '../../core/media.ts';
import { findMedia } from '../../media/edit.ts';
import { callerOf, requireScope } from '../auth.ts';
import { sendBytes } from '../bytes/send.ts';
import type { HttpParts, Service } from '../parts.ts';
import { requestQuery } from '../query.ts';
import { fail, pathOf } from '../request.ts';
import { serving } from '../serving.ts';
import { createHash } from 'node:crypto';
import { requireMediaId } from './media.ts';

const mediaPath = /^\/media\/([^/]+)(?:\/([^/]+))?\/?$/;

export function isBytes(req: IncomingMessage): boolean {
  return req.url?.startsWith('/media/') === true;
}

/** `/media/:id` and `/media/:id/:variant`: the bytes, on the bare request, as uploads are. Answers every failure itself. */
export async function handleBytes(
  parts: HttpParts,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    const [, id, variant] = mediaPath.exec(decodeURI(pathOf(req))) ?? [];
    if (id === undefined) throw new HoldfastError('not-found', 'There is no media at this path.');
    if (req.method !== 'GET' && req.method !== 'HEAD') return answerMethod(req, res);
    const service = serving(parts);
    const media = await readable(req, service, id);
    if (variant === undefined) await sendMedia(req, res, service, media);
    else if (variant === 'thumb') await sendThumb(req, res, service, media);
    else throw new HoldfastError('not-found', 'There is no such variant. There is one: thumb.');
  } catch (error) {
    fail(req, res, error, parts.log);
  }
}

function answerMethod(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Allow', 'GET, HEAD');
  if (req.method !== 'OPTIONS') {
    throw new HoldfastError('method-not-allowed', `${req.method} is not allowed here. Use GET, HEAD.`);
  }
  res.statusCode = 204;
  res.end();
}

function sendMedia(
  req: IncomingMessage,
  res: ServerResponse,
  { blobs }: Service,
  media: MediaWithFacts,
): Promise<void> {
  return sendBytes(req, res, {
    ...presentation(req, media),
    id: media.blob,
    sizeBytes: media.sizeBytes,
    type: media.type,
    name: media.name,
    open: (range) => blobs.open(media.blob, range),
    reader: () => blobs.reader(media.blob),
  });
}

async function sendThumb(
  req: IncomingMessage,
  res: ServerResponse,
  { variants }: Service,
  media: MediaWithFacts,
): Promise<void> {
  const bytes = await variants.thumb(media);
  await sendBytes(req, res, {
    ...presentation(req, media),
    id: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    type: 'image/webp',
    name: `${media.name.replace(/\.[A-Za-z0-9]{1,5}$/, '')}-thumb.webp`,
    open: (range) =>
      Promise.resolve(
        Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)]),
      ),
  });
}

/** The bytes under an id never change, so they may be cached for as long as anybody likes. */
function presentation(req: IncomingMessage, media: MediaWithFacts) {
  const who = media.visibility === 'public' ? 'public' : 'private';
  return {
    modifiedMs: media.createdMs,
    cacheControl: `${who}, max-age=31536000, immutable`,
    download: requestQuery(req).get('download') === '1',
  };
}

/**
 * The media, if this caller may read it: it is public, the URL is signed, or the key has the scope `read`.
 * @throws unauthorized and forbidden before it is said whether there is such a media; not-found
 */
async function readable(req: IncomingMessage, service: Service, id: string): Promise<MediaWithFacts> {
  const { keyring, catalog, signer } = service;
  const query = requestQuery(req);
  const signature = query.get('signature');
  if (signature !== null) {
    if (signer.verify(pathOf(req), query.get('expires') ?? '', signature))
      return findMedia(catalog, requireMediaId(id));
    throw new HoldfastError('forbidden', 'This signed URL has expired or was changed. Ask for a new one.');
  }
  if (may(callerOf(req, keyring), 'read')) return findMedia(catalog, requireMediaId(id));
  const media = await findMedia(catalog, requireMediaId(id)).catch(() => undefined);
  if (media?.visibility === 'public' && media.state === 'live') return media;
  requireScope(req, keyring, 'read');
  throw new HoldfastError('not-found', 'There is no media with this id.');
}
