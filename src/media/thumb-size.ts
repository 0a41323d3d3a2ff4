import type { MediaWithFacts } from '../core/media.ts';

/** Longest edge of a thumbnail, in pixels. */
export const thumbEdge = 320;

/** Types that can be decoded here. HEIC cannot: the decoder for it is not free. */
const decodable = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif', 'image/tiff']);

/** How large the thumbnail of a media is: never larger than the picture. Undefined: there is none. */
export function thumbSize(media: MediaWithFacts): { width: number; height: number } | undefined {
  const { width, height, undecodable } = media.facts;
  if (width === null || height === null || undecodable || !decodable.has(media.type)) return undefined;
  const scale = Math.min(1, thumbEdge / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
