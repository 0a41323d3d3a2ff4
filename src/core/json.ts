export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An object whose members are JSON. */
export type JsonObject = Record<string, Json>;

/**
 * One text for one value: members sorted by name, no white space, integers only (RFC 8785 without its floats).
 * An absent member and a null one are two different values; callers decide which they mean.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`not an integer below 2^53: ${value}`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(',')}}`;
}
