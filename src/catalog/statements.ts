import { DummyDriver, Kysely, sql, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { Schema } from './schema.ts';

/** Builds SQL and runs nothing: the hot path prepares each statement once and gives it new values. */
export const buildOnly = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

const text = '';
const number = 0;

const mediaValues = {
  id: text,
  stamp: text,
  state: 'live',
  blob: text,
  size_bytes: number,
  kind: 'image',
  type: text,
  name: text,
  owner: text,
  tags: text,
  description: text,
  visibility: 'private',
  taken_ms: number,
  created_ms: number,
  updated_ms: number,
  trashed_ms: number,
  purged_ms: number,
  extra: text,
} as const;

const blobValues = {
  id: text,
  size_bytes: number,
  width: number,
  height: number,
  animated: 0,
  undecodable: 0,
  uses: number,
  purged_ms: number,
} as const;

/** Every statement that changes rows. Values are bound by position, in the order written here. */
const queries = {
  mediaRow: buildOnly.selectFrom('media').selectAll().where('id', '=', text),
  putMedia: buildOnly
    .insertInto('media')
    .values(mediaValues)
    .onConflict((on) => on.column('id').doUpdateSet((row) => excluded(row, Object.keys(mediaValues)))),
  recordRow: buildOnly.selectFrom('records').selectAll().where('kind', '=', text).where('id', '=', text),
  putRecord: buildOnly
    .insertInto('records')
    .values({ kind: text, id: text, stamp: text, body: text })
    .onConflict((on) => on.columns(['kind', 'id']).doUpdateSet((row) => excluded(row, ['stamp', 'body']))),
  forgetRecord: buildOnly.deleteFrom('records').where('kind', '=', text).where('id', '=', text),
  oldRecords: buildOnly
    .selectFrom('records')
    .selectAll()
    .where('kind', '=', text)
    .where('stamp', '<', text)
    .orderBy('stamp')
    .limit(number),
  blobRow: buildOnly.selectFrom('blobs').select(['uses', 'purged_ms']).where('id', '=', text),
  addBlob: buildOnly.insertInto('blobs').values(blobValues),
  setUses: buildOnly.updateTable('blobs').set({ uses: number, purged_ms: number }).where('id', '=', text),
  setFacts: buildOnly
    .updateTable('blobs')
    .set({ width: number, height: number, animated: 0, undecodable: 0 })
    .where('id', '=', text),
  forgetBlob: buildOnly.deleteFrom('blobs').where('id', '=', text).where('uses', '=', number),
  addTerm: buildOnly
    .insertInto('terms')
    .values({ term: text, state: 'live', kind: 'image', media: text })
    .onConflict((on) => on.doNothing()),
  removeTerm: buildOnly
    .deleteFrom('terms')
    .where('term', '=', text)
    .where('state', '=', 'live')
    .where('kind', '=', 'image')
    .where('media', '=', text),
  addOutbox: buildOnly
    .insertInto('outbox')
    .values({ vault: text, blob: text, size_bytes: number })
    .onConflict((on) => on.doNothing()),
  refillOutbox: buildOnly
    .insertInto('outbox')
    .columns(['vault', 'blob', 'size_bytes'])
    .expression((from) =>
      from
        .selectFrom('blobs')
        .select((row) => [row.val(text).as('vault'), 'id', 'size_bytes'])
        .where('uses', '>', sql.lit(0)),
    )
    .onConflict((on) => on.doNothing()),
  removeOutbox: buildOnly.deleteFrom('outbox').where('vault', '=', text).where('blob', '=', text),
  getState: buildOnly.selectFrom('state').select('value').where('name', '=', text),
  putState: buildOnly
    .insertInto('state')
    .values({ name: text, value: text })
    .onConflict((on) => on.column('name').doUpdateSet((row) => excluded(row, ['value']))),
};

/** The SQL of each, to be prepared by whoever holds a connection: a thread that only writes needs no query builder. */
export const statementTexts = Object.fromEntries(
  Object.entries(queries).map(([name, query]) => [name, query.compile().sql]),
) as Record<keyof typeof queries, string>;

function excluded(row: { ref: (name: never) => unknown }, names: string[]): never {
  return Object.fromEntries(names.map((name) => [name, row.ref(`excluded.${name}` as never)])) as never;
}
