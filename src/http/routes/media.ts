import { json, Router, type Request } from 'express';
import { isMediaId } from '../../core/clock.ts';
import { HoldfastError } from '../../core/error.ts';
import type { Scope } from '../../core/key.ts';
import { editMedia, findMedia, purgeMedia, trashMedia, untrashMedia, type Edit } from '../../media/edit.ts';
import { listMedia } from '../../media/list.ts';
import { requireScope } from '../auth.ts';
import { onlyMethods } from '../methods.ts';
import type { HttpParts, Service } from '../parts.ts';
import { presentMedia, timeOf } from '../present.ts';
import { deleteQuery, listQuery, mediaPatch, parse, signRequest } from '../schemas.ts';
import { serving } from '../serving.ts';

/** `/api/media` and what is below it. */
export function mediaRoutes(parts: HttpParts): Router {
  const router = Router();
  const body = json({ type: ['application/json', 'application/merge-patch+json'], limit: '100kb' });
  const allowed = (req: Request, scope: Scope): Service => {
    const service = serving(parts);
    requireScope(req, service.keyring, scope);
    return service;
  };

  router
    .route('/api/media')
    .get(async (req, res) => {
      const { catalog } = allowed(req, 'read');
      const { tag, before, after, ...rest } = parse(listQuery, req.query);
      const page = await listMedia(catalog, { ...rest, tags: tag, beforeMs: before, afterMs: after });
      if (page.nextCursor !== null) res.setHeader('Link', `<${nextUrl(req, page.nextCursor)}>; rel="next"`);
      res.setHeader('Cache-Control', 'no-store');
      res.json({ items: page.items.map((media) => presentMedia(media)), nextCursor: page.nextCursor });
    })
    .all(onlyMethods('GET, HEAD'));

  router
    .route('/api/media/:id')
    .get(async (req, res) => {
      const media = await findMedia(allowed(req, 'read').catalog, requireMediaId(req.params.id));
      res.setHeader('ETag', `"${media.stamp}"`);
      res.setHeader('Cache-Control', 'private, no-cache');
      res.json(presentMedia(media));
    })
    .patch(body, async (req, res) => {
      const { edit } = allowed(req, 'manage');
      if (req.body === undefined) {
        throw new HoldfastError(
          'malformed',
          'Send the members to change as JSON, as application/merge-patch+json.',
        );
      }
      const { name, tags, description, visibility } = parse(mediaPatch, req.body);
      const wanted: Edit = {
        ...(name !== undefined && { name }),
        ...(tags !== undefined && { tags }),
        ...(description !== undefined && { description }),
        ...(visibility !== undefined && { visibility }),
      };
      const media = await editMedia(
        edit,
        requireMediaId(req.params.id),
        wanted,
        await seenBy(req, edit.catalog),
      );
      res.setHeader('ETag', `"${media.stamp}"`);
      res.json(presentMedia(media));
    })
    .delete(async (req, res) => {
      const { edit } = allowed(req, 'manage');
      const { purge, erase } = parse(deleteQuery, req.query);
      if (erase === true) {
        throw new HoldfastError(
          'malformed',
          'Erasing from every backup is not in this version. Use ?purge=true; backups made before keep their copy.',
        );
      }
      const seen = await seenBy(req, edit.catalog);
      if (purge === true) await purgeMedia(edit, requireMediaId(req.params.id), seen);
      else await trashMedia(edit, requireMediaId(req.params.id), seen);
      res.status(204).end();
    })
    .all(onlyMethods('GET, HEAD, PATCH, DELETE'));

  router
    .route('/api/media/:id/untrash')
    .post(async (req, res) => {
      const { edit } = allowed(req, 'manage');
      res.json(
        presentMedia(
          await untrashMedia(edit, requireMediaId(req.params.id), await seenBy(req, edit.catalog)),
        ),
      );
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/media/:id/sign')
    .post(body, async (req, res) => {
      const { catalog, signer } = allowed(req, 'read');
      const { expiresInSeconds, variant } = parse(signRequest, req.body ?? {});
      const media = await findMedia(catalog, requireMediaId(req.params.id));
      const path = variant === undefined ? `/media/${media.id}` : `/media/${media.id}/${variant}`;
      const expiresMs = Math.floor(parts.clock.nowMs() / 1000 + expiresInSeconds) * 1000;
      res.json({ url: `${path}?${signer.sign(path, expiresMs)}`, expiresAt: timeOf(expiresMs) });
    })
    .all(onlyMethods('POST'));
  return router;
}

/** @throws not-found: an id that cannot be one of ours is not looked up */
export function requireMediaId(id: unknown): string {
  if (typeof id === 'string' && isMediaId(id)) return id;
  throw new HoldfastError('not-found', 'There is no media with this id.');
}

function nextUrl(req: Request, cursor: string): string {
  const query = new URLSearchParams(req.originalUrl.split('?')[1] ?? '');
  query.set('cursor', cursor);
  return `/api/media?${query.toString()}`;
}

/** The stamp in If-Match (RFC 9110 §13.1.1). `*` only asks that there is one. @throws precondition-failed */
async function seenBy(req: Request, catalog: Service['catalog']): Promise<string | undefined> {
  const header = req.headers['if-match'];
  if (header === undefined || header.trim() === '*') return undefined;
  const tags = header.split(',').map((tag) => tag.trim());
  const { stamp } = await findMedia(catalog, requireMediaId(req.params.id));
  if (tags.includes(`"${stamp}"`)) return stamp;
  throw new HoldfastError(
    'precondition-failed',
    'It has changed since you read it. Read it again, then repeat the change.',
  );
}
