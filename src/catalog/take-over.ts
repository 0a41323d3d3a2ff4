import type { Succession } from '../core/catalog.ts';
import type { Connection } from './open.ts';

/**
 * What a staged catalog takes over from the one it follows, which is attached as `running`: keys, settings and idempotency
 * answers are never rolled back, and media it does not have become purged, so that their blobs are kept while an older
 * backup needs them. May be repeated.
 */
export function takeOver(db: Connection, { atMs, stamp }: Succession): void {
  db.exec('delete from main.records; insert into main.records select * from running.records');
  db.exec('insert or ignore into main.blobs select * from running.blobs');
  db.exec(
    'insert or ignore into main.outbox (vault, blob, size_bytes) select vault, blob, size_bytes from running.outbox',
  );
  db.prepare(
    `insert into main.media
       select id, case state when 'purged' then stamp else @stamp end, 'purged', blob, size_bytes, kind, type, name, owner,
              tags, description, visibility, taken_ms, created_ms, updated_ms, trashed_ms, coalesce(purged_ms, @atMs), extra
       from running.media as gone
       where not exists (select 1 from main.media as kept where kept.id = gone.id)`,
  ).run({ atMs, stamp });
  db.exec(
    `update main.state set value = json_set(value, '$.uploads',
       max(json_extract(value, '$.uploads'),
           coalesce((select json_extract(r.value, '$.uploads') from running.state as r where r.name = 'ledger'), 0)))
     where name = 'ledger'`,
  );
}
