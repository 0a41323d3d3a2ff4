import { Readable } from 'node:stream';
import { Router, type Request, type Response } from 'express';
import { HoldfastError } from '../../core/error.ts';
import { may } from '../../core/key.ts';
import type { MediaWithFacts } from '../../core/media.ts';
import { findMedia } from '../../media/edit.ts';
import { callerOf, requireScope } from '../auth.ts';
import { sendBytes } from '../bytes/send.ts';
import { onlyMethods } from '../methods.ts';
import type { HttpParts, Service } from '../parts.ts';
import { requestQuery } from '../query.ts';
import { serving } from '../serving.ts';
import { createHash } from 'node:crypto';
import { idOf } from './media.ts';

/** `/media/:id` and `/media/:id/:variant`: the bytes. */
export function byteRoutes(parts: HttpParts): Router {
  const router = Router();
  router
    .route('/media/:id')
    .get(async (req, res) => {
      const service = serving(parts);
      const media = await readable(req, service);
      await sendBytes(req, res, {
        ...presentation(req, media),
        id: media.blob,
        sizeBytes: media.sizeBytes,
        type: media.type,
        name: media.name,
        open: (range) => service.blobs.open(media.blob, range),
      });
    })
    .all(onlyMethods('GET, HEAD'));

  router
    .route('/media/:id/:variant')
    .get(async (req, res) => {
      const service = serving(parts);
      const media = await readable(req, service);
      if (req.params.variant !== 'thumb') {
        throw new HoldfastError('not-found', 'There is no such variant. There is one: thumb.');
      }
      await sendThumb(req, res, service, media);
    })
    .all(onlyMethods('GET, HEAD'));
  return router;
}

async function sendThumb(
  req: Request,
  res: Response,
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
function presentation(req: Request, media: MediaWithFacts) {
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
async function readable(req: Request, service: Service): Promise<MediaWithFacts> {
  const { keyring, catalog, signer } = service;
  const query = requestQuery(req);
  const signature = query.get('signature');
  if (signature !== null) {
    if (signer.verify(req.path, query.get('expires') ?? '', signature)) return findMedia(catalog, idOf(req));
    throw new HoldfastError('forbidden', 'This signed URL has expired or was changed. Ask for a new one.');
  }
  if (may(callerOf(req, keyring), 'read')) return findMedia(catalog, idOf(req));
  const media = await findMedia(catalog, idOf(req)).catch(() => undefined);
  if (media?.visibility === 'public' && media.state === 'live') return media;
  requireScope(req, keyring, 'read');
  throw new HoldfastError('not-found', 'There is no media with this id.');
}
