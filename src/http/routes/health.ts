import { Router } from 'express';
import { may } from '../../core/key.ts';
import type { Health } from '../../host/health.ts';
import { callerOf } from '../auth.ts';
import { onlyMethods } from '../methods.ts';
import type { HttpParts, Service } from '../parts.ts';
import { presentBackup } from '../present.ts';

/** `/api/health`, `/api/live`, `/api/ready` */
export function healthRoutes(parts: HttpParts): Router {
  const router = Router();
  const startedMs = parts.clock.monotonicMs();

  router
    .route('/api/health')
    .get(async (req, res) => {
      const service = parts.service();
      res.setHeader('Cache-Control', 'no-store');
      if (service === undefined) return void res.status(503).json(recovering(parts.settings.version));
      const health = await service.health();
      const caller = callerOf(req, service.keyring);
      const knows = caller.keyId !== null || may(caller, 'read');
      const uptimeSeconds = Math.floor((parts.clock.monotonicMs() - startedMs) / 1000);
      const body = knows
        ? await inFull(health, service, uptimeSeconds, parts)
        : inShort(health, parts.settings.version);
      res.status(health.writable ? 200 : 503).json(body);
    })
    .all(onlyMethods('GET, HEAD'));

  router
    .route('/api/live')
    .get((_req, res) => void res.json({ status: 'ok' }))
    .all(onlyMethods('GET, HEAD'));

  router
    .route('/api/ready')
    .get((_req, res) => {
      const ready = parts.service() !== undefined && !parts.stopping();
      res.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'fail' });
    })
    .all(onlyMethods('GET, HEAD'));
  return router;
}

function recovering(version: string) {
  const warning = 'Holdfast is starting: it looks at its data and repairs what it has to. Ask again shortly.';
  return { status: 'fail', persistence: { writable: false, durable: 'unknown', warning }, version };
}

/** What a monitor needs and nothing that helps a stranger. */
function inShort(health: Health, version: string) {
  const { durable, warning } = health.storage;
  const persistence = { writable: health.writable, durable, warning };
  return { status: health.status, persistence, version };
}

async function inFull(health: Health, service: Service, uptimeSeconds: number, { settings }: HttpParts) {
  const { storage, totals, backup, vault } = health;
  const lastCheck = backup.last && (await service.backups.vault.manifests.lastCheck(backup.last.name));
  return {
    status: health.status,
    failure: health.failure,
    warnings: health.warnings,
    persistence: {
      writable: health.writable,
      durable: storage.durable,
      platform: health.platform,
      warning: storage.warning,
      reason: storage.reason,
      freeBytes: health.freeBytes,
      durability: 'disk',
    },
    catalog: { engine: 'sqlite', media: totals?.media ?? null, bytes: totals?.bytes ?? null },
    backup: {
      last: backup.last && presentBackup(backup.last, lastCheck ?? undefined),
      nextAt: backup.nextAt,
      uploadsSince: backup.uploadsSince,
      every: backup.every,
    },
    vaults: [
      {
        name: 'local',
        reachable: vault.reachable,
        pendingChanges: vault.pending?.blobs ?? null,
        pendingBytes: vault.pending?.bytes ?? null,
        lagSeconds: null,
      },
    ],
    drill: null,
    jobs: { waiting: 0, running: service.lane.running ? 1 : 0, failed: 0 },
    version: settings.version,
    uptimeSeconds,
  };
}
