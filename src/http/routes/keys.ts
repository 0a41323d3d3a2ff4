import { json, Router, type Request } from 'express';
import { addKey, listKeys, revokeKey } from '../../keys/keys.ts';
import { requireScope } from '../auth.ts';
import { onlyMethods } from '../methods.ts';
import type { HttpParts, Service } from '../parts.ts';
import { presentKey } from '../present.ts';
import { keyRequest, parse } from '../schemas.ts';
import { serving } from '../serving.ts';

/** `/api/keys`, for the scope `admin`. */
export function keyRoutes(parts: HttpParts): Router {
  const router = Router();
  const allowed = (req: Request): Service => {
    const service = serving(parts);
    requireScope(req, service.keyring, 'admin');
    return service;
  };

  router
    .route('/api/keys')
    .get(async (req, res) => {
      const { catalog, keyring } = allowed(req);
      const keys = await listKeys(catalog);
      res.setHeader('Cache-Control', 'no-store');
      res.json({ items: keys.map((key) => presentKey(key, keyring.lastUsedMs(key.id))) });
    })
    .post(json({ limit: '100kb' }), async (req, res) => {
      const { keys, keyring, edit } = allowed(req);
      const { name, scopes, expiresAt } = parse(keyRequest, req.body ?? {});
      const wanted = { name, scopes, expiresMs: expiresAt ?? null };
      // through the gate: a restore would lose what is written beside it
      const { key, secret } = await edit.gate.together(() => addKey(keys, wanted));
      await keyring.reload();
      const { lastUsedAt: _never, ...shown } = presentKey(key, null);
      res.setHeader('Cache-Control', 'no-store');
      res.status(201).json({ ...shown, key: secret });
    })
    .all(onlyMethods('GET, HEAD, POST'));

  router
    .route('/api/keys/:id')
    .delete(async (req, res) => {
      const { keys, keyring, edit } = allowed(req);
      await edit.gate.together(() => revokeKey(keys, String(req.params.id)));
      await keyring.reload();
      res.status(204).end();
    })
    .all(onlyMethods('DELETE'));
  return router;
}
