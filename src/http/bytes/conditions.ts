import type { IncomingHttpHeaders } from 'node:http';
import { parseHttpDate } from './dates.ts';

/** What identifies the bytes as they are now. */
export interface Validators {
  /** A strong one with its quotes, and no comma inside them. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** `send-whole`: as if there were no `Range`. */
export type Verdict = 'send' | 'send-whole' | 'not-modified' | 'precondition-failed';

/** The conditions of a request in the order of RFC 9110 §13.2.2. */
export function checkConditions(
  request: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders },
  current: Validators,
  nowMs: number,
): Verdict {
  const { method, headers } = request;
  const reads = method === 'GET' || method === 'HEAD';
  if (!isExpectedVersion(headers, current, nowMs)) return 'precondition-failed';
  if (!isNews(headers, current, reads, nowMs)) return reads ? 'not-modified' : 'precondition-failed';
  // Only GET has ranges (§14.2); an If-Range without a Range means nothing (§13.1.5).
  return method === 'GET' && mayResume(headers['if-range'], current, nowMs) ? 'send' : 'send-whole';
}

/** Steps 1 and 2: If-Match, and only without it If-Unmodified-Since. */
function isExpectedVersion(headers: IncomingHttpHeaders, current: Validators, nowMs: number): boolean {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) return isAny(ifMatch) || listed(ifMatch).includes(current.etag);
  const sinceMs = dateOf(headers['if-unmodified-since'], nowMs);
  return sinceMs === undefined || wholeSeconds(current.modifiedMs) <= sinceMs;
}

/** Steps 3 and 4: If-None-Match, and only without it, for reads, If-Modified-Since. */
function isNews(headers: IncomingHttpHeaders, current: Validators, reads: boolean, nowMs: number): boolean {
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    return !isAny(ifNoneMatch) && !listed(ifNoneMatch).some((tag) => withoutWeakness(tag) === current.etag);
  }
  const sinceMs = reads ? dateOf(headers['if-modified-since'], nowMs) : undefined;
  return sinceMs === undefined || wholeSeconds(current.modifiedMs) > sinceMs;
}

/**
 * Step 5. A weak tag never matches. A date must be the very one of Last-Modified; it is a strong validator here, since
 * bytes under one name never change (§8.8.2.2).
 */
function mayResume(ifRange: string | string[] | undefined, current: Validators, nowMs: number): boolean {
  if (ifRange === undefined) return true;
  return ifRange === current.etag || dateOf(ifRange, nowMs) === wholeSeconds(current.modifiedMs);
}

function isAny(field: string): boolean {
  return field === '*';
}

/**
 * The tags of a list. A tag of somebody else's may have a comma inside and fall apart here, but a tag cannot contain a
 * quote, so no piece of one ever equals a whole tag of ours.
 */
function listed(field: string): string[] {
  return field.split(',').map((tag) => tag.trim());
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** What is no date is no condition (§13.1.3, §13.1.4). */
function dateOf(field: string | string[] | undefined, nowMs: number): number | undefined {
  return typeof field === 'string' ? parseHttpDate(field, nowMs) : undefined;
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
