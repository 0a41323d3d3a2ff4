import { Router, type Request } from 'express';
import { requireBackupName } from '../../backups/names.ts';
import { isSound, removeBackup } from '../../backups/prune.ts';
import { findBackup } from '../../backups/restore.ts';
import { verifyBackup } from '../../backups/verify.ts';
import { HoldfastError, isHoldfastError } from '../../core/error.ts';
import { requireScope } from '../auth.ts';
import { onlyMethods } from '../methods.ts';
import type { HttpParts, Service } from '../parts.ts';
import { presentBackup, presentDamaged } from '../present.ts';
import { parse, restoreQuery } from '../schemas.ts';
import { serving } from '../serving.ts';

/** `/api/backup`, `/api/backups`, `/api/restore` */
export function backupRoutes(parts: HttpParts): Router {
  const router = Router();
  const allowed = (req: Request): Service => {
    const service = serving(parts);
    requireScope(req, service.keyring, 'backup');
    return service;
  };

  router
    .route('/api/backup')
    .post(async (req, res) => {
      const { lane, backups } = allowed(req);
      const backup = await lane.backup('request');
      res.setHeader('Location', `/api/backups/${backup.name}`);
      res.status(201).json(presentBackup(backup, await backups.vault.manifests.lastCheck(backup.name)));
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/backups')
    .get(async (req, res) => {
      const { manifests } = allowed(req).backups.vault;
      const items = await Promise.all(
        (await manifests.list()).map(async (backup) =>
          'damaged' in backup
            ? presentDamaged(backup)
            : presentBackup(backup, await manifests.lastCheck(backup.name)),
        ),
      );
      res.setHeader('Cache-Control', 'no-store');
      res.json({ items });
    })
    .all(onlyMethods('GET, HEAD'));

  router
    .route('/api/backups/:name')
    .get(async (req, res) => {
      const { backups } = allowed(req);
      const backup = await findBackup(backups, nameOf(req));
      res.json(presentBackup(backup, await backups.vault.manifests.lastCheck(backup.name)));
    })
    .delete(async (req, res) => {
      const { backups } = allowed(req);
      const backup = await findBackup(backups, nameOf(req)).catch(damagedMayGo);
      const sound = (await backups.vault.manifests.list()).filter(isSound);
      if (backup !== undefined && backup.name === sound[0]?.name) throw newestStays();
      if (backup === undefined) await backups.vault.manifests.remove(nameOf(req));
      else await removeBackup(backups, backup);
      res.status(204).end();
    })
    .all(onlyMethods('GET, HEAD, DELETE'));

  router
    .route('/api/backups/:name/verify')
    .post(async (req, res) => {
      const { backups } = allowed(req);
      const backup = await findBackup(backups, nameOf(req));
      const check = await verifyBackup(backups, backup);
      if (!check.ok) {
        throw new HoldfastError('backup-damaged', check.found.join(' '), {
          facts: { backup: backup.name, found: check.found },
        });
      }
      res.json(presentBackup(backup, check));
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/restore')
    .post((req) => {
      allowed(req);
      throw new HoldfastError(
        'malformed',
        'Restoring a moment is not in this version. Use POST /api/restore/<name> or /api/restore/latest.',
      );
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/restore/:name')
    .post(async (req, res) => {
      const { restore } = allowed(req);
      const { dryRun } = parse(restoreQuery, req.query);
      res.json(await restore(String(req.params.name), { dryRun: dryRun === true }));
    })
    .all(onlyMethods('POST'));
  return router;
}

function nameOf(req: Request): string {
  return requireBackupName(String(req.params.name));
}

/** The journal reaches back to the newest ones only: without them a lost catalog could not be rebuilt whole. */
function newestStays(): HoldfastError {
  return new HoldfastError(
    'conflict',
    'This is the newest good backup, with which a rebuild of the catalog begins. Make another, then delete this one.',
  );
}

/** A backup whose manifest is damaged can still be deleted. */
function damagedMayGo(error: unknown): undefined {
  if (!isHoldfastError(error, 'backup-damaged')) throw error;
}
