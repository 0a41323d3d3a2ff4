import type { Kysely } from 'kysely';
import type { BlobBook } from '../core/catalog.ts';
import type { Schema } from './schema.ts';
import type { Writer } from './writer.ts';

type Read = <T>(work: (db: Kysely<Schema>) => Promise<T>) => Promise<T>;

/** What the catalog knows about blobs. */
export function createBlobBook(read: Read, write: Writer['write']): BlobBook {
  return {
    async uses(id) {
      const row = await read((db) =>
        db.selectFrom('blobs').select('uses').where('id', '=', id).executeTakeFirst(),
      );
      return row?.uses ?? 0;
    },
    async learn(ref, facts) {
      await write({ learned: { ...ref, facts } });
    },
    async unshipped(vault, limit) {
      const rows = await read((db) =>
        db
          .selectFrom('outbox')
          .select(['blob', 'size_bytes'])
          .where('vault', '=', vault)
          .orderBy('seq')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({ id: row.blob, sizeBytes: row.size_bytes }));
    },
    async pending(vault, most) {
      const first = (db: Kysely<Schema>) =>
        db.selectFrom('outbox').select('size_bytes').where('vault', '=', vault).limit(most).as('first');
      const row = await read((db) =>
        db
          .selectFrom(first(db))
          .select(({ fn }) => [
            fn.countAll<number>().as('blobs'),
            fn.sum<number | null>('size_bytes').as('bytes'),
          ])
          .executeTakeFirstOrThrow(),
      );
      return { blobs: row.blobs, bytes: row.bytes ?? 0 };
    },
    async refill(vault) {
      await write({ refill: vault });
    },
    async shipped(vault, ids) {
      await write({ shipped: { vault, ids } });
    },
    async inUse(afterId, limit) {
      const rows = await read((db) =>
        db
          .selectFrom('blobs')
          .select(['id', 'size_bytes'])
          .where('uses', '>', 0)
          .where('id', '>', afterId)
          .orderBy('id')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({ id: row.id, sizeBytes: row.size_bytes }));
    },
    async purged(afterId, limit) {
      const rows = await read((db) =>
        db
          .selectFrom('blobs')
          .select(['id', 'size_bytes', 'purged_ms'])
          .where('uses', '=', 0)
          .where('id', '>', afterId)
          .orderBy('id')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({ id: row.id, sizeBytes: row.size_bytes, purgedMs: row.purged_ms ?? 0 }));
    },
    async forget(ids) {
      await write({ forgotten: ids });
    },
  };
}
