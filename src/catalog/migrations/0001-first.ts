import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Tables with a text key are stored in the order of that key (WITHOUT ROWID), so that a page of media is one run of the tree.
 */
export const first: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('media')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('stamp', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('blob', 'text', (c) => c.notNull())
      .addColumn('size_bytes', 'bigint', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('owner', 'text')
      .addColumn('tags', 'text', (c) => c.notNull())
      .addColumn('description', 'text')
      .addColumn('visibility', 'text', (c) => c.notNull())
      .addColumn('taken_ms', 'bigint')
      .addColumn('created_ms', 'bigint', (c) => c.notNull())
      .addColumn('updated_ms', 'bigint', (c) => c.notNull())
      .addColumn('trashed_ms', 'bigint')
      .addColumn('purged_ms', 'bigint')
      .addColumn('extra', 'text', (c) => c.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema.createIndex('media_pages').on('media').columns(['state', 'kind', 'id']).execute();

    await db.schema
      .createTable('blobs')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('size_bytes', 'bigint', (c) => c.notNull())
      .addColumn('width', 'integer')
      .addColumn('height', 'integer')
      .addColumn('animated', 'integer', (c) => c.notNull())
      .addColumn('undecodable', 'integer', (c) => c.notNull())
      .addColumn('uses', 'integer', (c) => c.notNull())
      .addColumn('purged_ms', 'bigint')
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createIndex('blobs_purged')
      .on('blobs')
      .column('id')
      .where(sql.ref('uses'), '=', 0)
      .execute();

    await db.schema
      .createTable('terms')
      .addColumn('term', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('media', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('terms_key', ['term', 'state', 'kind', 'media'])
      .modifyEnd(sql`without rowid`)
      .execute();

    await db.schema
      .createTable('records')
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('stamp', 'text', (c) => c.notNull())
      .addColumn('body', 'text')
      .addPrimaryKeyConstraint('records_key', ['kind', 'id'])
      .modifyEnd(sql`without rowid`)
      .execute();

    await db.schema.createIndex('records_age').on('records').columns(['kind', 'stamp']).execute();

    await db.schema
      .createTable('outbox')
      .addColumn('seq', 'integer', (c) => c.primaryKey())
      .addColumn('vault', 'text', (c) => c.notNull())
      .addColumn('blob', 'text', (c) => c.notNull())
      .addColumn('size_bytes', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('outbox_blobs').on('outbox').columns(['vault', 'blob']).unique().execute();

    await db.schema
      .createTable('state')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .modifyEnd(sql`without rowid`)
      .execute();
  },
};
