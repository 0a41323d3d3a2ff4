import type { Kysely } from 'kysely';
import type { MediaQuery } from '../core/catalog.ts';
import type { Kind, MediaWithFacts } from '../core/media.ts';
import type { Connection } from './open.ts';
import { factsFromRow, mediaFromRow, type FactsRow, type MediaRow } from './rows.ts';
import type { Schema } from './schema.ts';
import { buildOnly } from './statements.ts';
import { tagTerm, wordsOf } from './terms.ts';

const kinds: readonly Kind[] = ['image', 'video'];

/** The media of a query, newest first. */
export async function listMedia(db: Kysely<Schema>, query: MediaQuery): Promise<MediaWithFacts[]> {
  const ids = await pageOfIds(db, query);
  if (ids.length === 0) return [];
  const rows = await mediaWithFacts(db).where('media.id', 'in', ids).orderBy('media.id', 'desc').execute();
  return rows.map(({ width, height, animated, undecodable, ...row }) => ({
    ...mediaFromRow(row),
    facts: factsFromRow({ width, height, animated, undecodable }),
  }));
}

/** Asked for with every download: prepared once, where the query builder would build and prepare it each time. */
export function prepareMediaById(connection: Connection): (id: string) => MediaWithFacts | undefined {
  const statement = connection.prepare(mediaByIdText);
  return (id) => {
    const found = statement.get(id) as (MediaRow & FactsRow) | undefined;
    if (found === undefined) return undefined;
    return { ...mediaFromRow(found), facts: factsFromRow(found) };
  };
}

function mediaWithFacts(db: Kysely<Schema>) {
  return db
    .selectFrom('media')
    .leftJoin('blobs', 'blobs.id', 'media.blob')
    .selectAll('media')
    .select(['blobs.width', 'blobs.height', 'blobs.animated', 'blobs.undecodable']);
}

/** A page of each kind, already in order in its index, and the newest of both together. */
async function pageOfIds(db: Kysely<Schema>, query: MediaQuery): Promise<string[]> {
  const terms = [...new Set([...(query.tags ?? []).map(tagTerm), ...(query.words ?? []).flatMap(wordsOf)])];
  if (query.words !== undefined && query.words.length > 0 && terms.length === 0) return [];
  const wanted = query.kind === undefined ? kinds : [query.kind];
  const pages = await Promise.all(
    wanted.map((kind) =>
      terms.length === 0 ? idsOfKind(db, query, kind) : idsOfTerms(db, query, kind, terms),
    ),
  );
  return pages.flat().sort().reverse().slice(0, query.limit);
}

async function idsOfKind(db: Kysely<Schema>, query: MediaQuery, kind: Kind): Promise<string[]> {
  const rows = await db
    .selectFrom('media')
    .select('id')
    .where('state', '=', query.state)
    .where('kind', '=', kind)
    .$if(query.belowId !== undefined, (page) => page.where('id', '<', query.belowId!))
    .$if(query.fromId !== undefined, (page) => page.where('id', '>=', query.fromId!))
    .orderBy('id', 'desc')
    .limit(query.limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** Looks up the newest media of one term whose id is below the given one. */
type Seek = (term: string, below: string | undefined) => Promise<string | undefined>;

/**
 * Media with every one of the terms. With several, their lists are walked side by side, each step jumping to where the
 * other lists are, so that what is read follows the rarest term and not the most common.
 */
async function idsOfTerms(
  db: Kysely<Schema>,
  query: MediaQuery,
  kind: Kind,
  terms: string[],
): Promise<string[]> {
  if (terms.length === 1) return termIds(db, query, kind, terms[0]!, query.belowId, query.limit);
  const seek: Seek = async (term, below) => (await termIds(db, query, kind, term, below, 1))[0];
  const found: string[] = [];
  let below = query.belowId;
  while (found.length < query.limit) {
    below = await nextInAll(seek, terms, below);
    if (below === undefined) break;
    found.push(below);
  }
  return found;
}

const seeksBetweenTurns = 200;

async function nextInAll(
  seek: Seek,
  terms: string[],
  below: string | undefined,
): Promise<string | undefined> {
  let candidate = await seek(terms[0]!, below);
  let agreed = 1;
  for (let step = 1; candidate !== undefined && agreed < terms.length; step += 1) {
    // '~' sorts after every character of an id: the candidate itself is included
    const next: string | undefined = await seek(terms[step % terms.length]!, `${candidate}~`);
    agreed = next === candidate ? agreed + 1 : 1;
    candidate = next;
    if (step % seeksBetweenTurns === 0) await new Promise(setImmediate); // others are served meanwhile
  }
  return candidate;
}

async function termIds(
  db: Kysely<Schema>,
  query: MediaQuery,
  kind: Kind,
  term: string,
  below: string | undefined,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('terms')
    .select('media')
    .where('term', '=', term)
    .where('state', '=', query.state)
    .where('kind', '=', kind)
    .$if(below !== undefined, (page) => page.where('media', '<', below!))
    .$if(query.fromId !== undefined, (page) => page.where('media', '>=', query.fromId!))
    .orderBy('media', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ media }) => media);
}

export const mediaByIdText = mediaWithFacts(buildOnly).where('media.id', '=', '').compile().sql;
